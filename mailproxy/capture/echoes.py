"""What a server may repeat of a secret: as it was sent, without its quotes, decoded, or a word of it.

Of each of these its beginning is enough, in whatever case: servers cut and change what they repeat.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import takewhile

_SHORTEST = 4  # octets: shorter ones stand in any reply by chance
_HEAD = 8  # octets: so long a beginning does not stand there by chance
_LONGEST = 4096  # of a longer one no more is known, so that all behind it is masked
_MOST = 64
_BETWEEN_WORDS = re.compile(rb'[\s"]+')
_BETWEEN_FIELDS = re.compile(rb"[\0\x01 ]")
_ESCAPED = re.compile(rb"\\(.)", re.S)


class Echoes:
    """The secrets of one command, to be masked in what is said to it."""

    __slots__ = ("_known", "_literal")

    def __init__(self) -> None:
        self._known: list[bytes] = []
        self._literal = b""

    def __repr__(self) -> str:
        return "<Echoes>"

    def add(self, secret: bytes) -> None:
        """Octets that are secret, in whatever form they were sent."""
        self.end()
        for form in _forms(secret.strip()):
            known = form[: _LONGEST + 1].lower()
            if len(form) >= _SHORTEST and len(self._known) < _MOST and known not in self._known:
                self._known.append(known)

    def more(self, octets: bytes) -> None:
        """Octets of a secret that comes in pieces, until :meth:`end`."""
        self._literal = (self._literal + octets)[: _LONGEST + 1]

    def end(self) -> None:
        literal, self._literal = self._literal, b""
        if literal:
            self.add(literal)

    def hidden(self, data: bytes) -> bytes:
        """The server's octets without them."""
        self.end()
        if not self._known:
            return data
        lowered, masked = data.lower(), bytearray(data)
        for echo in self._known:
            head = echo[:_HEAD]
            start = lowered.find(head)
            while start >= 0:
                end = _end(lowered, start + len(head), echo, len(head))
                masked[start:end] = b"*" * (end - start)
                start = lowered.find(head, end)
        return bytes(masked)


def _end(data: bytes, at: int, echo: bytes, known: int) -> int:
    """Where in ``data`` an echo ends, of which the first ``known`` octets end at ``at``."""
    pairs = zip(data[at : at + len(echo) - known], echo[known:], strict=False)
    octets = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if known + octets <= _LONGEST:
        return at + octets
    line = data.find(b"\r", at + octets)
    return len(data) if line < 0 else line


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield _ESCAPED.sub(rb"\1", secret)
    words = _BETWEEN_WORDS.split(secret)
    yield from words
    for word in words:
        digits = word.rstrip(b"=")  # some send too many, or none, and some take that
        try:
            decoded = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
        except ValueError:
            continue
        # RFC 4616: in the response of PLAIN, names stand before the password.
        yield from (
            [decoded.rpartition(b"\0")[2]] if decoded.count(b"\0") == 2 else _BETWEEN_FIELDS.split(decoded)
        )

"""What a server may repeat of a secret: as it was sent, without its quotes, decoded, or a word of it."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

_SHORTEST = 4  # octets: shorter ones stand in any reply by chance
_LONGEST = 4096
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
            if _SHORTEST <= len(form) <= _LONGEST and len(self._known) < _MOST and form not in self._known:
                self._known.append(form)

    def more(self, octets: bytes) -> None:
        """Octets of a secret that comes in pieces, until :meth:`end`."""
        self._literal = (self._literal + octets)[: _LONGEST + 1]

    def end(self) -> None:
        literal, self._literal = self._literal, b""
        if literal:
            self.add(literal)

    def hidden(self, data: bytes) -> bytes:
        """The server's octets without them; the longest first, since one may lie within another."""
        self.end()
        for echo in sorted(self._known, key=len, reverse=True):
            if echo in data:
                data = data.replace(echo, b"*" * len(echo))
        return data


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield _ESCAPED.sub(rb"\1", secret)
    words = _BETWEEN_WORDS.split(secret)
    yield from words
    for word in words:
        try:
            decoded = binascii.a2b_base64(word, strict_mode=True)
        except ValueError:
            continue
        # RFC 4616: in the response of PLAIN, names stand before the password.
        yield from (
            [decoded.rpartition(b"\0")[2]] if decoded.count(b"\0") == 2 else _BETWEEN_FIELDS.split(decoded)
        )

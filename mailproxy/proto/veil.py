"""Octets that may be shown: what is secret in them is replaced.

Where the secrets stand is known by ``secrets`` of each protocol's arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Span = tuple[int, int]
"""Start and end of secret octets."""

NOTHING: Sequence[Span] = ()
_LITERAL = re.compile(rb"(?:\A|(?<= ))~?\{[0-9]+\+?\}\Z")


def abridged(octets: bytes, spans: Sequence[Span]) -> bytes:
    """Each secret becomes ``***``: its length is hidden too."""
    return _replaced(octets, spans, lambda secret: b"***")


def veiled(octets: bytes, spans: Sequence[Span]) -> bytes:
    """Each octet of a secret becomes ``*``: all others keep their places."""
    return _replaced(octets, spans, lambda secret: b"*" * len(secret))


def veiled_line(line: bytes) -> bytes:
    """A line that is secret as a whole.

    What gives it its form stays: the line end, quotes around it, a literal's header at its end,
    and the words ``*`` and ``=`` of SASL, which are no secret (RFC 4954 §4).
    """
    text = line.rstrip(b"\r\n")
    end = line[len(text) :]
    if text in (b"*", b"="):
        return line
    literal = _LITERAL.search(text)
    tail = literal[0] if literal else b""
    body = text[: len(text) - len(tail)]
    core = body.strip(b" ")
    start = len(body) - len(body.lstrip(b" "))
    quoted = len(core) > 1 and core[:1] == core[-1:] == b'"'
    inside = (start + quoted, start + len(core) - quoted)
    return veiled(body, [inside]) + tail + end


def _replaced(octets: bytes, spans: Sequence[Span], by: Callable[[bytes], bytes]) -> bytes:
    if not spans:
        return octets
    pieces, done = [], 0
    for start, end in spans:
        pieces += [octets[done:start], by(octets[start:end])]
        done = end
    return b"".join([*pieces, octets[done:]])

r"""The end of a body that is closed by a lone dot (RFC 1939 §3, RFC 5321 §4.5.2).

Only ``CRLF . CRLF`` ends a body. Other parsers take more for an end
(``LF . LF``, ``CR . CR``, a NUL beside the dot ...), and what one of them reads
behind such an end are commands. A *strict* scanner therefore stops at every
dot that stands alone on what anybody could call a line.

Searching is what a bulk transfer costs here, so it goes from dot to dot
(``bytes.find`` of one octet is ``memchr``), and only text full of dots is
searched by a pattern.
"""

from __future__ import annotations

import re
from enum import Enum

_BREAKS = b"\r\n\0"
_LONE = re.compile(rb"[\r\n\0]\.[\r\n\0]")
_HOPS = 6  # after so many dots in one piece the pattern is cheaper
_SHORT = 4096  # in so few octets one search for all of the end is cheaper than two for dots
_END = b"\r\n.\r\n"
_TAIL = 4  # two octets before a dot and two behind it decide


class Found(Enum):
    NOTHING = 0  # the octets before the position may pass; what is behind it must be scanned again
    END = 1  # the position is behind the terminator
    AMBIGUOUS = 2  # the position is that of the dot: nothing from there on may pass


# On Python 3.11, to look up a member of an Enum takes as long as three calls: for each dot, it adds up.
_NOTHING = Found.NOTHING
_NOT_FOUND = (_NOTHING, 0)


class DotScanner:
    """Finds the end of one body in its pieces, wherever they are cut."""

    __slots__ = ("_strict", "_tail")

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._tail = b"\r\n"  # a body may consist of the final ".CRLF" alone

    def scan(self, data: bytes) -> tuple[Found, int]:
        """Look at the next piece; the position is an index into it.

        Only a strict scanner leaves octets behind the position: a dot that still may
        stand alone, which must not pass before what follows it is known.
        """
        tail = self._tail
        edge = tail + data[:_TAIL]
        if b"." in edge:
            kind, at = self._search(edge, edge.find(b"."), len(tail) + 2)
            if kind is not _NOTHING:
                return self._stop(kind, data, max(at - len(tail), 0))
        size = len(data)
        if size > 2:
            kind, at = self._search(data, 2, size)
            if kind is not _NOTHING:
                return self._stop(kind, data, at)
        at = size - self._undecided((tail + data)[-_TAIL:] if size < _TAIL else data[-_TAIL:])
        self._tail = data[at - _TAIL : at] if at >= _TAIL else (tail + data[: max(at, 0)])[-_TAIL:]
        return _NOTHING, max(at, 0)

    def _stop(self, kind: Found, data: bytes, at: int) -> tuple[Found, int]:
        self._tail = (self._tail + data[:at])[-_TAIL:]  # what is scanned next begins there
        return kind, at

    def relax(self) -> None:
        """From here on only the one true terminator counts."""
        self._strict = False

    def _undecided(self, last: bytes) -> int:
        """How many octets at the end may belong to a lone dot of which the rest is still to come."""
        if not self._strict:
            return 0
        if last[-1:] == b"." and last[-2] in _BREAKS:
            return 1
        return 2 if last == b"\r\n.\r" else 0

    def _search(self, data: bytes, start: int, stop: int) -> tuple[Found, int]:
        """The first deciding dot with ``start <= index < stop``."""
        if not self._strict and stop - start < _SHORT:
            found = data.find(_END, max(start - 2, 0), stop + 2)
            return _NOT_FOUND if found < 0 else (Found.END, found + 5)
        for _ in range(_HOPS):
            dot = data.find(b".", start, stop)
            if dot < 0:
                return _NOT_FOUND
            if dot and data[dot - 1] in _BREAKS:
                kind, at = self._decide(data, dot)
                if kind is not _NOTHING:
                    return kind, at
            start = dot + 1
        if not self._strict:
            found = data.find(_END, start)
            return _NOT_FOUND if found < 0 else (Found.END, found + 5)
        for match in _LONE.finditer(data, start):
            kind, at = self._decide(data, match.start() + 1)
            if kind is not _NOTHING:
                return kind, at
        return _NOT_FOUND

    def _decide(self, data: bytes, dot: int) -> tuple[Found, int]:
        """What the dot is; before it stands one of the breaks."""
        if dot + 1 >= len(data) or data[dot + 1] not in _BREAKS:
            return _NOT_FOUND
        if data[dot - 2 : dot] == b"\r\n" and data[dot + 1] == 0x0D:
            if dot + 2 >= len(data):
                return _NOT_FOUND  # the next piece decides
            if data[dot + 2] == 0x0A:
                return Found.END, dot + 3
        return (Found.AMBIGUOUS, dot) if self._strict else _NOT_FOUND

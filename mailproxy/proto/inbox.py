"""The octets of one side that arrived and are not yet a token.

Data stays the very ``bytes`` object that arrived while it can: a body that is
taken whole is never copied. What is left over is joined with what comes next;
it is bounded by the line limit, because bodies never stay here.
"""

from __future__ import annotations

_TAIL = 32


class LineTooLong(Exception):
    """More octets than the limit have come without a line end."""


class Inbox:
    """A queue of octets with a cutter for lines.

    ``data`` is empty when nothing is left; it is for looking at, not for cutting.
    """

    __slots__ = ("_dropped", "_pos", "_scan", "data")

    def __init__(self) -> None:
        self.data = b""
        self._dropped = b""  # the last octets of a line that is being skipped
        self._pos = 0
        self._scan = 0  # no LF before this index: a line fed octet by octet is scanned once

    def __len__(self) -> int:
        return len(self.data) - self._pos

    def feed(self, data: bytes) -> None:
        if not self.data:
            self.data = data
            return
        self._scan = max(self._scan - self._pos, 0)
        self.data = (self.data[self._pos :] if self._pos else self.data) + data
        self._pos = 0

    def line(self, limit: int) -> bytes | None:
        """The next line with its LF, or None while its end is missing.

        It is cut at LF; whether CR stands before it is for the caller to judge.

        Raises:
            LineTooLong: ``limit`` octets without a line end, or a line longer than it.
        """
        data, pos = self.data, self._pos
        end = data.find(b"\n", self._scan) + 1
        if not end:
            self._scan = len(data)
            if self._scan - pos > limit:
                raise LineTooLong
            return None
        if end - pos > limit:
            raise LineTooLong
        if end == len(data):
            self._clear()
            return data[pos:] if pos else data
        self._pos = self._scan = end
        return data[pos:end]

    def extended(self, line: bytes, count: int, limit: int) -> bytes | None:
        """``line``, which was cut last, with ``count`` octets and one more line behind it, in one piece.

        None, and nothing is taken, while that line is not here or longer than ``limit``.
        """
        behind = self._pos + count
        end = self.data.find(b"\n", behind, behind + limit) + 1
        if not end:
            return None
        piece = self.data[self._pos - len(line) : end]
        if end == len(self.data):
            self._clear()
        else:
            self._pos = self._scan = end
        return piece

    def take(self, count: int) -> bytes:
        """Up to ``count`` octets; empty when there are none."""
        data, pos = self.data, self._pos
        end = pos + count
        if end >= len(data):
            self._clear()
            return data[pos:] if pos else data
        self._pos = end
        self._scan = max(self._scan, end)
        return data[pos:end]

    def skip_line(self) -> bytes | None:
        """Drop octets up to and with the next LF; the last few of them once it has come."""
        end = self.data.find(b"\n", self._pos) + 1
        stop = end or len(self.data)
        self._dropped = (self._dropped + self.data[max(self._pos, stop - _TAIL) : stop])[-_TAIL:]
        if stop == len(self.data):
            self._clear()
        else:
            self._pos = self._scan = end
        if not end:
            return None
        tail, self._dropped = self._dropped, b""
        return tail

    def _clear(self) -> None:
        self.data = b""
        self._pos = self._scan = 0

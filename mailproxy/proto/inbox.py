"""The octets of one side that arrived and are not yet a token.

Data stays the very ``bytes`` object that arrived while it can: a body that is
taken whole is never copied. What is left over is joined with what comes next;
it is bounded by the line limit, because bodies never stay here.
"""

from __future__ import annotations


class LineTooLong(Exception):
    """More octets than the limit have come without a line end."""


class Inbox:
    """A queue of octets with a cutter for lines."""

    __slots__ = ("_data", "_pos", "_scan")

    def __init__(self) -> None:
        self._data = b""
        self._pos = 0
        self._scan = 0  # no LF before this index: a line fed octet by octet is scanned once

    def __len__(self) -> int:
        return len(self._data) - self._pos

    def feed(self, data: bytes) -> None:
        if self._pos == len(self._data):
            self._data = data
            self._scan = 0
        else:
            rest = self._data[self._pos :] if self._pos else self._data
            self._data = rest + data
            self._scan = max(self._scan - self._pos, 0)
        self._pos = 0

    def line(self, limit: int) -> bytes | None:
        """The next line with its LF, or None while its end is missing.

        It is cut at LF; whether CR stands before it is for the caller to judge.

        Raises:
            LineTooLong: ``limit`` octets without a line end, or a line longer than it.
        """
        found = self._data.find(b"\n", self._scan)
        if found < 0:
            self._scan = len(self._data)
            if self._scan - self._pos > limit:
                raise LineTooLong
            return None
        end = found + 1
        if end - self._pos > limit:
            raise LineTooLong
        line = self._data if end == len(self._data) and not self._pos else self._data[self._pos : end]
        self._pos = self._scan = end
        return line

    def take(self, count: int) -> bytes:
        """Up to ``count`` octets; empty when there are none."""
        data, pos = self._data, self._pos
        if not pos and count >= len(data):
            self._data = b""
            self._scan = 0
            return data
        end = min(pos + count, len(data))
        self._pos = end
        self._scan = max(self._scan, end)
        return data[pos:end]

    def peek(self, count: int) -> bytes:
        """The first ``count`` octets, which stay."""
        return self._data[self._pos : self._pos + count]

    def skip_line(self) -> bool:
        """Drop octets up to and with the next LF; False when it has not come yet."""
        found = self._data.find(b"\n", self._pos)
        if found < 0:
            self._data = b""
            self._pos = self._scan = 0
            return False
        self._pos = self._scan = found + 1
        return True

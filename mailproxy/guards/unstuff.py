"""A POP3 body without its dots: RFC 1939 §3, the other way round, piece by piece.

Of a line that begins with a dot, that dot goes; a line that is a dot alone is the end. As for
:class:`~mailproxy.proto.bodies.DotScanner`, only CRLF ends a line.
"""

from __future__ import annotations

from collections.abc import Callable

_END = b".\r\n"


class Unstuffer:
    """Hands the octets of the message on to ``write``, wherever the body is cut.

    ``ended`` is True once the lone dot was there; what comes behind it is not looked at.
    ``octets`` were handed on.
    """

    __slots__ = ("_held", "_starts", "_write", "ended", "octets")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._held = b""  # what may be the beginning of the end, or of a line end
        self._starts = True  # what comes next begins a line
        self.ended = False
        self.octets = 0

    def feed(self, data: bytes) -> None:
        if self.ended:
            return
        data = self._held + data
        self._held = b""
        at = 0
        if self._starts:
            at = self._line_start(data, 0)
            if at < 0:
                return
        while (dot := data.find(b"\r\n.", at)) >= 0:
            self._pass(data[at : dot + 2])
            at = self._line_start(data, dot + 2)
            if at < 0:
                return
        rest = data[at:]
        kept = 2 if rest.endswith(b"\r\n") else 1 if rest.endswith(b"\r") else 0
        self._pass(rest[: len(rest) - kept])
        self._held = rest[len(rest) - kept :]

    def _line_start(self, data: bytes, at: int) -> int:
        """Where the line that begins at ``at`` goes on behind its dot; -1 when nothing more can be done."""
        line = data[at : at + 3]
        if line == _END:
            self.ended = True
            return -1
        if _END.startswith(line):
            self._held, self._starts = line, True
            return -1
        self._starts = False
        return at + 1 if line[:1] == b"." else at

    def _pass(self, data: bytes) -> None:
        if data:
            self.octets += len(data)
            self._write(data)

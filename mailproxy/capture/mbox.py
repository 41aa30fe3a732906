"""Messages as an mbox file (RFC 4155), with ``>From`` quoted so that it can be undone ("mboxrd").

Lines end in LF there, so CRLF becomes LF: the octets are not those of the capture any more.
"""

from __future__ import annotations

import re
import time

_FROM = re.compile(rb"^(>*From )", re.M)
_UNDECIDED = re.compile(rb"(?:(?<=\n)|\A)>*(?:F|Fr|Fro|From)?\r?\Z|\r\Z")
_LONGEST = 4096  # octets that wait for what follows them
_END_OF_TIME = 253_402_300_799  # the year 9999: a capture may say anything
_NOBODY = "MAILER-DAEMON"
_ODD = re.compile(r"[^!-~]")


def from_line(sender: str | None, seconds: float) -> bytes:
    """The line in front of a message: who sent it, if known, and when (seconds since 1970), in UTC."""
    name = _ODD.sub("_", sender or "") or _NOBODY
    seconds = seconds if 0 <= seconds < _END_OF_TIME else 0.0
    return f"From {name} {time.asctime(time.gmtime(seconds))}\n".encode("ascii")


class Quoted:
    """Takes one message in any pieces, and gives it as it stands in an mbox."""

    def __init__(self) -> None:
        self._kept = b""
        self._in_line = False  # what was given last did not end a line

    def feed(self, data: bytes) -> bytes:
        """What is decided with these octets."""
        data = self._kept + data
        undecided = _UNDECIDED.search(data, max(len(data) - _LONGEST, 0))
        cut = undecided.start() if undecided else len(data)
        if undecided and self._in_line and cut == 0 and not data.endswith(b"\r"):
            cut = len(data)
        self._kept = data[cut:]
        return self._given(data[:cut])

    def finish(self) -> bytes:
        """The rest, and the empty line that ends a message."""
        data, self._kept = self._kept, b""
        rest = self._given(data)
        return rest + (b"\n\n" if self._in_line else b"\n")

    def _given(self, data: bytes) -> bytes:
        if not data:
            return b""
        data = data.replace(b"\r\n", b"\n")
        if self._in_line:
            first, end, rest = data.partition(b"\n")
            data = first + end + _FROM.sub(rb">\1", rest)
        else:
            data = _FROM.sub(rb">\1", data)
        self._in_line = not data.endswith(b"\n")
        return data

"""Messages that end in a lone dot, as they were before dots were doubled (RFC 1939 §3, RFC 5321 §4.5.2)."""

from __future__ import annotations

_END = b"\r\n.\r\n"
_BEGINNINGS = tuple(_END[:length] for length in range(len(_END) - 1, 0, -1))


class Undotted:
    """Takes a body in any pieces and gives the message: its octets without the doubling and the last dot."""

    def __init__(self) -> None:
        self.ended = False  # the lone dot was there
        self._kept = b"\r\n"  # the octets that decide what a dot is; at first those of the line in front
        self._written = 2  # of those kept, so many are not part of the message, or were given already

    def feed(self, data: bytes) -> bytes:
        """Octets of the message; empty behind its end."""
        if self.ended:
            return b""
        data = self._kept + data
        end = data.find(_END)
        if end >= 0:
            self.ended = True
            return self._given(data[: end + 2])
        if not data.endswith((b"\r", b"\n", b".")):  # most pieces end within a line
            self._kept = b""
            return self._given(data)
        self._kept = next((some for some in _BEGINNINGS if data.endswith(some)), b"")
        return self._given(data[: len(data) - len(self._kept)])

    def hole(self) -> bytes:
        """Octets are missing here. What had to wait for them, as it is."""
        if self.ended:
            return b""
        data, self._kept = self._kept, b""
        return self._given(data)

    def finish(self) -> bytes:
        """No more will come: what still waited."""
        return self.hole()

    def _given(self, data: bytes) -> bytes:
        skip = min(self._written, len(data))
        self._written -= skip
        return data.replace(b"\r\n.", b"\r\n")[skip:]

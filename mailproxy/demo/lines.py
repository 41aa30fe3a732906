"""Lines, literals and dotted bodies on a Trio stream, for the embedded servers and programs."""

from __future__ import annotations

import base64
import binascii

import trio

_LONGEST = 64 * 1024
_CHUNK = 64 * 1024


class Ended(Exception):
    """The other side closed the connection, or sent a line without end."""


class Lines:
    """Only CRLF ends a line: a server that took a bare LF, too, would hide a proxy's mistake."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def line(self) -> bytes:
        """The next line without its CRLF. Raises :class:`Ended`."""
        line = await self._until(b"\r\n", 0, _LONGEST)
        return line[:-2]

    async def exactly(self, size: int) -> bytes:
        """The next ``size`` octets. Raises :class:`Ended`."""
        while len(self._buffer) < size:
            await self._read()
        return self._cut(size)

    async def body(self) -> bytes:
        """A dotted body without its dots: RETR's reply (RFC 1939 §3), DATA (RFC 5321 §4.5.2)."""
        first = await self.exactly(3)
        if first == b".\r\n":
            return b""
        self._buffer[:0] = first
        stuffed = (await self._until(b"\r\n.\r\n", 0, None))[:-3]
        if stuffed.startswith(b"."):
            stuffed = stuffed[1:]
        return stuffed.replace(b"\r\n.", b"\r\n")

    async def send(self, *parts: bytes) -> None:
        """Send the parts in one piece. Raises :class:`Ended`."""
        try:
            await self.stream.send_all(b"".join(parts))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise Ended from error

    async def _until(self, end: bytes, start: int, limit: int | None) -> bytes:
        while (found := self._buffer.find(end, start)) < 0:
            start = max(0, len(self._buffer) - len(end) + 1)
            if limit is not None and start > limit:
                raise Ended
            await self._read()
        return self._cut(found + len(end))

    def _cut(self, size: int) -> bytes:
        cut = bytes(self._buffer[:size])
        del self._buffer[:size]
        return cut

    async def _read(self) -> None:
        try:
            data = await self.stream.receive_some(_CHUNK)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise Ended from error
        if not data:
            raise Ended
        self._buffer += data


def dotted(octets: bytes) -> bytes:
    """The octets as a dotted body, with its last line ``.``."""
    stuffed = octets.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def decoded(text: bytes) -> bytes | None:
    """Base64 as SASL sends it (``=`` is the empty response, RFC 4954 §4); None if it is not."""
    try:
        return b"" if text == b"=" else base64.b64decode(text, validate=True)
    except binascii.Error:
        return None

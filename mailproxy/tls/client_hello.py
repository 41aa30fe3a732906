"""What a client asks for in its first TLS message, read from peeked octets.

The ssl module picks a protocol by ALPN but stays silent when the client offered others only,
and so would let a web browser talk to a mail server (the ALPACA attack). Whoever accepts a
connection therefore peeks at the first octets, asks :func:`refusal`, and only then lets
OpenSSL read them. RFC 8446 §4.1.2, §5.1; RFC 7301 §3.1; RFC 6066 §3.
"""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_HELLO = 16384  # octets; those of today's mail programs have 200 to 2,500
LARGEST_PEEK = LARGEST_HELLO * 2  # octets worth peeking at: the hello and its record headers

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_LARGEST_RECORD = 16384
_SERVER_NAME = 0
_ALPN = 16
_DECODE_ERROR = 50
_PROTOCOL_VERSION = 70
_NO_APPLICATION_PROTOCOL = 120


class HelloError(ValueError):
    """The octets are no well-formed ClientHello. The text quotes none of them."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """``server_name`` and ``protocols`` are None when the client did not send the extension."""

    server_name: str | None = None
    protocols: tuple[bytes, ...] | None = None


def refusal(data: bytes, protocol: str) -> bytes | None:
    """What to do about a client that began with ``data``: None means that more octets are needed.

    No octets (``b""``): go on with the handshake. Otherwise a fatal alert record to be sent
    before closing: the client offers ALPN without ``protocol``, or its hello is malformed.
    What is no TLS at all goes on too, as OpenSSL says best what is wrong with it.
    It is never None for LARGEST_PEEK octets or more.
    """
    if not data:
        return None
    if data[0] & 0x80:  # the hello of SSL 2: RFC 8446 appendix D.5 advises against accepting it
        if len(data) < 3:
            return None
        return alert(_PROTOCOL_VERSION) if data[2] == _CLIENT_HELLO else b""
    if data[0] != _HANDSHAKE:
        return b""
    try:
        hello = read(data)
    except HelloError:
        return alert(_DECODE_ERROR)
    if hello is None:
        return None if len(data) < LARGEST_PEEK else alert(_DECODE_ERROR)
    if hello.protocols is not None and protocol.encode() not in hello.protocols:
        return alert(_NO_APPLICATION_PROTOCOL)
    return b""


def alert(description: int) -> bytes:
    """A fatal alert as a record of its own, as long as nothing is encrypted yet (RFC 8446 §6)."""
    return bytes((21, 3, 3, 0, 2, 2, description))


def read(data: bytes) -> ClientHello | None:
    """Parse the hello at the start of ``data``; None when it is not complete yet.

    What follows the hello is not looked at. Raises HelloError, and nothing else.
    """
    message = bytearray()
    position = 0
    cut = False  # the last record is not here as a whole
    while True:
        body = _whole(message)
        if body is not None:
            return _hello(_Reader(body))
        header = data[position : position + 5]
        if cut or not header:
            return None
        if header[0] != _HANDSHAKE or header[1:2] not in (b"", b"\x03"):
            raise HelloError("a record of another kind inside the hello")
        if len(header) < 5:
            return None
        size = int.from_bytes(header[3:], "big")
        if not 1 <= size <= _LARGEST_RECORD:
            raise HelloError("a record of impossible length")
        position += 5
        fragment = data[position : position + size]
        cut = len(fragment) < size
        position += size
        message += fragment


def _whole(message: bytearray) -> bytes | None:
    """The body of the first handshake message, None when it is not complete."""
    if message and message[0] != _CLIENT_HELLO:
        raise HelloError("the first message is no hello")
    if len(message) < 4:
        return None
    length = int.from_bytes(message[1:4], "big")
    if length > LARGEST_HELLO:
        raise HelloError("the hello is too long")
    return bytes(message[4 : 4 + length]) if len(message) >= 4 + length else None


class _Reader:
    """Fields one after another; any that does not fit is a HelloError."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def more(self) -> bool:
        return self._position < len(self._data)

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def vector(self, octets: int) -> bytes:
        """A field that is preceded by its length, itself of so many octets."""
        return self.take(self.number(octets))

    def take(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._data):
            raise HelloError("a field is longer than what holds it")
        taken = self._data[self._position : end]
        self._position = end
        return taken


def _hello(reader: _Reader) -> ClientHello:
    reader.take(2 + 32)  # version, random
    reader.vector(1)  # session id
    reader.vector(2)  # cipher suites
    reader.vector(1)  # compression methods
    if not reader.more():
        return ClientHello()
    extensions = _Reader(reader.vector(2))
    if reader.more():
        raise HelloError("something follows the extensions")
    found: dict[int, bytes] = {}
    while extensions.more():
        kind = extensions.number(2)
        if kind in found:  # two readers could each believe another one
            raise HelloError("an extension is sent twice")
        found[kind] = extensions.vector(2)
    return ClientHello(
        _server_name(found[_SERVER_NAME]) if _SERVER_NAME in found else None,
        _protocols(found[_ALPN]) if _ALPN in found else None,
    )


def _server_name(data: bytes) -> str:
    entries = _Reader(_only(data))
    kind = entries.number(1)
    name = entries.vector(2)
    if kind != 0 or entries.more():
        raise HelloError("the server name is not one host name")
    labels = name.removesuffix(b".").split(b".")
    # The ssl module raises inside its callback, and prints a traceback, for what is refused here.
    if len(name) > 255 or not name.isascii() or not all(0 < len(label) < 64 for label in labels):
        raise HelloError("the server name is no host name")
    if any(octet <= 0x20 or octet == 0x7F for octet in name):
        raise HelloError("the server name has control characters")
    return name.decode("ascii")


def _protocols(data: bytes) -> tuple[bytes, ...]:
    entries = _Reader(_only(data))
    found: list[bytes] = []
    while entries.more():
        found.append(entries.vector(1))
    if not found or b"" in found:
        raise HelloError("an empty list or name of protocols")
    return tuple(found)


def _only(data: bytes) -> bytes:
    reader = _Reader(data)
    inner = reader.vector(2)
    if reader.more():
        raise HelloError("something follows the end of a list")
    return inner

"""Serves players on listening sockets. Nothing here connects to anything."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import trio

from mailproxy.player.pieces import chunks_of
from mailproxy.player.player import player_of
from mailproxy.player.recordings import Cast
from mailproxy.player.terms import Memory, Passwords, Player, Tls
from mailproxy.tls.transport import End, Transport, TransportClosed

_IDLE_SECONDS = 1800.0
_HANDSHAKE_SECONDS = 30.0
_GATHERED = 65_536  # octets of answers that are sent in one go
_MOST = 200  # connections at once
_AT_ONCE = 64

Say = Callable[[str], None]


class PlayedServer:
    """One protocol of a capture."""

    def __init__(
        self,
        cast: Cast,
        *,
        tls: Tls,
        context: ssl.SSLContext | None,
        password: Passwords | None,
        say: Say,
        over: trio.Event,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        """``context`` is for TLS. ``say`` is told in words what clients do that the capture does not hold,
        and ``over`` is set when a connection has ended.
        """
        self.protocol = cast.protocol
        self._cast = cast
        self._tls = tls
        self._context = context
        self._password = password
        self._say = say
        self._over = over
        self._idle_seconds = idle_seconds
        self._memory = Memory()
        self._open = 0

    async def accept(self, listening: socket.socket, nursery: trio.Nursery) -> None:
        """Serve whoever connects, until cancelled."""
        while True:
            await trio.lowlevel.wait_readable(listening)
            for _ in range(_AT_ONCE):
                try:
                    client, _ = listening.accept()
                except BlockingIOError:
                    break
                except OSError as error:
                    self._say(f"{self.protocol}: a connection could not be accepted: {error.strerror}")
                    await trio.sleep(0.1)
                    break
                if self._open >= _MOST:
                    client.close()
                    self._say(f"{self.protocol}: more than {_MOST} connections at once; closed one")
                    continue
                self._open += 1
                nursery.start_soon(self._serve, client)
            await trio.lowlevel.checkpoint()

    async def _serve(self, client: socket.socket) -> None:
        """One connection; whatever fails in it harms no other."""
        transport = Transport(client)
        try:
            with suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            recording = self._cast.next()
            player = player_of(
                recording,
                password=self._password,
                tls=self._tls,
                memory=self._memory,
                choose=self._cast.chooser(recording),
            )
            await _Connection(transport, player, self._context, self._tell, self._idle_seconds).run()
        except (TransportClosed, OSError, ssl.SSLError):
            pass  # the client is gone, or speaks no TLS that we do
        except Exception as error:
            # A mistake of ours. Its text may quote what was said, so only its kind is told.
            self._say(
                f"{self.protocol}: an error inside mailproxy ended a connection: {type(error).__name__}"
            )
        finally:
            transport.close()
            self._open -= 1
            self._over.set()

    def _tell(self, note: str) -> None:
        self._say(f"{self.protocol}: {note}")


class _Connection:
    def __init__(
        self,
        transport: Transport,
        player: Player,
        context: ssl.SSLContext | None,
        say: Say,
        idle_seconds: float,
    ) -> None:
        self._transport = transport
        self._player = player
        self._context = context
        self._say = say
        self._idle_seconds = idle_seconds
        self._told = 0
        self._gathered = bytearray()

    async def run(self) -> None:
        if self._player.tls == "implicit":
            await self._encrypt()
        for piece in self._player.greet():
            self._gathered += b"".join(chunks_of(piece))
        await self._flush()
        while not self._player.closed:
            data = await self._read()
            if isinstance(data, End):
                return
            self._player.feed(data)
            await self._answer()

    async def _answer(self) -> None:
        """What the client said is answered one command after another: no answer is waited for in memory."""
        while (pieces := self._player.answer()) is not None:
            for piece in pieces:
                for chunk in chunks_of(piece):
                    self._gathered += chunk
                    if len(self._gathered) > _GATHERED:
                        await self._flush()
            await trio.lowlevel.checkpoint()
            self._tell()
        await self._flush()
        if self._player.wants_tls:
            await self._encrypt()
            self._player.secured()

    async def _flush(self) -> None:
        data = bytes(self._gathered)
        self._gathered.clear()
        if data:
            with trio.fail_after(self._idle_seconds):
                await self._transport.send(data)

    async def _read(self) -> bytes | End:
        with trio.move_on_after(self._idle_seconds):
            while True:
                data = self._transport.read()
                if data is not None:
                    await trio.lowlevel.checkpoint()
                    return data
                await self._transport.readable()
        return End.CUT

    async def _encrypt(self) -> None:
        if self._context is None:
            raise TransportClosed
        with trio.fail_after(_HANDSHAKE_SECONDS):
            await self._transport.handshake(self._context)

    def _tell(self) -> None:
        notes = self._player.notes
        for note in notes[self._told :]:
            self._say(note)
        self._told = len(notes)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on the first address of a host; port 0 lets the system choose.

    Raises:
        OSError: the port is taken, the address is not ours, or it takes more rights.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock

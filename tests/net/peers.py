"""Both far ends of a session: a client and a server that the tests play, over loopback TCP."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import trio
import trustme

from mailproxy.net.lane import Lane
from mailproxy.net.relay import Relay
from mailproxy.session.session import Session
from mailproxy.tls.transport import End, Transport

PATIENCE_SECONDS = 20  # how long a broken program may hold up the run
HOST = "mail.example.test"

Secure = Callable[[Transport], Awaitable[bool]]


@dataclass(frozen=True)
class Tls:
    """Contexts of a server, and of clients that trust it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def make_tls() -> Tls:
    """An authority of the tests' own, and a certificate for :data:`HOST` and loopback."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "127.0.0.1").configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    return Tls(server, client)


@contextmanager
def tcp_pair(buffer: int | None = None) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets; ``buffer`` octets are what the kernel may hold in each (it takes twice that)."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        with socket.socket() as one:
            if buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
            one.connect(listening.getsockname())
            other, _ = listening.accept()
            with other:
                if buffer:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
                for end in (one, other):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield one, other


class Peer:
    """A far end: what it sends and hears is said octet by octet."""

    def __init__(self, sock: socket.socket) -> None:
        self.transport = Transport(sock)
        self.heard = bytearray()
        self.end: End | None = None

    async def send(self, data: bytes) -> None:
        """Send all of it, however slowly it is taken."""
        with trio.fail_after(PATIENCE_SECONDS):
            await self.transport.send(data)

    async def hears(self, wanted: bytes) -> None:
        """Exactly these octets come next; more may follow later."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(self.heard) < len(wanted) and self.end is None:
                await self._read()
        heard = bytes(self.heard)
        assert heard == wanted, f"heard {heard[:200]!r} ({self.end}), not {wanted[:200]!r}"
        self.heard.clear()

    async def hears_the_end(self, wanted: bytes = b"") -> End:
        """These octets and then no more; says how it ended."""
        with trio.fail_after(PATIENCE_SECONDS):
            while self.end is None:
                await self._read()
        assert bytes(self.heard) == wanted
        return self.end

    async def _read(self) -> None:
        data = self.transport.read()
        if isinstance(data, End):
            self.end = data
        elif data is None:
            await self.transport.readable()
        else:
            self.heard += data

    def half_close(self) -> None:
        """FIN; what still comes can be read. Under TLS it is no proper end."""
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST: octets on their way are lost."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.transport.close(abort=True)

    def close_notify(self) -> None:
        """Say the end of TLS; the TCP connection stays."""
        assert self.transport.tls is not None
        with suppress(ssl.SSLWantReadError, ssl.SSLSyscallError):
            self.transport.tls.unwrap()

    def send_below_tls(self, data: bytes) -> None:
        """Octets in clear on a connection that has TLS."""
        assert socket.socket.send(self._sock, data) == len(data)

    @property
    def _sock(self) -> socket.socket:
        sock: socket.socket = self.transport._sock
        return sock


@dataclass
class Dialogue:
    """A relay that runs between two peers."""

    client: Peer
    server: Peer
    relay: Relay
    session: Session
    over: trio.Event = field(default_factory=trio.Event)
    error: Exception | None = None

    async def ends(self) -> None:
        """The relay ends by itself."""
        with trio.fail_after(PATIENCE_SECONDS):
            await self.over.wait()


async def no_tls(transport: Transport) -> bool:
    """For sessions without STARTTLS."""
    raise AssertionError("nobody asked for TLS")


@asynccontextmanager
async def relayed(
    session: Session,
    lane: Lane,
    *,
    secure: Secure = no_tls,
    tls: Tls | None = None,
    buffer: int | None = None,
) -> AsyncIterator[Dialogue]:
    """Relay one session; with ``tls`` both legs are encrypted from the start. The lane must run."""
    with tcp_pair(buffer) as (far_client, near_client), tcp_pair(buffer) as (far_server, near_server):
        client, server = Transport(near_client), Transport(near_server)
        peers = Peer(far_client), Peer(far_server)
        if tls is not None:
            await handshake(client, peers[0].transport, tls)
            await handshake(peers[1].transport, server, tls)
            session.facts.tls = True
        relay = Relay(session, client, server, secure, lane)
        dialogue = Dialogue(*peers, relay, session)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_run, dialogue)
                yield dialogue
                nursery.cancel_scope.cancel()
        finally:
            for leg in (client, server, *(peer.transport for peer in peers)):
                leg.close(abort=True)


async def handshake(server: Transport, client: Transport, tls: Tls) -> None:
    """TLS between two transports."""
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.handshake, tls.server)
            await client.handshake(tls.client, hostname=HOST)


async def _run(dialogue: Dialogue) -> None:
    try:
        await dialogue.relay.run()
    except* RuntimeError as group:
        dialogue.error = group.exceptions[0]
    finally:
        dialogue.over.set()

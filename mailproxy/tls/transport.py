"""Octets in and out of one socket, plain or TLS, without a task switch per record.

Trio's SSLStream hands out one record per call and a socket send per record;
for a proxy that moves whole mailboxes this is most of the cost. Here an
``ssl.SSLSocket`` works on a non-blocking socket: after one wait for readiness
all records that arrived are read by plain calls, and OpenSSL gives its buffers
back when a session falls idle.

A *close_notify* is the end of the stream: nothing on the same connection is
ever read as clear text behind it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

import trio

READ_OCTETS = 16_384  # a whole TLS record (RFC 8446 §5.1): none is left half read inside OpenSSL


_CORK: int = getattr(socket, "TCP_CORK", 0)  # of Linux


class End(Enum):
    """How a stream ended: ``CLEAN`` is close_notify, or FIN where there is no TLS."""

    CLEAN = "clean"
    CUT = "cut"


class TransportClosed(Exception):
    """The peer is gone, or the socket was closed here."""


class Transport:
    """One leg of a session over a connected, non-blocking socket."""

    __slots__ = ("_sock", "_tls", "cipher", "fd", "session", "version")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self.fd = sock.fileno()
        self._tls: ssl.SSLSocket | None = None
        self.session: tuple[ssl.SSLContext, ssl.SSLSession] | None = None  # to resume, once it has ended
        self.version = ""  # of TLS, empty for clear text; they outlive the connection
        self.cipher = ""

    @property
    def own_address(self) -> str:
        """The address of our end."""
        return str(self._sock.getsockname()[0])

    @property
    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Address and port of our end, and of the peer's.

        Raises:
            OSError: the connection is gone already.
        """
        (own, own_port, *_), (peer, peer_port, *_) = self._sock.getsockname(), self._sock.getpeername()
        return (own, own_port), (peer, peer_port)

    @property
    def tls(self) -> ssl.SSLSocket | None:
        return self._tls

    async def readable(self) -> None:
        """Wait until :meth:`read` may have something.

        Raises:
            trio.ClosedResourceError: the transport was closed meanwhile.
        """
        await trio.lowlevel.wait_readable(self.fd)

    async def writable(self) -> None:
        await trio.lowlevel.wait_writable(self.fd)

    async def more_than(self, octets: int) -> None:
        """Wait until more than so many octets can be peeked at, or the peer sends no more."""
        if not octets:
            await self.readable()
            return
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets + 1)
        try:
            await self.readable()
        finally:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def peek(self, count: int) -> bytes | None:
        """What arrived, which stays; None when nothing did. Only before TLS.

        Raises:
            TransportClosed: the connection broke.
        """
        try:
            return self._sock.recv(count, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransportClosed from error

    def read(self) -> bytes | End | None:
        """Up to :data:`READ_OCTETS`; None when nothing is there yet; how it ended at the end."""
        tls = self._tls
        try:
            data = self._sock.recv(READ_OCTETS) if tls is None else tls.read(READ_OCTETS)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None  # a KeyUpdate that cannot be answered now goes out with our next octets
        except ssl.SSLZeroReturnError:
            return End.CLEAN
        except (OSError, ValueError):
            return End.CUT
        return data or End.CLEAN

    def write(self, data: bytes | memoryview) -> int:
        """How many octets were taken; 0 when the peer must read first.

        Raises:
            TransportClosed: the peer is gone.
        """
        try:
            if _CORK and self._tls is not None and len(data) > READ_OCTETS:
                return self._corked(data)
            return self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise TransportClosed from error

    def _corked(self, data: bytes | memoryview) -> int:
        """Several TLS records leave in one packet: the peer is woken once, and not for each."""
        sock = self._sock
        sock.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        try:
            return sock.send(data)
        finally:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    async def send(self, data: bytes, progressed: Callable[[], None] | None = None) -> None:
        """Send all of it, waiting for a slow peer; ``progressed`` is called when it took some.

        Raises:
            TransportClosed: the peer is gone.
        """
        sent = self.write(data)
        if sent == len(data):
            return
        rest = memoryview(data)[sent:]
        while rest:
            await self.writable()
            done = self.write(rest)  # always all of it: OpenSSL refuses to go on with less than it was given
            rest = rest[done:]
            if done and progressed is not None:
                progressed()

    async def handshake(
        self,
        context: ssl.SSLContext,
        *,
        hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Begin TLS here: as the server, or, with ``hostname``, as its client, resuming ``session``.

        Raises:
            ssl.SSLError, OSError: it failed; the transport is of no more use.
        """
        tls = context.wrap_socket(
            self._sock,
            server_side=hostname is None,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            server_hostname=hostname,
            session=session,
        )
        self._sock = self._tls = tls
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.readable()
            except ssl.SSLWantWriteError:
                await self.writable()
        suite = tls.cipher()
        self.version, self.cipher = tls.version() or "", suite[0] if suite else ""

    def finish(self) -> None:
        """Tell the peer that we send no more; what it still sends can be discarded."""
        with suppress(OSError, ValueError):
            if self._tls is not None:
                self._tls.unwrap()
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def discard(self) -> int | None:
        """How many octets were thrown away below TLS: None when none are there yet, 0 at the end."""
        try:
            return len(socket.socket.recv(self._sock, READ_OCTETS))
        except BlockingIOError:
            return None
        except OSError:
            return 0

    def close(self, *, abort: bool = False) -> None:
        """Close at once. Unless ``abort``, a TLS peer is told that this is the end (close_notify)."""
        if self._sock.fileno() < 0:
            return
        trio.lowlevel.notify_closing(self.fd)
        if self._tls is not None and not abort:
            if not self._tls.server_side and not self._tls.session_reused:
                session = self._tls.session  # servers send tickets after the handshake (RFC 8446 §4.6.1)
                if session is not None and session.has_ticket:
                    self.session = self._tls.context, session
            with suppress(OSError, ValueError):
                self._tls.unwrap()  # its answer is not awaited: nothing is read behind the end
        self._sock.close()

"""Accepts connections within limits, and ends them: deadlines, and a drain at the end."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import trio

from mailproxy.events import Event, Failure, Fault
from mailproxy.net.connection import Connection, Route
from mailproxy.session.recorded import Recorder
from mailproxy.tls.transport import Transport

_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SWEEP_SECONDS = 2.0
_SAY_AGAIN_SECONDS = 10.0  # the same complaint is not made more often

Emitter = Callable[[str, Route, str], Callable[[Event], None]]
Complain = Callable[..., None]
Record = Callable[[str, Route], Recorder | None]


def _unrecorded(session: str, route: Route) -> None:
    return None


def open_socket(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address that ``host`` has.

    Raises:
        OSError: the port is taken, the address is not ours, or it takes more rights.
    """
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(1024)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


class Sessions:
    """All open connections of the process, and how many there may be."""

    def __init__(
        self,
        limit: int,
        per_address: int,
        emitter: Emitter,
        complain: Complain,
        record: Record = _unrecorded,
    ) -> None:
        """``emitter(id, route, client)`` makes the ``emit`` of a new session; ``client`` is an address.

        ``complain(event, level, **fields)`` logs. ``record(id, route)`` makes the recorder of a new
        session that is to be recorded, or may be.
        """
        self._limit = limit
        self._per_address = per_address
        self._emitter = emitter
        self._complain = complain
        self._record = record
        self._open: set[Connection] = set()
        self._admitted = 0  # those whose task has not begun yet included
        self._by_address: Counter[str] = Counter()  # without those of this machine
        self._said: dict[str, float] = {}
        self._refused: Counter[str] = Counter()
        self.idle = trio.Event()  # set while there are none, once stopping
        self.stopping = False

    def __len__(self) -> int:
        return len(self._open)

    async def accept(self, sock: socket.socket, route: Route, nursery: trio.Nursery) -> None:
        """Serve whoever connects, until cancelled."""
        while True:
            await trio.lowlevel.wait_readable(sock)
            for _ in range(64):
                try:
                    client, address = sock.accept()
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno in _OUT_OF_RESOURCES:
                        self._say("accept_failed", "error", cause=str(error.strerror))
                        await trio.sleep(0.1)
                        break
                    continue  # the client was gone before it was accepted
                self._admit(client, (_plain(address[0]), address[1]), route, nursery)
            await trio.lowlevel.checkpoint()

    def _admit(
        self, sock: socket.socket, client: tuple[str, int], route: Route, nursery: trio.Nursery
    ) -> None:
        if self._admitted >= self._limit:
            sock.close()
            self._say("too_many_sessions", "warning", limit=self._limit)
        elif self._by_address.get(client[0], 0) >= self._per_address:
            sock.close()
            self._say("too_many_sessions_of_address", "warning", client=client[0], limit=self._per_address)
        else:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._admitted += 1
            if not _of_this_machine(client[0]):
                self._by_address[client[0]] += 1
            nursery.start_soon(self._serve, sock, client, route)

    async def _serve(self, sock: socket.socket, client: tuple[str, int], route: Route) -> None:
        """One session; whatever fails in it harms no other."""
        id = secrets.token_hex(6)
        emit = self._emitter(id, route, client[0])
        connection = Connection(route, Transport(sock), client, emit, self._record(id, route))
        self._open.add(connection)
        try:
            await connection.serve()
        except Exception as error:
            # A mistake of ours. Its text may quote octets of the session, so only its kind is told.
            emit(
                Failure(
                    Fault.OURS, "an error inside the proxy", type(_innermost(error)).__name__ + _where(error)
                )
            )
        finally:
            self._open.discard(connection)
            self._admitted -= 1
            if client[0] in self._by_address:
                self._by_address[client[0]] -= 1
                if not self._by_address[client[0]]:
                    del self._by_address[client[0]]
            if self.stopping and not self._open:
                self.idle.set()

    async def sweep(self) -> None:
        """Ends what is overdue, until cancelled. One task for all sessions: none is made per read."""
        while True:
            await trio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for connection in list(self._open):
                connection.enforce(now)

    async def drain(self, seconds: float) -> None:
        """No new ones; those that are open may finish within ``seconds``, then they are told to go."""
        self.stopping = True
        if not self._open:
            return
        with trio.move_on_after(seconds):
            await self.idle.wait()
        for connection in list(self._open):
            connection.stop("The proxy is shutting down", "shutdown")
        with trio.move_on_after(2):
            while self._open:
                await self.idle.wait()

    def _say(self, event: str, level: str, **fields: object) -> None:
        """One complaint of a kind each few seconds, with the number of those that were not told."""
        now = time.monotonic()
        self._refused[event] += 1
        if now - self._said.get(event, -_SAY_AGAIN_SECONDS) >= _SAY_AGAIN_SECONDS:
            self._said[event] = now
            self._complain(event, level, times=self._refused.pop(event), **fields)


def _plain(host: str) -> str:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _of_this_machine(host: str) -> bool:
    """A balancer or webmail beside us is one address for many people."""
    return ipaddress.ip_address(host).is_loopback


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _where(error: BaseException) -> str:
    trace = _innermost(error).__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"

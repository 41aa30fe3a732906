"""Who is let in, and how all are sent home."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from mailproxy.events import Event, Failure, Fault, SessionEnded
from mailproxy.net.connection import Deadlines, Route
from mailproxy.net.lane import EpollLane, Lane
from mailproxy.net.listener import Sessions, open_socket
from mailproxy.net.upstream import Server
from mailproxy.proto.tokens import Command
from mailproxy.session.options import Options
from mailproxy.session.verdict import NO_RULES, Decision, Facts, Judge
from mailproxy.tls.transport import End
from tests.net.fake_server import HOST, Handler, says, serving
from tests.net.peers import Peer, Tls

READY = b"+OK ready\r\n"
DEADLINES = Deadlines(handshake=100, greeting=200, login=1000, command=2000, idle=5000)


class Street(socket.socket):
    """A listening socket whose callers may seem to come from elsewhere, and which may fail."""

    seen_from = ""
    failing: tuple[int, ...] = ()

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failing:
            code, self.failing = self.failing[0], self.failing[1:]
            raise OSError(code, os.strerror(code))
        client, address = super().accept()
        return client, (self.seen_from or address[0], *address[1:])


@dataclass
class Open:
    """Sessions behind one listening socket."""

    sessions: Sessions
    sock: Street
    route: Route
    nursery: trio.Nursery
    clients: list[Peer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    complaints: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def call(self) -> Peer:
        """Connect once more."""
        client = Peer(socket.create_connection(self.sock.getsockname()))
        self.clients.append(client)
        return client

    async def calls_in(self) -> Peer:
        """Connect, and be greeted."""
        client = self.call()
        await client.hears(READY)
        return client

    async def are(self, count: int) -> None:
        """So many sessions are open, in the end."""
        with trio.fail_after(20):
            while len(self.sessions) != count:
                await trio.lowlevel.checkpoint()


@asynccontextmanager
async def opened(
    tls: Tls,
    *,
    limit: int = 100,
    per_address: int = 100,
    handler: Handler | None = None,
    deadlines: Deadlines = DEADLINES,
    judge: Judge = NO_RULES,
) -> AsyncIterator[Open]:
    lane: Lane = EpollLane()
    with Street(fileno=open_socket(HOST, 0)[0].detach()) as sock:
        sock.setblocking(False)
        async with serving(handler or says(READY, b"+OK\r\n")) as fake, trio.open_nursery() as nursery:
            route = Route(
                protocol="pop3",
                listener="door",
                upstream="main",
                implicit=False,
                options=Options(),
                deadlines=deadlines,
                server=Server("pop3", HOST, fake.port, "none", lambda: tls.client),
                context=lambda: tls.server,
                judge=lambda: judge,
                lane=lane,
            )

            def complain(event: str, level: str, **fields: object) -> None:
                one.complaints.append((event, level, fields))

            sessions = Sessions(limit, per_address, lambda *_: one.events.append, complain)
            one = Open(sessions, sock, route, nursery)
            nursery.start_soon(lane.run)
            nursery.start_soon(sessions.accept, sock, route, nursery)
            try:
                yield one
            finally:
                nursery.cancel_scope.cancel()
                for client in one.clients:
                    client.transport.close(abort=True)


# -- limits ---------------------------------------------------------------------------


async def test_the_limit_for_all(tls: Tls) -> None:
    async with opened(tls, limit=2) as one:
        first, second, third = one.call(), one.call(), one.call()  # all wait before any is accepted
        await first.hears(READY)
        await second.hears(READY)
        await third.hears_the_end()
        assert len(one.sessions) == 2
        assert one.complaints == [("too_many_sessions", "warning", {"times": 1, "limit": 2})]
        first.transport.close()
        await one.are(1)
        await one.calls_in()


async def test_the_limit_for_one_address(tls: Tls) -> None:
    async with opened(tls, per_address=2) as one:
        one.sock.seen_from = "192.0.2.7"
        first, second, third = one.call(), one.call(), one.call()
        await first.hears(READY)
        await second.hears(READY)
        await third.hears_the_end()
        told = {"times": 1, "client": "192.0.2.7", "limit": 2}
        assert one.complaints == [("too_many_sessions_of_address", "warning", told)]
        one.sock.seen_from = "::ffff:192.0.2.7"  # the same client, of a socket for both families
        await one.call().hears_the_end()
        one.sock.seen_from = "192.0.2.8"
        await one.calls_in()
        one.sock.seen_from = "192.0.2.7"
        first.transport.close()
        second.transport.close()
        await one.are(1)
        await one.calls_in()
        await one.calls_in()
        await one.call().hears_the_end()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
async def test_no_such_limit_for_this_machine(tls: Tls, address: str) -> None:
    """A balancer or webmail on it is one address for many people."""
    async with opened(tls, per_address=1) as one:
        one.sock.seen_from = address
        for _ in range(3):
            await one.calls_in()
        assert one.complaints == []


async def test_a_complaint_is_not_made_for_each_caller(tls: Tls) -> None:
    async with opened(tls, limit=1) as one:
        await one.calls_in()
        for _ in range(5):
            await one.call().hears_the_end()
        assert len(one.complaints) == 1


# -- trouble --------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_no_descriptors_left_for_a_while(tls: Tls, code: int, autojump_clock: MockClock) -> None:
    async with opened(tls) as one:
        await one.calls_in()
        one.sock.failing = (code,) * 50
        await one.calls_in()
        assert 4.9 < trio.current_time() < 6  # tried again, but not in a tight loop
        assert one.complaints == [("accept_failed", "error", {"times": 1, "cause": os.strerror(code)})]


async def test_a_caller_that_is_gone_before_it_is_accepted(tls: Tls) -> None:
    async with opened(tls) as one:
        one.sock.failing = (errno.ECONNABORTED, errno.EPROTO)
        await one.calls_in()
        assert one.complaints == []


async def test_a_mistake_of_ours_ends_one_session_alone(tls: Tls) -> None:
    def decide(command: Command, facts: Facts) -> Decision | None:
        raise LookupError("a password may stand here")

    async with opened(tls, judge=Judge(frozenset({"CAPA"}), decide)) as one:
        other = await one.calls_in()
        client = await one.calls_in()
        await client.send(b"CAPA\r\n")
        await client.hears_the_end()
        await other.send(b"NOOP\r\n")
        await other.hears(b"+OK\r\n")
        await one.are(1)
    (failure,) = [event for event in one.events if isinstance(event, Failure)]
    assert (failure.fault, failure.what) == (Fault.OURS, "an error inside the proxy")
    assert failure.detail.startswith("LookupError at tests.net.test_listener:")


# -- deadlines ------------------------------------------------------------------------


async def test_the_sweeper_ends_what_is_overdue(tls: Tls, autojump_clock: MockClock) -> None:
    at_once = Deadlines(handshake=100, greeting=200, login=0, command=2000, idle=5000)
    async with opened(tls, deadlines=at_once) as one:
        client = await one.calls_in()
        one.nursery.start_soon(one.sessions.sweep)
        await client.hears_the_end(b"-ERR [SYS/TEMP] Closing: no login in time\r\n")
        client.transport.close()
        await one.are(0)
        assert trio.current_time() < 5
    (end,) = [event for event in one.events if isinstance(event, SessionEnded)]
    assert end.reason == "no login in time"


# -- the drain ------------------------------------------------------------------------


async def test_a_drain_with_nobody_there(tls: Tls) -> None:
    async with opened(tls) as one:
        with trio.fail_after(5):
            await one.sessions.drain(1000)


async def test_open_sessions_may_finish(tls: Tls, autojump_clock: MockClock) -> None:
    async with opened(tls) as one:
        client = await one.calls_in()

        async def finish() -> None:
            await trio.sleep(20)
            await client.send(b"NOOP\r\n")
            await client.hears(b"+OK\r\n")
            client.transport.close()

        one.nursery.start_soon(finish)
        await one.sessions.drain(30)
        assert 20 <= trio.current_time() < 21
        assert len(one.sessions) == 0


async def test_whoever_stays_is_told_to_go(tls: Tls, autojump_clock: MockClock) -> None:
    async with opened(tls) as one:
        client = await one.calls_in()
        await one.sessions.drain(30)
        assert 30 <= trio.current_time() <= 32.5
        assert await client.hears_the_end(b"-ERR [SYS/TEMP] The proxy is shutting down\r\n") is End.CLEAN
    (end,) = [event for event in one.events if isinstance(event, SessionEnded)]
    assert end.reason == "shutdown"


# -- sockets --------------------------------------------------------------------------


@pytest.fixture
def closing() -> Iterator[list[socket.socket]]:
    sockets: list[socket.socket] = []
    yield sockets
    for sock in sockets:
        sock.close()


def test_a_socket_for_each_address(closing: list[socket.socket]) -> None:
    closing += open_socket("localhost", 0)
    families = {info[0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    assert {sock.family for sock in closing} == families
    assert not any(sock.getblocking() for sock in closing)


def test_a_port_that_is_taken(closing: list[socket.socket]) -> None:
    closing += open_socket(HOST, 0)
    with pytest.raises(OSError, match="in use"):
        open_socket(HOST, closing[0].getsockname()[1])


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(OSError, match="assign"):
        open_socket("192.0.2.1", 0)


async def test_nobody_is_left_waiting(tls: Tls) -> None:
    """Many at once, more than are accepted in one turn."""
    async with opened(tls) as one:
        clients = [one.call() for _ in range(90)]
        for client in clients:
            await client.hears(READY)
        await wait_all_tasks_blocked()
        assert len(one.sessions) == 90

"""One client from its first octet to its summary, and the deadlines on the way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from mailproxy.events import Event, Failure, Fault, LegSecured, SessionEnded, SessionStarted
from mailproxy.net.connection import Connection, Deadlines, Route
from mailproxy.net.lane import EpollLane
from mailproxy.net.upstream import Server
from mailproxy.proto.tokens import Side
from mailproxy.session.options import Options
from mailproxy.session.verdict import NO_RULES
from mailproxy.tls.transport import End, Transport
from tests.net.fake_server import HOST, Fake, Handler, greet, hang_up, says, serving, silent
from tests.net.peers import HOST as NAME
from tests.net.peers import Peer, Tls, make_tls, tcp_pair

DEADLINES = Deadlines(handshake=100, greeting=200, login=1000, command=2000, idle=5000)
LONG_AGO = 10_000.0


@dataclass
class Served:
    """A connection that is served, seen from its client."""

    client: Peer
    connection: Connection
    fake: Fake
    events: list[Event]
    over: trio.Event

    def overdue(self, seconds: float) -> str:
        """What the sweeper finds so many seconds from now."""
        return self.connection.overdue(time.monotonic() + seconds)

    async def ended(self) -> SessionEnded:
        """The summary."""
        with trio.fail_after(20):
            await self.over.wait()
        last = self.events[-1]
        assert isinstance(last, SessionEnded)
        return last


@asynccontextmanager
async def served(
    handler: Handler,
    tls: Tls,
    *,
    protocol: str = "imap",
    implicit: bool = False,
    upstream: str = "none",
    guard: bool = True,
    deadlines: Deadlines = DEADLINES,
) -> AsyncIterator[Served]:
    events: list[Event] = []
    lane, over = EpollLane(), trio.Event()
    with tcp_pair() as (far, near):
        async with serving(handler) as fake, trio.open_nursery() as nursery:
            route = Route(
                protocol=protocol,
                listener="door",
                upstream="main",
                implicit=implicit,
                options=Options(guard=guard),
                deadlines=deadlines,
                server=Server(protocol, HOST, fake.port, upstream, lambda: tls.client, 50),
                context=lambda: tls.server,
                judge=lambda: NO_RULES,
                lane=lane,
            )
            client = Peer(far)
            connection = Connection(route, Transport(near), ("192.0.2.7", 4711), events.append)

            async def serve() -> None:
                await connection.serve()
                over.set()

            nursery.start_soon(lane.run)
            nursery.start_soon(serve)
            try:
                yield Served(client, connection, fake, events, over)
            finally:
                client.transport.close(abort=True)
                nursery.cancel_scope.cancel()


def failure(one: Served) -> Failure:
    found = [event for event in one.events if isinstance(event, Failure)]
    assert len(found) == 1
    return found[0]


async def test_from_the_first_octet_to_the_summary(tls: Tls) -> None:
    handler = says(b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"* BYE\r\na OK\r\n")
    async with served(handler, tls, implicit=True) as one:
        await one.client.transport.handshake(tls.client, hostname=NAME)
        await one.client.hears(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        await one.client.send(b"a LOGOUT\r\n")
        await one.client.hears(b"* BYE\r\na OK\r\n")
        one.client.transport.close()
        end = await one.ended()
    start, secured = one.events[:2]
    assert start == SessionStarted("imap", "door", "192.0.2.7:4711", f"{HOST}:{one.fake.port}")
    assert isinstance(secured, LegSecured)
    assert (secured.side, secured.version) == ("client", "TLSv1.3")
    assert (end.client, end.commands, end.tls_client, end.tls_server) == ("192.0.2.7:4711", 1, "TLSv1.3", "")
    assert (end.octets_in, end.octets_out, end.reason) == (10, 35 + 13, "")


# -- ends before there is a session ---------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "farewell"),
    [
        ("imap", b"* BYE The mail server is not available now, try again later\r\n"),
        ("pop3", b"-ERR [SYS/TEMP] The mail server is not available now, try again later\r\n"),
        ("smtp", b"421 4.3.2 The mail server is not available now, try again later\r\n"),
    ],
)
async def test_no_server(tls: Tls, protocol: str, farewell: bytes) -> None:
    async with served(hang_up, tls, protocol=protocol, upstream="starttls") as one:
        await one.client.hears_the_end(farewell)
        assert (await one.ended()).reason == "no upstream"
    assert failure(one).fault is Fault.SERVER
    assert failure(one).detail == "the server closed the connection before TLS"


async def test_clear_text_on_a_tls_port(tls: Tls) -> None:
    async with served(greet, tls, implicit=True) as one:
        await one.client.send(b"a LOGIN alice tea\r\n")
        assert (await one.ended()).reason == "no TLS with the client"
    assert failure(one).detail == (
        "the mail program does not speak TLS on this port; set its connection security to SSL/TLS"
    )
    assert one.fake.heard == []


async def test_a_web_browser_on_a_tls_port(tls: Tls) -> None:
    browser = make_tls().client
    browser.set_alpn_protocols(["h2", "http/1.1"])
    async with served(greet, tls, implicit=True) as one:
        with pytest.raises(OSError, match=r"NO_APPLICATION_PROTOCOL|no application protocol"):
            await one.client.transport.handshake(browser, hostname=NAME)
        assert (await one.ended()).reason == "no TLS with the client"
    assert "ALPN" in failure(one).what


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00"])
async def test_a_client_that_does_not_go_on_with_tls(
    tls: Tls, begun: bytes, autojump_clock: MockClock
) -> None:
    async with served(greet, tls, implicit=True) as one:
        await one.client.send(begun)
        await one.over.wait()
        assert 100 <= trio.current_time() < 101
    assert failure(one).what == "the client did not finish the TLS handshake in time"


async def test_a_client_that_leaves_at_once(tls: Tls) -> None:
    async with served(greet, tls, implicit=True) as one:
        one.client.transport.close(abort=True)
        assert (await one.ended()).reason == "no TLS with the client"


# -- deadlines ------------------------------------------------------------------------


async def test_nothing_is_overdue_before_there_is_a_relay(tls: Tls) -> None:
    async with served(silent, tls, implicit=True) as one:
        await wait_all_tasks_blocked()
        assert one.overdue(LONG_AGO) == ""
        one.connection.stop("x", "y")  # its own deadlines end it
        assert one.events[1:] == []


async def until_relayed(one: Served) -> None:
    with trio.fail_after(20):
        while one.connection.relay is None:
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("protocol", "farewell"), [("imap", b"* BYE "), ("pop3", b"-ERR [SYS/TEMP] "), ("smtp", b"421 4.3.2 ")]
)
@pytest.mark.parametrize("begun", [b"", b"* O"])
async def test_a_server_that_does_not_greet(tls: Tls, protocol: str, farewell: bytes, begun: bytes) -> None:
    async with served(says(begun), tls, protocol=protocol) as one:
        await until_relayed(one)
        await wait_all_tasks_blocked()
        assert one.overdue(199) == ""
        assert one.overdue(201) == "the mail server does not greet"
        one.connection.enforce(time.monotonic() + 201)
        await one.client.hears_the_end(
            farewell + b"The mail server is not available now, try again later\r\n"
        )
        one.client.transport.close()
        assert (await one.ended()).reason == "the mail server does not greet"
    assert failure(one) == Failure(
        Fault.SERVER,
        "the mail server does not greet",
        f"{HOST}:{one.fake.port} sent none within 200 seconds",
    )


async def test_no_login_in_time(tls: Tls) -> None:
    async with served(greet, tls) as one:
        await one.client.hears(b"* OK ready\r\n")
        assert one.overdue(999) == ""
        assert one.overdue(1001) == "no login in time"
        one.connection.enforce(time.monotonic() + 1001)
        await one.client.hears_the_end(b"* BYE Closing: no login in time\r\n")
        one.client.transport.close()
        assert (await one.ended()).reason == "no login in time"


@pytest.mark.parametrize(
    ("protocol", "handler", "greeting"),
    [
        ("imap", says(b"* PREAUTH ready\r\n"), b"* PREAUTH ready\r\n"),
        ("smtp", says(b"220 ready\r\n"), b"220 ready\r\n"),
    ],
)
async def test_no_login_is_due(tls: Tls, protocol: str, handler: Handler, greeting: bytes) -> None:
    async with served(handler, tls, protocol=protocol) as one:
        await one.client.hears(greeting)
        assert one.overdue(4999) == ""
        assert one.overdue(5001) == "idle for too long"


async def test_half_a_minute_of_silence_is_enough_once_the_client_sends_no_more(tls: Tls) -> None:
    async with served(says(b"220 ready\r\n"), tls, protocol="smtp") as one:
        await one.client.hears(b"220 ready\r\n")
        await one.client.send(b"NOOP\r\n")
        assert one.overdue(31) == ""
        one.client.half_close()
        relay = one.connection.relay
        while relay is None or not relay.half_closed:
            await trio.lowlevel.checkpoint()
            relay = one.connection.relay
        assert one.overdue(29) == ""
        assert one.overdue(31) == "idle for too long"


async def test_a_session_that_is_observed_blindly_needs_no_login(tls: Tls) -> None:
    """Whether there was one cannot be seen."""
    async with served(says(b"what is this\r\n", b"?\r\n"), tls, guard=False) as one:
        await one.client.hears(b"what is this\r\n")
        assert one.connection.session.blind
        assert one.overdue(4999) == ""
        assert one.overdue(5001) == "idle for too long"


async def log_in(one: Served) -> None:
    await one.client.hears(b"+OK ready\r\n")
    for command in (b"USER alice\r\n", b"PASS tea\r\n"):
        await one.client.send(command)
        await one.client.hears(b"+OK\r\n")


LOGIN = (b"+OK ready\r\n", b"+OK\r\n", b"+OK\r\n")


async def test_idle_for_too_long(tls: Tls) -> None:
    async with served(says(*LOGIN), tls, protocol="pop3") as one:
        await log_in(one)
        assert one.overdue(4999) == ""
        assert one.overdue(5001) == "idle for too long"


async def test_a_command_that_does_not_end(tls: Tls) -> None:
    async with served(says(*LOGIN, b"+OK\r\n"), tls, protocol="pop3") as one:
        await log_in(one)
        await one.client.send(b"NOO")
        await wait_all_tasks_blocked()
        assert one.overdue(10) == ""  # seen for the first time
        assert one.overdue(2009) == ""
        assert one.overdue(2011) == "a command that does not end"
        await one.client.send(b"P\r\nNO")
        await one.client.hears(b"+OK\r\n")
        assert one.overdue(2011) == ""  # another command
        assert one.overdue(4012) == "a command that does not end"


async def begin_data(one: Served) -> None:
    await one.client.hears(DATA[0])
    for command, reply in zip(
        (b"EHLO me\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n"),
        DATA[1:],
        strict=True,
    ):
        await one.client.send(command)
        await one.client.hears(reply)


DATA = (b"220 ready\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")


@pytest.mark.parametrize(
    ("octets", "found"), [(80_000, ["", "", "", ""]), (10, ["", "", "a command that does not end"])]
)
async def test_a_message_may_take_long_if_it_goes_on_coming(tls: Tls, octets: int, found: list[str]) -> None:
    async with served(says(*DATA), tls, protocol="smtp") as one:
        await begin_data(one)
        for number, words in enumerate(found):
            expected = one.connection.session.octets[Side.CLIENT] + octets
            for piece in b"x" * (octets - 5), b"yz\r", b"\n", b".":
                await one.client.send(piece)
            with trio.fail_after(20):
                while one.connection.session.octets[Side.CLIENT] < expected:
                    await trio.lowlevel.checkpoint()
            assert one.overdue(10 + number * 1500) == words


async def test_a_server_that_never_answers_is_idle_in_the_end(tls: Tls) -> None:
    async with served(says(*LOGIN), tls, protocol="pop3") as one:
        await log_in(one)
        await one.client.send(b"NOOP\r\n")
        await wait_all_tasks_blocked()
        assert one.overdue(10) == ""
        assert one.overdue(4999) == ""
        assert one.overdue(5001) == "idle for too long"


async def test_an_end_is_told_once(tls: Tls) -> None:
    async with served(greet, tls) as one:
        await one.client.hears(b"* OK ready\r\n")
        one.connection.enforce(time.monotonic() + 6000)
        one.connection.enforce(time.monotonic() + 6000)
        assert await one.client.hears_the_end(b"* BYE Closing: idle for too long\r\n") is End.CLEAN
        one.client.transport.close()
        await one.ended()

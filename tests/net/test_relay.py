"""The relay between two peers: who is read when, and how every kind of end is passed on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from mailproxy.net.lane import EpollLane, Lane
from mailproxy.proto.tokens import Command, Side
from mailproxy.session.guard import Dialogue as GuardDialogue
from mailproxy.session.guard import Do, Local, Opening, Treatment
from mailproxy.session.options import Options
from mailproxy.session.session import Session
from mailproxy.session.verdict import Decision, Facts
from mailproxy.tls.transport import End, Transport, TransportClosed
from tests.net.peers import HOST, Dialogue, Tls, relayed

BUFFER = 8192  # octets in each kernel buffer, so that a peer that does not read is noticed soon
KERNEL = 8 * 4 * BUFFER  # more than all kernel buffers of one direction take


def new_session(protocol: str, **options: object) -> Session:
    return Session(protocol, Options(**options), Facts(protocol))  # type: ignore[arg-type]


def blind_session() -> Session:
    """Passes everything on: for what concerns the relay alone."""
    session = new_session("pop3", guard=False)
    session.blind = True
    return session


async def log_in(talk: Dialogue) -> None:
    for to_client, to_server in (
        (b"+OK ready\r\n", b"USER alice\r\n"),
        (b"+OK\r\n", b"PASS tea\r\n"),
    ):
        await talk.server.send(to_client)
        await talk.client.hears(to_client)
        await talk.client.send(to_server)
        await talk.server.hears(to_server)
    await talk.server.send(b"+OK\r\n")
    await talk.client.hears(b"+OK\r\n")


async def begin_data(talk: Dialogue) -> None:
    """An SMTP session in the middle of a message."""
    await talk.server.send(b"220 ready\r\n")
    await talk.client.hears(b"220 ready\r\n")
    for command, reply in (
        (b"EHLO me\r\n", b"250 hello\r\n"),
        (b"MAIL FROM:<a@b.test>\r\n", b"250 ok\r\n"),
        (b"RCPT TO:<c@d.test>\r\n", b"250 ok\r\n"),
        (b"DATA\r\n", b"354 go\r\n"),
        (b"Subject: half\r\n\r\nof it\r\n", b""),
    ):
        await talk.client.send(command)
        await talk.server.hears(command)
        await talk.server.send(reply)
        await talk.client.hears(reply)


async def test_a_dialogue(lane: Lane) -> None:
    async with relayed(new_session("pop3"), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"QUIT\r\n")
        await talk.server.hears(b"QUIT\r\n")
        await talk.server.send(b"+OK bye\r\n")
        talk.server.transport.close()
        await talk.ends()
        assert await talk.client.hears_the_end(b"+OK bye\r\n") is End.CLEAN
        assert talk.session.reason == ""


async def test_a_greeting_that_was_read_before(lane: Lane) -> None:
    session = new_session("pop3")
    session.receive(Side.SERVER, b"+OK ready\r\n")
    async with relayed(session, lane) as talk:
        await talk.client.hears(b"+OK ready\r\n")


# -- peers that do not read -----------------------------------------------------------


async def test_a_client_that_does_not_read_its_replies() -> None:
    """The server is no longer read, so nothing piles up; once it reads again, all is there."""
    count, reply = 50_000, b"+OK " + b"x" * 94 + b"\r\n"
    async with trio.open_nursery() as nursery:
        lane = EpollLane()
        nursery.start_soon(lane.run)
        async with relayed(new_session("pop3"), lane, buffer=BUFFER) as talk, trio.open_nursery() as pumps:
            await log_in(talk)
            pumps.start_soon(talk.client.send, b"NOOP\r\n" * count)
            pumps.start_soon(answer, talk, count, reply)
            await wait_all_tasks_blocked(0.05)
            received = talk.session.octets[Side.SERVER]
            assert received < KERNEL + 200_000 < count * len(reply)
            await talk.client.hears(reply * count)
        nursery.cancel_scope.cancel()


async def answer(talk: Dialogue, count: int, reply: bytes) -> None:
    """A server that answers each NOOP as soon as it has read it."""
    while count:
        await talk.server.transport.readable()
        data = talk.server.transport.read()
        assert isinstance(data, bytes)
        lines = data.count(b"\n")
        count -= lines
        await talk.server.send(reply * lines)


async def test_a_server_that_does_not_read_a_message(lane: Lane) -> None:
    message = b"y" * 1000 + b"\r\n"
    async with relayed(new_session("smtp"), lane, buffer=BUFFER) as talk, trio.open_nursery() as pumps:
        await begin_data(talk)
        pumps.start_soon(talk.client.send, message * 2000 + b".\r\n")
        await wait_all_tasks_blocked(0.05)
        assert talk.session.octets[Side.CLIENT] < KERNEL + 200_000
        await talk.server.hears(message * 2000 + b".\r\n")


async def test_a_server_that_talks_before_it_reads(lane: Lane) -> None:
    """What the server does not take must not keep us from reading it: both would wait for ever."""
    data = b"z" * 1_000_000
    async with relayed(blind_session(), lane, buffer=BUFFER) as talk, trio.open_nursery() as pumps:
        pumps.start_soon(talk.client.send, data)
        pumps.start_soon(talk.client.hears, data)
        await talk.server.send(data)
        await talk.server.hears(data)


async def test_neither_reads(lane: Lane) -> None:
    data = bytes(range(256)) * 8000
    async with relayed(blind_session(), lane, buffer=BUFFER) as talk, trio.open_nursery() as pumps:
        pumps.start_soon(talk.client.send, data)
        pumps.start_soon(talk.server.send, data)
        await wait_all_tasks_blocked(0.05)
        assert max(talk.session.octets) < KERNEL + 200_000
        pumps.start_soon(talk.client.hears, data)
        await talk.server.hears(data)


class Deaf(Session):
    """Takes what it gets, and wants no more of the client."""

    __slots__ = ()

    def wants(self, side: Side) -> bool:
        return side is Side.SERVER


async def test_a_client_that_breaks_off_while_it_is_not_read(lane: Lane) -> None:
    """A broken connection that may not be read now is not looked at again and again."""
    async with relayed(Deaf("pop3", Options(), Facts("pop3")), lane) as talk:
        await talk.server.send(b"+OK ready\r\n")
        await talk.client.hears(b"+OK ready\r\n")
        looked = talk.relay.active
        talk.client.reset()
        with trio.fail_after(20):
            await wait_all_tasks_blocked()
        assert talk.relay.active == looked
        await talk.server.send(b"-ERR closing\r\n")
        await talk.ends()
        assert talk.session.reason == "the connection broke"


# -- ends -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", End)
async def test_the_server_ends_inside_a_message(lane: Lane, tls: Tls, end: End) -> None:
    begun = b"+OK 1000 octets\r\nSubject: half\r\n"
    async with relayed(new_session("pop3"), lane, tls=tls) as talk:
        await log_in(talk)
        await talk.client.send(b"RETR 1\r\n")
        await talk.server.hears(b"RETR 1\r\n")
        await talk.server.send(begun)
        await talk.client.hears(begun)
        talk.server.transport.close(abort=end is End.CUT)
        assert await talk.client.hears_the_end() is end
        talk.client.transport.close()
        await talk.ends()
        assert talk.session.reason == "server closed early"


@pytest.mark.parametrize("end", End)
async def test_the_client_ends_inside_a_message(lane: Lane, tls: Tls, end: End) -> None:
    async with relayed(new_session("smtp"), lane, tls=tls) as talk:
        await begin_data(talk)
        talk.client.transport.close(abort=end is End.CUT)
        assert await talk.server.hears_the_end() is end
        await talk.ends()
        assert talk.session.reason == "client closed early"


async def test_clear_text_behind_the_end_of_tls(lane: Lane, tls: Tls) -> None:
    """What follows close_notify on the same TCP connection was not said inside TLS."""
    async with relayed(new_session("imap"), lane, tls=tls) as talk:
        await talk.server.send(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        await talk.client.hears(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        for command, reply in (
            (b"a LOGIN alice tea\r\n", b"a OK\r\n"),
            (b"b APPEND INBOX {100}\r\n", b"+ go on\r\n"),
            (b"Subject: half\r\n", b""),
        ):
            await talk.client.send(command)
            await talk.server.hears(command)
            await talk.server.send(reply)
            await talk.client.hears(reply)
        talk.client.close_notify()
        talk.client.send_below_tls(b"x" * 85 + b"\r\nc DELETE INBOX\r\n")
        assert await talk.server.hears_the_end() is End.CLEAN
        await talk.ends()


async def test_a_client_that_closes_its_half_gets_its_answers(lane: Lane) -> None:
    async with relayed(new_session("pop3"), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"STAT\r\nLIST\r\n")
        talk.client.half_close()
        await talk.server.hears(b"STAT\r\nLIST\r\n")
        await wait_all_tasks_blocked()
        await talk.server.send(b"+OK 0 0\r\n")
        await talk.client.hears(b"+OK 0 0\r\n")
        await talk.server.send(b"+OK\r\n.\r\n")
        assert await talk.client.hears_the_end(b"+OK\r\n.\r\n") is End.CLEAN
        await talk.ends()
        assert await talk.server.hears_the_end() is End.CLEAN


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_reset_ends_the_session(lane: Lane, who: str) -> None:
    async with relayed(new_session("pop3"), lane) as talk:
        await log_in(talk)
        getattr(talk, who).reset()
        await talk.ends()
        other = talk.server if who == "client" else talk.client
        await other.hears_the_end()


# -- STARTTLS -------------------------------------------------------------------------


class Securing:
    """Stands for what makes TLS with the client."""

    def __init__(self, tls: Tls | None) -> None:
        self.tls = tls
        self.asked = 0

    async def __call__(self, transport: Transport) -> bool:
        self.asked += 1
        if self.tls is None:
            return False
        await transport.handshake(self.tls.server)
        return True


async def stls(talk: Dialogue, behind: bytes = b"") -> None:
    await talk.server.send(b"+OK ready\r\n")
    await talk.client.hears(b"+OK ready\r\n")
    await talk.client.send(b"STLS\r\n" + behind)


async def test_the_clients_leg_is_encrypted(lane: Lane, tls: Tls) -> None:
    securing = Securing(tls)
    async with relayed(new_session("pop3", starttls=True), lane, secure=securing) as talk:
        await stls(talk)
        await talk.client.hears(b"+OK Begin TLS negotiation now\r\n")
        await talk.client.transport.handshake(tls.client, hostname=HOST)
        await talk.client.send(b"USER alice\r\n")
        await talk.server.hears(b"USER alice\r\n")
        assert talk.session.facts.tls
        assert talk.session.facts.tls_version == "TLSv1.3"
    assert securing.asked == 1


async def test_octets_behind_starttls_end_the_session(lane: Lane, tls: Tls) -> None:
    """They came in clear, and would be taken for what was said inside TLS."""
    securing = Securing(tls)
    async with relayed(new_session("pop3", starttls=True), lane, secure=securing) as talk:
        await stls(talk, b"USER mallory\r\n")
        talk.client.half_close()
        await talk.client.hears_the_end(b"+OK Begin TLS negotiation now\r\n")
        await talk.server.hears_the_end()
        await talk.ends()
        assert talk.session.reason == "octets behind STARTTLS"
    assert securing.asked == 0


async def test_no_tls_with_the_client_no_session(lane: Lane) -> None:
    async with relayed(new_session("pop3", starttls=True), lane, secure=Securing(None)) as talk:
        await stls(talk)
        await talk.client.hears_the_end(b"+OK Begin TLS negotiation now\r\n")
        await talk.server.hears_the_end()
        await talk.ends()


async def test_what_a_client_says_in_clear_instead_of_tls_stays_unread(lane: Lane, tls: Tls) -> None:
    class Failing(Securing):
        async def __call__(self, transport: Transport) -> bool:
            try:
                return await super().__call__(transport)
            except OSError:
                return False

    async with relayed(new_session("pop3", starttls=True), lane, secure=Failing(tls)) as talk:
        await stls(talk)
        await talk.client.hears(b"+OK Begin TLS negotiation now\r\n")
        await talk.client.send(b"USER alice\r\nPASS tea\r\n")
        await talk.server.hears_the_end()
        await talk.ends()


# -- from outside ---------------------------------------------------------------------


class Faulty(Session):
    """Has a mistake of ours in it."""

    __slots__ = ()

    def receive(self, side: Side, data: bytes) -> None:
        raise RuntimeError("a mistake of ours")


async def test_an_error_in_a_session_harms_no_other(lane: Lane) -> None:
    faulty = Faulty("pop3", Options(), Facts("pop3"))
    async with relayed(faulty, lane) as broken, relayed(new_session("pop3"), lane) as sound:
        await broken.server.send(b"+OK ready\r\n")
        await broken.ends()
        assert isinstance(broken.error, RuntimeError)
        await broken.client.hears_the_end()
        await broken.server.hears_the_end()
        await log_in(sound)


async def test_stopped_from_outside(lane: Lane) -> None:
    async with relayed(new_session("pop3"), lane) as talk:
        await log_in(talk)
        talk.relay.stop("Closing for the night", "shutdown")
        assert await talk.client.hears_the_end(b"-ERR [SYS/TEMP] Closing for the night\r\n") is End.CLEAN
        talk.client.transport.close()
        await talk.ends()
        await talk.server.hears_the_end()
        assert talk.session.reason == "shutdown"


async def test_stopped_inside_a_reply_nothing_is_put_into_it(lane: Lane) -> None:
    async with relayed(new_session("pop3"), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"RETR 1\r\n")
        await talk.server.hears(b"RETR 1\r\n")
        await talk.server.send(b"+OK\r\nhalf\r\n")
        await talk.client.hears(b"+OK\r\nhalf\r\n")
        talk.relay.stop("Closing for the night", "shutdown")
        await talk.client.hears_the_end()
        talk.client.transport.close()
        await talk.ends()


async def test_stopped_though_the_client_does_not_read(lane: Lane, autojump_clock: MockClock) -> None:
    async with relayed(blind_session(), lane, buffer=BUFFER) as talk, trio.open_nursery() as pumps:
        pumps.start_soon(send_as_far_as_it_goes, talk)
        await wait_all_tasks_blocked(0.05)
        talk.relay.stop("Closing for the night", "shutdown")
        await talk.over.wait()
        assert talk.session.reason == "shutdown"


async def send_as_far_as_it_goes(talk: Dialogue) -> None:
    with suppress(TransportClosed):
        await talk.server.send(b"x" * 10_000_000)


# -- guards: work in other threads, and large answers of ours ---------------------------


class Guarding:
    """Answers NOOP with much, and RSET with what work in another thread has returned."""

    verbs = frozenset({"NOOP", "RSET"})
    alone = frozenset({"RSET"})

    def __init__(self, work: Callable[[], bytes] = lambda: b"") -> None:
        self._work = work

    def opened(self) -> Opening | None:
        return None

    def treat(self, command: Command, decision: Decision | None) -> Treatment:
        return Treatment(self._worked() if command.verb == "RSET" else Local(LONG))

    def _worked(self) -> GuardDialogue:
        try:
            return Local((yield Do(self._work)))
        except OSError:
            return Local(b"-ERR it failed\r\n")

    def replied(self, command: Command, status: str) -> None:
        pass


LONG = b"+OK " + b"x" * 70_000 + b"\r\n"


def guarded_session(guard: Guarding) -> Session:
    return Session("pop3", Options(), Facts("pop3"), guards=lambda situation: guard)


async def test_large_answers_wait_for_a_client_that_does_not_read(lane: Lane) -> None:
    count = 200
    async with relayed(guarded_session(Guarding()), lane, buffer=BUFFER) as talk:
        await log_in(talk)
        await talk.client.send(b"NOOP\r\n" * count)
        await wait_all_tasks_blocked(0.05)
        assert sum(map(len, talk.session.out[Side.CLIENT])) <= 2 * len(LONG)
        await talk.client.hears(LONG * count)


async def test_work_is_done_in_another_thread(lane: Lane) -> None:
    here = threading.get_ident()

    def work() -> bytes:
        return b"+OK elsewhere\r\n" if threading.get_ident() != here else b"+OK here\r\n"

    async with relayed(guarded_session(Guarding(work)), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"RSET\r\nRSET\r\n")
        await talk.client.hears(b"+OK elsewhere\r\n" * 2)


async def test_work_that_fails(lane: Lane) -> None:
    def work() -> bytes:
        raise OSError("no room")

    async with relayed(guarded_session(Guarding(work)), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"RSET\r\n")
        await talk.client.hears(b"-ERR it failed\r\n")


async def test_others_go_on_while_one_works(lane: Lane) -> None:
    goes_on = threading.Event()

    def work() -> bytes:
        return b"+OK\r\n" if goes_on.wait(60) else b"-ERR too late\r\n"

    async with relayed(guarded_session(Guarding(work)), lane) as waits:
        await log_in(waits)
        await waits.client.send(b"RSET\r\n")
        async with relayed(guarded_session(Guarding()), lane) as other:
            await log_in(other)
            await other.client.send(b"NOOP\r\n")
            await other.client.hears(LONG)
        goes_on.set()
        await waits.client.hears(b"+OK\r\n")


async def test_the_end_does_not_wait_for_work(lane: Lane) -> None:
    goes_on = threading.Event()
    async with relayed(guarded_session(Guarding(lambda: b"+OK\r\n" * goes_on.wait(60))), lane) as talk:
        await log_in(talk)
        await talk.client.send(b"RSET\r\n")
        await wait_all_tasks_blocked(0.05)
    goes_on.set()


async def test_a_client_that_takes_its_octets_slowly_is_alive(lane: Lane) -> None:
    async with relayed(guarded_session(Guarding()), lane, buffer=BUFFER) as talk:
        await log_in(talk)
        await talk.client.send(b"NOOP\r\n" * 20)
        await wait_all_tasks_blocked(0.05)
        reads = time.monotonic()
        await talk.client.hears(LONG * 20)
        assert talk.relay.active > reads

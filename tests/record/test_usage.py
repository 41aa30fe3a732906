"""The sink: what it takes of a session, when it writes, and what it does when it cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from mailproxy.events import (
    CommandDone,
    Conflict,
    Deleted,
    Event,
    ExpireZero,
    GmailPop,
    LoggedIn,
    LoginFailed,
    MailboxSeen,
    OverQuota,
    QuotaSeen,
    UsageLost,
)
from mailproxy.record.usage import UsageSink
from tests.record.memory_books import Books

NOW = 1_800_000_000.0
LOGIN = LoggedIn("aiko", "PLAIN", True)
COMMAND = CommandDone("NOOP", "", "forward", "OK", 0.0)


class Desk:
    """A sink over a store in memory: ``told`` is what it logged, ``passed`` what sessions logged."""

    def __init__(self, **books: Any) -> None:
        self.books = Books(**books)
        self.told: list[Event] = []
        self.passed: list[Event] = []
        self.now = NOW
        self.threads: set[int] = set()
        self.heard = trio.Event()
        self.sink = self.make()

    def make(self, limit: int = 100) -> UsageSink:
        def tell(event: Event) -> None:
            self.threads.add(threading.get_ident())
            self.told.append(event)
            self.heard.set()

        self.sink = UsageSink(self.books, tell, lambda: self.now, limit)
        return self.sink

    def session(self, protocol: str, client: str = "192.0.2.1") -> Callable[[Event], None]:
        return self.sink.session(protocol, "main", client, self.passed.append)

    def conflict(self) -> None:
        """One program reads with IMAP, another deletes with POP3."""
        self.session("imap", "192.0.2.2")(LOGIN)
        self.delete()

    def delete(self, messages: int = 2) -> None:
        emit = self.session("pop3")
        emit(LOGIN)
        emit(Deleted(messages, 0))


CONFLICT = Conflict("main", "aiko", "192.0.2.1", "192.0.2.2", 2, 7, "pop3-keep.toml")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@asynccontextmanager
async def serving(sink: UsageSink):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        yield
        nursery.cancel_scope.cancel()


def test_a_session_only_waits_in_the_queue(desk: Desk) -> None:
    desk.conflict()
    assert desk.books.calls == []
    desk.sink.flush()
    assert desk.told == [CONFLICT]
    assert len(desk.books.rows) == 1


@pytest.mark.parametrize(
    "event",
    [LOGIN, COMMAND, Deleted(1, 0), MailboxSeen(1, 2), QuotaSeen(1, 2), OverQuota("imap APPEND")],
)
def test_events_go_on_to_the_log(desk: Desk, event: Event) -> None:
    desk.session("imap")(event)
    assert desk.passed == [event]


@pytest.mark.parametrize("event", [ExpireZero(), GmailPop()])
def test_what_a_server_does_is_told_once_and_not_by_each_session(desk: Desk, event: Event) -> None:
    for _ in range(3):
        desk.session("pop3")(event)
        desk.sink.flush()
    assert desk.passed == []
    assert desk.told == [type(event)("main")]


@pytest.mark.parametrize(
    ("protocol", "events"),
    [
        ("pop3", [LOGIN]),
        ("smtp", [LOGIN]),
        ("pop3", [Deleted(1, 0)]),  # nobody is logged in
        ("pop3", [LoginFailed("aiko", "PLAIN"), MailboxSeen(1, 1)]),
        ("imap", [COMMAND]),
    ],
)
def test_the_rest_never_reaches_the_store(desk: Desk, protocol: str, events: list[Event]) -> None:
    emit = desk.session(protocol)
    for event in events:
        emit(event)
    desk.sink.flush()
    assert desk.books.calls == []


def test_sessions_do_not_mix(desk: Desk) -> None:
    one, other = desk.session("pop3"), desk.session("pop3")
    one(LoggedIn("aiko", "PASS", True))
    other(LoggedIn("hana", "PASS", True))
    one(Deleted(1, 0))
    other(Deleted(4, 0))
    desk.sink.flush()
    assert [use.deleted for use in desk.books.uses("main", "aiko", 0.0)] == [1]
    assert [use.deleted for use in desk.books.uses("main", "hana", 0.0)] == [4]


async def test_it_writes_every_second(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    async with serving(desk.sink):
        desk.conflict()
        await trio.sleep(0.5)
        assert desk.books.calls == []
        await desk.heard.wait()
        assert desk.told == [CONFLICT]
        calls = len(desk.books.calls)
        await trio.sleep(10)
        assert len(desk.books.calls) == calls  # nothing came, nothing is asked


async def test_it_works_in_another_thread_and_tells_in_this_one(
    desk: Desk, autojump_clock: trio.testing.MockClock
) -> None:
    worked: set[int] = set()
    asked = desk.books.told

    def told(*arguments: Any) -> bool:
        worked.add(threading.get_ident())
        return asked(*arguments)

    desk.books.told = told  # type: ignore[method-assign]
    async with serving(desk.sink):
        desk.conflict()
        await desk.heard.wait()
    assert desk.threads == {threading.get_ident()}
    assert worked
    assert not worked & desk.threads


async def test_what_waits_at_the_end_is_written(desk: Desk, autojump_clock: trio.testing.MockClock) -> None:
    async with serving(desk.sink):
        await trio.sleep(3)
        desk.conflict()
    assert desk.told == []
    desk.sink.flush()
    assert desk.told == [CONFLICT]


def test_a_store_that_fails_is_told_once_until_it_works_again() -> None:
    desk = Desk(failing=("used", 3))
    for _ in range(3):
        desk.delete()
        desk.sink.flush()
    assert desk.told == [UsageLost(1, "the disk is full")]
    desk.delete()
    desk.sink.flush()
    desk.books.failing = ("used", 1)
    desk.delete()
    desk.sink.flush()
    assert desk.told == [UsageLost(1, "the disk is full")] * 2


async def test_a_store_that_fails_does_not_end_the_task(autojump_clock: trio.testing.MockClock) -> None:
    desk = Desk(failing=("used", 1))
    async with serving(desk.sink):
        desk.conflict()
        await desk.heard.wait()
        desk.heard = trio.Event()
        desk.conflict()
        await desk.heard.wait()
    assert desk.told == [UsageLost(2, "the disk is full"), CONFLICT]


def test_of_an_unexpected_error_only_its_kind_is_told() -> None:
    desk = Desk(failing=("used", 1), error=RuntimeError("postgresql://mail:hunter2@db"))
    desk.delete()
    desk.sink.flush()
    assert desk.told == [UsageLost(1, "an error inside the proxy: RuntimeError")]


def test_what_was_found_before_the_store_failed_is_told() -> None:
    desk = Desk(failing=("write", 1))
    desk.conflict()
    desk.sink.flush()
    assert desk.told == [CONFLICT, UsageLost(2, "the disk is full")]


def test_a_full_queue_drops_and_counts(desk: Desk) -> None:
    desk.make(limit=2)
    for _ in range(5):
        desk.delete(1)
    desk.sink.flush()
    assert [use.deleted for use in desk.books.uses("main", "aiko", 0.0)] == [2]
    assert desk.told == [UsageLost(3, "more came at once than can be held")]

    for _ in range(3):
        desk.delete(1)
    desk.sink.flush()
    assert len(desk.told) == 1  # not more often than once a minute
    desk.now += 60
    desk.delete(1)
    desk.sink.flush()
    assert desk.told[1:] == [UsageLost(1, "more came at once than can be held")]

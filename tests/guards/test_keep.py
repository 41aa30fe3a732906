"""Kept mail of one session: whose view it is, what is due, and what is said of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from mailproxy.events import Anomaly, Event, KeepUnavailable, MailboxSeen, UidlChurn
from mailproxy.guards.keep import Keeper, view_key
from mailproxy.guards.memory import Kept, MemoryFailed, ViewKey
from mailproxy.session.guard import Answer, Ask, Do, Situation
from mailproxy.session.verdict import Action, Decision, Facts, Judge, Settings
from tests.guards.remembering import DAY, NOW, RememberedMail

FACTS = Facts("pop3", listener="door", upstream="main", client_ip="192.0.2.7", user="ann")


def rule(action: Action = Action.KEEP, keep_for: float | None = None, view: str = "user") -> Decision:
    return Decision(action, "r", settings=Settings(keep_for=keep_for, view=view))


def walk(generator: Generator[Any, Any, Any], answers: dict[bytes, Answer]) -> list[bytes]:
    """Run a part of a dialogue; returns what was asked."""
    asked: list[bytes] = []

    def result(step: Ask | Do) -> Any:
        if isinstance(step, Do):
            try:
                return step.call()
            except MemoryFailed as error:
                return error
        asked.append(step.line)
        return answers.get(step.line, Answer("OK", b"+OK\r\n"))

    value: Any = None
    while True:
        try:
            failed = isinstance(value, MemoryFailed)
            step = generator.throw(value) if failed else generator.send(value)
        except StopIteration:
            return asked
        value = tuple(map(result, step)) if isinstance(step, tuple) else result(step)


def listing(*uidls: bytes) -> dict[bytes, Answer]:
    rows = list(enumerate(uidls, 1))
    return {
        b"UIDL": Answer("OK", b"+OK\r\n", b"".join(b"%d %s\r\n" % row for row in rows) + b".\r\n"),
        b"LIST": Answer("OK", b"+OK\r\n", b"".join(b"%d 100\r\n" % row[0] for row in rows) + b".\r\n"),
    }


def opened(mail: RememberedMail, decision: Decision, *uidls: bytes) -> tuple[Keeper, list[Event]]:
    events: list[Event] = []
    keeper = Keeper(Situation(FACTS, Judge(), events.append), decision, mail, lambda: NOW)
    walk(keeper.open(True, keeper.recall()), listing(*uidls))
    return keeper, events


def remembered(*rows: Kept, key: ViewKey | None = None) -> RememberedMail:
    mail = RememberedMail()
    mail.views[key or view_key(FACTS, rule())] = {row.uidl: row for row in rows}
    return mail


@pytest.mark.parametrize(
    ("view", "program"), [("user", ""), ("listener", "listener door"), ("client.ip", "client 192.0.2.7")]
)
def test_whose_view(view: str, program: str) -> None:
    assert view_key(FACTS, rule(view=view)) == ViewKey("main", "ann", program)


def test_the_size_of_the_mailbox_is_told_with_what_is_hidden() -> None:
    keeper, events = opened(remembered(Kept(b"a", 100, NOW)), rule(), b"a", b"b")
    assert events == [MailboxSeen(2, 200)]
    assert keeper.maildrop is not None
    assert len(keeper.maildrop) == 1


def test_churn_is_told_and_nothing_is_deleted() -> None:
    rows = [Kept(b"%d" % number, 100, NOW, due=True) for number in range(10)]
    keeper, events = opened(remembered(*rows), rule(), b"1", b"x")
    assert UidlChurn(9, 10) in events
    assert walk(keeper.delete_due(True), {}) == []


def test_another_size_is_told() -> None:
    _, events = opened(remembered(Kept(b"a", 99, NOW)), rule(), b"a")
    assert any(isinstance(event, Anomaly) and event.name == "uidl_reused" for event in events)


def test_what_is_missing_is_noted_at_the_end_of_the_session() -> None:
    mail = remembered(Kept(b"a", 100, NOW), Kept(b"b", 100, NOW, missing=5.0))
    keeper, _ = opened(mail, rule(), b"b")
    walk(keeper.commit(), {})
    view = mail.views[view_key(FACTS, rule())]
    assert {uidl: row.missing for uidl, row in view.items()} == {b"a": NOW, b"b": 0.0}


def test_deletions_that_are_due() -> None:
    mail = remembered(Kept(b"a", 100, NOW - 31 * DAY), Kept(b"b", 100, NOW - 29 * DAY))
    keeper, _ = opened(mail, rule(keep_for=30 * DAY), b"a", b"b", b"c")
    assert walk(keeper.delete_due(True), {}) == [b"DELE 1"]


def test_what_another_program_wants_to_see_is_not_deleted() -> None:
    mine = rule(keep_for=30 * DAY, view="listener")
    mail = remembered(Kept(b"a", 100, NOW - 31 * DAY), key=view_key(FACTS, mine))
    other = ViewKey("main", "ann", "listener phone")
    mail.used[other] = NOW - DAY
    assert len(walk(opened(mail, mine, b"a")[0].delete_due(True), {})) == 0
    mail.views[other] = {b"a": Kept(b"a", 100, NOW)}
    assert len(walk(opened(mail, mine, b"a")[0].delete_due(True), {})) == 1


def test_a_program_that_came_no_more_wants_nothing() -> None:
    mine = rule(keep_for=30 * DAY, view="listener")
    mail = remembered(Kept(b"a", 100, NOW - 31 * DAY), key=view_key(FACTS, mine))
    mail.used[ViewKey("main", "ann", "listener phone")] = NOW - 40 * DAY
    assert len(walk(opened(mail, mine, b"a")[0].delete_due(True), {})) == 1


def test_a_delayed_deletion_asks_no_other_program() -> None:
    mine = rule(Action.DELAY, keep_for=30 * DAY, view="listener")
    mail = remembered(Kept(b"a", 100, NOW - 31 * DAY), key=view_key(FACTS, mine))
    mail.used[ViewKey("main", "ann", "listener phone")] = NOW - DAY
    assert len(walk(opened(mail, mine, b"a")[0].delete_due(True), {})) == 1


def test_an_operator_is_asked_by_nobody() -> None:
    mine = rule(view="listener")
    mail = remembered(Kept(b"a", 100, NOW, due=True), key=view_key(FACTS, mine))
    mail.used[ViewKey("main", "ann", "listener phone")] = NOW - DAY
    assert len(walk(opened(mail, mine, b"a")[0].delete_due(True), {})) == 1


def test_many_that_are_due_are_deleted_in_batches_and_not_all_at_once() -> None:
    uidls = [b"%d" % number for number in range(1200)]
    mail = remembered(*(Kept(uidl, 100, NOW, due=True) for uidl in uidls))
    keeper, _ = opened(mail, rule(), *uidls)
    asked = walk(keeper.delete_due(True), {})
    assert asked == [b"DELE %d" % number for number in range(1, 1001)]


def test_what_is_not_known_is_not_shown() -> None:
    mail = remembered(Kept(b"a", 100, NOW))
    mail.broken.add("recall")
    keeper, events = opened(mail, rule(), b"a")
    assert keeper.broken
    assert keeper.maildrop is None
    assert [type(event) for event in events] == [KeepUnavailable]


@pytest.mark.parametrize(("kept", "broken"), [((), False), ((Kept(b"a", 100, NOW),), True)])
def test_a_list_that_the_server_does_not_give(kept: tuple[Kept, ...], broken: bool) -> None:
    events: list[Event] = []
    keeper = Keeper(Situation(FACTS, Judge(), events.append), rule(), remembered(*kept), lambda: NOW)
    walk(keeper.open(True, keeper.recall()), {b"UIDL": Answer("ERR", b"-ERR busy\r\n")})
    assert keeper.broken is broken
    assert [type(event) for event in events] == [KeepUnavailable]


@pytest.mark.parametrize("broken", ["recall", "wanted_elsewhere"])
def test_what_is_due_must_be_known_when_it_is_deleted(broken: str) -> None:
    mail = remembered(Kept(b"a", 100, NOW - 31 * DAY))
    keeper, _ = opened(mail, rule(keep_for=30 * DAY), b"a")
    mail.broken.add(broken)
    assert walk(keeper.delete_due(True), {}) == []


def test_what_was_restored_meanwhile_is_not_deleted() -> None:
    mail = remembered(Kept(b"a", 100, NOW, due=True), Kept(b"b", 100, NOW, due=True))
    keeper, _ = opened(mail, rule(), b"a", b"b")
    mail.forget(view_key(FACTS, rule()), [b"a"], NOW)
    assert walk(keeper.delete_due(True), {}) == [b"DELE 2"]


def test_a_deletion_that_cannot_be_noted_is_told() -> None:
    mail = remembered(Kept(b"a", 100, NOW, due=True))
    keeper, events = opened(mail, rule(), b"a")
    mail.broken.add("forget")
    walk(keeper.deleted([b"a"]), {})
    assert any(isinstance(event, Anomaly) and event.name == "kept_mail_not_noted" for event in events)

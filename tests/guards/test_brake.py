"""The brake: how much is too much, and what it remembers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from mailproxy.events import Anomaly, BrakeHeld, Event, WouldHave
from mailproxy.guards.brake import Brake
from mailproxy.guards.memory import MemoryFailed
from mailproxy.session.guard import Do, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts, Judge, Settings
from tests.guards.remembering import NOW, RememberedBrakes

HOUR = 3600.0


def rule(limit: int = 0, percent: float = 0.0, **more: object) -> Decision:
    return replace(
        Decision(Action.BRAKE, "brake", settings=Settings(limit=limit, percent=percent, within=HOUR)), **more
    )


class World:
    """One user's session, and its brake."""

    def __init__(self, brakes: RememberedBrakes | None = None) -> None:
        self.brakes = brakes or RememberedBrakes()
        self.events: list[Event] = []
        self.facts = Facts("imap", upstream="main", user="aiko", mailbox="INBOX")
        self.now = NOW
        self.situation = Situation(self.facts, Judge(), self.events.append)
        self.brake = Brake(self.brakes, lambda: self.now)

    def check(self, decision: Decision, count: int, size: int = 0) -> str:
        return worked(self.brake.check(self.situation, decision, count, size, "DELE"))

    def note(self, count: int) -> None:
        worked(self.brake.note(self.situation, count))

    def admit(self, decision: Decision, count: int, size: int = 0) -> str:
        return worked(self.brake.admit(self.situation, decision, count, size, "EXPUNGE"))


def worked(weighing: Generator[Step, Any, Any]) -> Any:
    """What it says, with its work done here."""
    value, error = None, None
    while True:
        try:
            step = weighing.send(value) if error is None else weighing.throw(error)
        except StopIteration as stop:
            return stop.value
        assert isinstance(step, Do)
        value, error = None, None
        try:
            value = step.call()
        except MemoryFailed as failed:
            error = failed


@pytest.mark.parametrize(
    ("before", "count", "why"),
    [
        (0, 10, ""),
        (0, 11, "11 messages within 1 hour, where 10 are allowed"),
        (9, 1, ""),
        (9, 2, "11 messages within 1 hour, where 10 are allowed"),
    ],
)
def test_a_number_of_messages(before: int, count: int, why: str) -> None:
    world = World()
    world.note(before)
    world.now += HOUR - 1
    assert world.check(rule(limit=10), count).endswith(why)
    assert bool(world.brakes.holds) is bool(why)
    assert world.events == ([BrakeHeld("aiko", "brake", why)] if why else [])


def test_what_was_deleted_long_ago_does_not_count() -> None:
    world = World()
    world.note(10)
    world.now += HOUR
    assert world.check(rule(limit=10), 10) == ""


@pytest.mark.parametrize(
    ("gone", "count", "size", "why"),
    [
        (0, 10, 20, ""),
        (0, 11, 20, "55 % of the mailbox, where 50 % are allowed"),
        (0, 19, 19, ""),
        (8, 3, 12, "55 % of the mailbox, where 50 % are allowed"),
        (0, 100, 0, ""),
        (0, 100, -1, ""),
    ],
)
def test_a_part_of_the_mailbox(gone: int, count: int, size: int, why: str) -> None:
    world = World()
    world.note(gone)
    assert world.check(rule(percent=50), count, size).endswith(why)
    assert bool(world.brakes.holds) is bool(why)


def test_what_went_from_another_mailbox_is_no_part_of_this_one() -> None:
    world = World()
    world.note(100)
    world.facts.mailbox = "Small"
    assert world.check(rule(percent=50), 2, 20) == ""


def test_who_is_held_deletes_nothing_until_released() -> None:
    world = World()
    assert world.check(rule(limit=1), 2).startswith("Deletions are held until")
    assert world.check(rule(limit=1000), 0) == "Deletions are held until the administrator releases them"
    assert World(world.brakes).check(rule(limit=1000), 1) != ""
    assert len(world.events) == 1
    world.brakes.holds.clear()
    assert world.check(rule(limit=1000), 1) == ""


def test_nobody_else_is_held() -> None:
    world = World()
    world.check(rule(limit=1), 2)
    world.facts.user = "ben"
    assert world.check(rule(limit=1), 1) == ""


def test_the_words_of_the_rule() -> None:
    assert World().check(rule(limit=1, reply="ask Jo"), 2) == "ask Jo"


def test_a_rule_that_is_only_observed_holds_nobody() -> None:
    world = World()
    observed = rule(limit=1, enforced=False)
    assert world.admit(observed, 2) == ""
    assert world.brakes.holds == {}
    assert world.events == [WouldHave("EXPUNGE", "brake", "brake")]
    assert world.brakes.recent("main", "aiko", 0.0) == 2


def test_a_rule_that_is_lifted_refuses_nothing() -> None:
    world = World()
    world.check(rule(limit=1), 2)
    assert world.check(rule(limit=1, lifted=True), 5) == ""


@pytest.mark.parametrize(("enforced", "said"), [(True, "it broke"), (False, "")])
def test_a_rule_that_could_not_be_evaluated(enforced: bool, said: str) -> None:
    world = World()
    broken = Decision(Action.BLOCK, "brake", why="it broke", enforced=enforced)
    assert world.check(broken, 1) == said
    assert world.brakes.holds == {}
    assert world.events == ([] if enforced else [WouldHave("DELE", "brake", "block")])


def test_admit_notes_what_it_lets_through() -> None:
    world = World()
    assert world.admit(rule(limit=3), 2) == ""
    assert world.admit(rule(limit=3), 2) != ""
    assert world.brakes.recent("main", "aiko", 0.0) == 2


def test_between_a_check_and_an_admission_another_session_may_delete() -> None:
    world = World()
    other = World(world.brakes)
    assert world.check(rule(limit=3), 2) == ""
    assert other.admit(rule(limit=3), 2) == ""
    assert world.admit(rule(limit=3), 2) != ""
    assert world.events == [BrakeHeld("aiko", "brake", "4 messages within 1 hour, where 3 are allowed")]
    assert other.admit(rule(limit=3), 1) == "Deletions are held until the administrator releases them"
    assert other.events == []
    assert world.brakes.recent("main", "aiko", 0.0) == 2


def test_admit_weighs_the_part_of_the_mailbox_that_was_admitted_before() -> None:
    world = World()
    assert world.admit(rule(percent=50), 8, 20) == ""
    assert world.admit(rule(percent=50), 3, 12).endswith("55 % of the mailbox, where 50 % are allowed")
    assert world.brakes.holds
    assert world.brakes.recent("main", "aiko", 0.0) == 8


def test_admit_of_nothing_notes_nothing() -> None:
    world = World()
    world.note(5)
    assert world.admit(rule(limit=3), 0) == "", "the limit may be lower than it was"
    assert len(world.brakes.counts) == 1


def test_a_memory_that_fails() -> None:
    world = World(RememberedBrakes(broken=True))
    with pytest.raises(MemoryFailed):
        world.check(rule(limit=3), 1)
    with pytest.raises(MemoryFailed):
        world.admit(rule(limit=3), 1)
    assert world.events == []


def test_a_memory_that_fails_under_a_rule_that_is_only_observed() -> None:
    world = World(RememberedBrakes(broken=True))
    observed = rule(limit=3, enforced=False)
    assert world.check(observed, 1) == ""
    assert world.admit(observed, 1) == ""
    world.note(1)
    assert world.events == [Anomaly("deletions_not_counted", "proxy", "the disk is full")] * 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "1 minute"), (90, "90 seconds"), (7200, "2 hours"), (86_400, "1 day"), (0.5, "0.5 seconds")],
)
def test_the_span_in_words(seconds: float, words: str) -> None:
    decision = replace(rule(), settings=Settings(limit=1, within=seconds))
    assert f"within {words}, " in World().check(decision, 2)

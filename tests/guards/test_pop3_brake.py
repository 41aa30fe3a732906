"""The brake of POP3: what it asks the server, and whose word it is at QUIT."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from mailproxy.events import Anomaly, BrakeHeld, Event, WouldHave
from mailproxy.guards.brake import Brake
from mailproxy.guards.memory import MemoryFailed
from mailproxy.guards.pop3_brake import Pop3Brake
from mailproxy.session.guard import Answer, Ask, Do, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts, Judge, Settings
from tests.guards.remembering import NOW, RememberedBrakes

LIMIT = Decision(Action.BRAKE, "limit", settings=Settings(limit=3))
PERCENT = Decision(Action.BRAKE, "percent", settings=Settings(percent=10))


class World:
    """One session; the server answers STAT with ``stat``."""

    def __init__(self, stat: bytes = b"+OK 20 1000") -> None:
        self.stat = stat
        self.asked = 0
        self.brakes = RememberedBrakes()
        self.events: list[Event] = []
        facts = Facts("pop3", upstream="main", user="aiko")
        situation = Situation(facts, Judge(), self.events.append)
        self.brake = Pop3Brake(Brake(self.brakes, lambda: NOW), situation)

    def delete(self, number: int, decision: Decision, size: int = -1) -> str:
        why: str = self._run(self.brake.one_more(decision, size))
        if not why:
            self.brake.mark(number, decision)
        return why

    def leave(self) -> tuple[str, Decision | None]:
        said: tuple[str, Decision | None] = self._run(self.brake.leave())
        return said

    def _run(self, dialogue: Generator[Step, Any, Any]) -> Any:
        value, error = None, None
        while True:
            try:
                step = dialogue.send(value) if error is None else dialogue.throw(error)
            except StopIteration as stop:
                return stop.value
            value, error = None, None
            if isinstance(step, Ask):
                assert step.line == b"STAT"
                self.asked += 1
                value = Answer("OK" if self.stat.startswith(b"+OK") else "ERR", self.stat)
                continue
            assert isinstance(step, Do)
            try:
                value = step.call()
            except MemoryFailed as failed:
                error = failed


def test_the_server_is_asked_once_and_only_for_a_share() -> None:
    world = World()
    assert world.delete(1, LIMIT) == ""
    assert world.asked == 0
    assert [bool(world.delete(number, PERCENT)) for number in (2, 3)] == [False, True]
    assert world.asked == 1


@pytest.mark.parametrize("size", [20, -1])
def test_a_share_of_the_maildrop(size: int) -> None:
    world = World()
    assert [bool(world.delete(number, PERCENT, size)) for number in (1, 2, 3)] == [False, False, True]
    assert world.asked == (size < 0)


@pytest.mark.parametrize("stat", [b"-ERR not now", b"+OK", b"+OK many"])
def test_a_server_that_does_not_tell_the_size(stat: bytes) -> None:
    world = World(stat)
    assert world.delete(1, PERCENT).startswith("The server does not tell how many")
    assert world.events == []
    assert world.delete(1, replace(PERCENT, enforced=False)) == ""
    assert [type(event) for event in world.events] == [Anomaly]


def test_each_brake_counts_what_it_let_through() -> None:
    world = World()
    for number, decision in ((1, LIMIT), (2, replace(LIMIT, rule="other")), (3, LIMIT)):
        world.delete(number, decision)
    world.brake.unmark(3)
    assert world.leave() == ("", None)
    assert world.brakes.counts == [("main", "aiko", 1, NOW)] * 2


def test_whose_word_it_is() -> None:
    world = World()
    world.delete(1, LIMIT)
    world.brakes.deleted("main", "aiko", 3, NOW)
    why, by = world.leave()
    assert why.startswith("Deletions are held")
    assert by == LIMIT
    assert world.events == [BrakeHeld("aiko", "limit", "4 messages within 1 hour, where 3 are allowed")]


@pytest.mark.parametrize("decision", [LIMIT, replace(LIMIT, enforced=False)])
def test_a_memory_that_fails(decision: Decision) -> None:
    world = World()
    world.delete(1, decision)
    world.brakes.broken = True
    assert world.leave()[1] == (decision if decision.enforced else None)
    assert bool(world.delete(2, decision)) is decision.enforced
    assert Anomaly("deletions_not_counted", "proxy", "the disk is full") in world.events


def test_an_observed_brake_says_it_at_dele_and_counts_at_quit() -> None:
    world = World()
    observed = replace(LIMIT, enforced=False, settings=Settings(limit=1))
    assert [world.delete(number, observed) for number in (1, 2)] == ["", ""]
    assert world.leave() == ("", None)
    assert world.events == [WouldHave("DELE", "limit", "brake")]
    assert world.brakes.recent("main", "aiko", 0.0) == 2


def test_a_lifted_brake_and_a_reset_count_nothing() -> None:
    world = World()
    world.delete(1, replace(LIMIT, lifted=True))
    assert world.leave() == ("", None)
    world.delete(2, LIMIT)
    world.brake.reset()
    assert world.leave() == ("", None)
    assert world.brakes.counts == []

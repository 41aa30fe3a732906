"""A ``kill -9`` of the proxy at any moment of QUIT loses no message and leaves the store whole.

A proxy that is not killed writes down each line that it executes from QUIT on, its own lines
and those of all that it uses. Others like it are then killed, each before one of these
lines, and what is left is compared with what the program was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy.engine.default import DefaultDialect

from tests.crash.forks import moments
from tests.crash.log_cuts import states
from tests.crash.losses import losses, surprises
from tests.crash.places import Place, evenly
from tests.crash.scene import DONE, Aftermath, World, read_store, world

EVENLY = 210
LEAST = 200
AFTERWARDS = 12
LOOK_AGAIN = 20
"""Each so many places one is followed by another session."""

OWN = ("/mailproxy/guards/", "/mailproxy/store/")


@dataclass(frozen=True)
class Rehearsal:
    """Two worlds to kill proxies in, and the moments of a proxy that is not killed.

    ``quit`` are those from the look at QUIT to the end of the session; in ``stop``, behind it, the proxy
    writes down what is left to be written, and ends.
    """

    worlds: tuple[World, World]
    after: Aftermath
    quit: list[Place]
    stop: list[Place]

    @property
    def own(self) -> list[Place]:
        """The first time of each line of guards and the store."""
        return [place for place in self.quit if place.time == 1 and any(part in place.file for part in OWN)]

    @property
    def commits(self) -> list[Place]:
        """The moments just before and just after each commit."""
        code = DefaultDialect.do_commit.__code__
        lines = {line for _, _, line in code.co_lines() if line != code.co_firstlineno}
        before = [
            number
            for number, place in enumerate(self.quit)
            if place.file == code.co_filename and place.line in lines
        ]
        return [self.quit[at] for number in before for at in (number, number + 1)]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    folder = tmp_path_factory.mktemp("crash")
    with world(folder / "one") as one, world(folder / "two") as two:
        after = one.delete_three(lines=folder / "lines.json")
        yield Rehearsal((one, two), after, *moments(folder / "lines.json"))


def kill_at_each(one: World, places: Iterable[Place], fault: str = "none") -> Iterator[tuple[bool, str]]:
    """Was the proxy killed, and what was wrong then?"""
    for number, place in enumerate(places):
        after = one.delete_three(place, fault)
        found = losses(after)
        if not found and number % LOOK_AGAIN == LOOK_AGAIN // 2:
            found = surprises(one, after)
        yield after.killed, "".join(f"killed before {place}: {what}\n" for what in found)


def test_a_session_that_nobody_kills(rehearsal: Rehearsal) -> None:
    after = rehearsal.after
    assert not after.killed
    assert (after.told, losses(after)) == (b"+OK bye\r\n", [])
    assert read_store(after.store)[1] == DONE
    assert surprises(rehearsal.worlds[0], after) == []
    assert len(rehearsal.commits) >= 4
    assert len(rehearsal.own) > 50
    assert len(rehearsal.quit) > 10 * EVENLY


def test_a_kill_at_any_moment_of_quit_loses_nothing(rehearsal: Rehearsal) -> None:
    chosen = list(dict.fromkeys([*evenly(rehearsal.quit, EVENLY), *rehearsal.own, *rehearsal.commits]))

    def kill(one: World, places: Sequence[Place]) -> list[tuple[bool, str]]:
        return list(kill_at_each(one, places))

    with ThreadPoolExecutor(2) as pool:
        results = list(chain.from_iterable(pool.map(kill, rehearsal.worlds, (chosen[::2], chosen[1::2]))))
    assert "".join(wrong for _, wrong in results) == ""
    assert sum(killed for killed, _ in results) >= LEAST


def test_a_kill_after_quit_loses_nothing(rehearsal: Rehearsal) -> None:
    results = list(kill_at_each(rehearsal.worlds[0], evenly(rehearsal.stop, AFTERWARDS)))
    assert "".join(wrong for _, wrong in results) == ""
    assert any(killed for killed, _ in results)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("mark_by_mark", "the store is half written"),
        ("written_later", "what the program deleted is not kept"),
        ("deleted_at_once", "the server has lost a message"),
        ("forgotten_first", "what is over is forgotten, and the server has it"),
    ],
)
def test_a_proxy_that_loses_something_is_found_out(rehearsal: Rehearsal, fault: str, seen: str) -> None:
    late = [place for place in rehearsal.own if "/guards/" in place.file][::-1]
    places = [*evenly(rehearsal.stop, 2), *rehearsal.commits, *late]
    assert any(seen in wrong for _, wrong in kill_at_each(rehearsal.worlds[0], places, fault))


@pytest.mark.parametrize(("fault", "whole"), [("none", True), ("mark_by_mark", False)])
def test_a_kill_inside_of_a_write_loses_nothing(
    rehearsal: Rehearsal, tmp_path: Path, fault: str, whole: bool
) -> None:
    last = [place for place in rehearsal.stop if place.file.endswith("/mailproxy/store/store.py")][-1]
    after = rehearsal.worlds[0].delete_three(last, fault)
    assert after.killed
    found = list(dict.fromkeys(states(after.store, tmp_path)))
    assert (found == ["before", "marked", "done"]) is whole, found

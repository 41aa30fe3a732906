"""Deletions that count, and holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from mailproxy.guards.memory import Admission, Brakes, Limit, MemoryFailed
from mailproxy.store.brakes import PRUNE_SECONDS, Hold
from mailproxy.store.store import Store
from tests.guards.remembering import RememberedBrakes
from tests.store.programs import started, together

NOW = 1_700_000_000.5
GRANTED = Admission()

RACES = [
    (1, 1, 1),
    (10, 1, 10),
    (10, 3, 3),
    (200, 160, 1),
    (100, 101, 0),
]
"""A limit, what each asks for, and how many of more than ten that ask may have it."""


@pytest.fixture(params=["remembered", "sqlite", "postgresql"])
def brakes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Brakes]:
    """Of a store, or what the tests of guards take for one: it has to do the same."""
    if request.param == "remembered":
        yield RememberedBrakes()
        return
    local = request.param == "sqlite"
    address = f"sqlite:///{tmp_path}/store.db" if local else request.getfixturevalue("postgres").emptied()
    store = Store(address)
    yield store.brakes
    store.close()


def limit(most: int, since: float = 0.0) -> Limit:
    return Limit("brake", most, since, lambda total: f"{total}, not {most}")


@pytest.mark.parametrize(
    ("before", "count", "most", "admission"),
    [
        (0, 10, 10, GRANTED),
        (0, 11, 10, Admission(total=11)),
        (9, 1, 10, GRANTED),
        (9, 2, 10, Admission(total=11)),
        (10, 1, 10, Admission(total=11)),
        (5000, 5000, 0, GRANTED),
    ],
)
def test_admit(brakes: Brakes, before: int, count: int, most: int, admission: Admission) -> None:
    if before:
        brakes.deleted("main", "aiko", before, NOW)
    brakes.deleted("main", "bo", 5000, NOW)
    brakes.deleted("spare", "aiko", 5000, NOW)
    assert brakes.admit("main", "aiko", count, limit(most), NOW + 1) == admission
    assert brakes.recent("main", "aiko", 0.0) == before + (count if admission.granted else 0)
    assert brakes.held("main", "aiko") is not admission.granted
    assert not brakes.held("main", "bo")


def test_admit_counts_since_the_time_of_the_limit(brakes: Brakes) -> None:
    brakes.deleted("main", "aiko", 9, NOW)
    assert brakes.admit("main", "aiko", 10, limit(10, NOW), NOW + 1) == GRANTED
    assert brakes.admit("main", "aiko", 1, limit(10, NOW), NOW + 2) == Admission(total=11)


def test_who_is_held_is_granted_nothing(brakes: Brakes) -> None:
    brakes.hold("main", "aiko", "brake", "", NOW)
    for most in (0, 10):
        assert brakes.admit("main", "aiko", 1, limit(most), NOW) == Admission(held=True)
    assert brakes.recent("main", "aiko", 0.0) == 0
    assert brakes.admit("spare", "aiko", 1, limit(10), NOW) == GRANTED


@pytest.mark.parametrize(("most", "each", "granted"), RACES)
def test_threads_that_ask_at_once_are_not_granted_more(
    brakes: Brakes, most: int, each: int, granted: int
) -> None:
    everybody = Barrier(12)

    def ask() -> Admission:
        everybody.wait(60)
        return brakes.admit("main", "aiko", each, limit(most), NOW)

    with ThreadPoolExecutor(12) as threads:
        said = [asked.result() for asked in [threads.submit(ask) for _ in range(12)]]
    assert [admission.granted for admission in said].count(True) == granted
    assert [bool(admission.total) for admission in said].count(True) == 1, "one of them holds the user"
    assert brakes.recent("main", "aiko", 0.0) == granted * each


@pytest.mark.parametrize(("most", "each", "granted"), RACES)
def test_processes_that_ask_at_once_are_not_granted_more(
    url: str, most: int, each: int, granted: int
) -> None:
    with ExitStack() as stack:
        programs = [
            stack.enter_context(started("admitting", url, str(most), str(each), "6")) for _ in range(2)
        ]
        told = [int(said) for said in together(programs)]
    store = Store(url)
    try:
        assert sum(told) == granted
        assert store.brakes.recent("main", "aiko", 0.0) == granted * each
        assert [hold.why for hold in store.brakes.holding()] == [f"{(granted + 1) * each}"]
    finally:
        store.close()


def test_why_somebody_is_held_is_that_of_the_limit(store: Store) -> None:
    store.brakes.admit("main", "aiko", 11, limit(10), NOW)
    assert store.brakes.holding() == [Hold("main", "aiko", "brake", "11, not 10", NOW)]


def test_recent_counts_what_came_after(store: Store, other: Store) -> None:
    for seconds, count in ((0, 1), (10, 20), (20, 300)):
        store.brakes.deleted("main", "aiko", count, NOW + seconds)
    store.brakes.deleted("main", "bo", 4000, NOW)
    store.brakes.deleted("spare", "aiko", 4000, NOW)
    for since, expected in ((0.0, 321), (NOW, 320), (NOW + 9.5, 320), (NOW + 10, 300), (NOW + 20, 0)):
        assert other.brakes.recent("main", "aiko", since) == expected


def test_old_deletions_are_pruned(store: Store) -> None:
    store.brakes.deleted("main", "aiko", 1, NOW)
    store.brakes.deleted("main", "bo", 1, NOW)
    store.brakes.deleted("main", "aiko", 2, NOW + PRUNE_SECONDS - 1)
    assert store.brakes.recent("main", "aiko", 0.0) == 3
    store.brakes.deleted("main", "aiko", 4, NOW + PRUNE_SECONDS)
    assert store.brakes.recent("main", "aiko", 0.0) == 6
    assert store.brakes.recent("main", "bo", 0.0) == 1


def test_a_hold_lasts_and_keeps_its_first_reason(store: Store, other: Store) -> None:
    assert not store.brakes.held("main", "aiko")
    store.brakes.hold("main", "aiko", "brake-hour", "120 in an hour", NOW)
    store.brakes.hold("main", "aiko", "brake-day", "another", NOW + 1)
    assert other.brakes.held("main", "aiko")
    assert other.brakes.holding() == [Hold("main", "aiko", "brake-hour", "120 in an hour", NOW)]
    for stranger in (("main", "Aiko"), ("spare", "aiko")):
        assert not store.brakes.held(*stranger)


def test_holding_begins_with_the_longest(store: Store) -> None:
    for user, seconds in (("aiko", 2), ("bo", 1), ("chen", 3)):
        store.brakes.hold("main", user, "brake", "", NOW + seconds)
    assert [hold.user for hold in store.brakes.holding()] == ["bo", "aiko", "chen"]


@pytest.mark.parametrize(
    ("upstream", "count", "left", "recent"),
    [
        (None, 2, ["bo"], (0, 0)),
        ("main", 1, ["aiko", "bo"], (0, 7)),
        ("absent", 0, ["aiko", "aiko", "bo"], (7, 7)),
    ],
)
def test_release(
    store: Store, upstream: str | None, count: int, left: list[str], recent: tuple[int, int]
) -> None:
    for place, user in (("main", "aiko"), ("spare", "aiko"), ("main", "bo")):
        store.brakes.deleted(place, user, 7, NOW)
        store.brakes.hold(place, user, "brake", "", NOW)
    assert store.brakes.release("aiko", upstream, now=NOW) == count
    assert sorted(hold.user for hold in store.brakes.holding()) == left
    assert tuple(store.brakes.recent(place, "aiko", 0.0) for place in ("main", "spare")) == recent
    assert store.brakes.recent("main", "bo", 0.0) == 7
    store.brakes.deleted("main", "aiko", 1, NOW + 1)
    assert store.brakes.recent("main", "aiko", NOW) == 1, "what comes after the release counts"


def test_release_of_somebody_who_is_not_held_resets_what_counts(store: Store) -> None:
    store.brakes.deleted("main", "aiko", 7, NOW)
    assert store.brakes.release("aiko") == 0
    assert store.brakes.recent("main", "aiko", 0.0) == 0


def test_failures_are_told(store: Store) -> None:
    store.close()
    calls: list[Callable[[], object]] = [
        lambda: store.brakes.admit("main", "aiko", 1, limit(1), NOW),
        lambda: store.brakes.recent("main", "aiko", NOW),
        lambda: store.brakes.deleted("main", "aiko", 1, NOW),
        lambda: store.brakes.held("main", "aiko"),
        lambda: store.brakes.hold("main", "aiko", "brake", "", NOW),
        lambda: store.brakes.release("aiko"),
        lambda: store.brakes.holding(),
    ]
    for call in calls:
        with pytest.raises(MemoryFailed):
            call()

"""Rules that are lifted for a while."""

from __future__ import annotations

import pytest

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.lifts import Lift
from mailproxy.store.store import Store

NOW = 1_700_000_000.5


def test_a_lift_lasts_until_its_time(store: Store, other: Store) -> None:
    store.lifts.allow("no-delete", "bo", NOW + 20, NOW, by="root")
    store.lifts.allow("no-delete", "aiko", NOW + 10, NOW)
    lifts = (Lift("no-delete", "aiko", NOW + 10), Lift("no-delete", "bo", NOW + 20))
    assert other.lifts.active(NOW) == lifts
    assert other.lifts.active(NOW + 9.75) == lifts
    assert other.lifts.active(NOW + 10) == lifts[1:]
    assert other.lifts.active(NOW + 20) == ()


@pytest.mark.parametrize("until", [NOW + 5, NOW + 50])
def test_the_last_word_counts(store: Store, until: float) -> None:
    store.lifts.allow("no-delete", "aiko", NOW + 10, NOW)
    store.lifts.allow("no-delete", "aiko", until, NOW)
    assert store.lifts.active(NOW) == (Lift("no-delete", "aiko", until),)


def test_a_lift_that_ends_before_it_begins_lifts_nothing(store: Store) -> None:
    store.lifts.allow("no-delete", "aiko", NOW - 1, NOW)
    assert store.lifts.active(NOW) == ()


def test_ended_lifts_are_pruned(store: Store) -> None:
    store.lifts.allow("no-delete", "aiko", NOW + 10, NOW)
    store.lifts.allow("no-delete", "bo", NOW + 99, NOW + 10)
    assert store.lifts.active(0.0) == (Lift("no-delete", "bo", NOW + 99),)


def test_to_end_a_lift(store: Store) -> None:
    for rule, user in (("no-delete", "aiko"), ("no-delete", "bo"), ("trash", "aiko")):
        store.lifts.allow(rule, user, NOW + 10, NOW)
    assert store.lifts.end("no-delete", "aiko", NOW) == 1
    assert store.lifts.end("no-delete", "aiko", NOW) == 0
    assert store.lifts.end("trash", "aiko", NOW + 10) == 0, "it had ended"
    assert [(lift.rule, lift.user) for lift in store.lifts.active(NOW)] == [
        ("no-delete", "bo"),
        ("trash", "aiko"),
    ]


def test_failures_are_told(store: Store) -> None:
    store.close()
    with pytest.raises(MemoryFailed):
        store.lifts.active(NOW)
    with pytest.raises(MemoryFailed):
        store.lifts.allow("no-delete", "aiko", NOW + 1, NOW)
    with pytest.raises(MemoryFailed):
        store.lifts.end("no-delete", "aiko", NOW)

"""Who uses a mailbox, what was told, and sizes."""

from __future__ import annotations

import pytest

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.store import Store
from mailproxy.store.usage import PRUNE_SECONDS, Sizes, Use

NOW = 1_700_000_000.5


def test_each_program_has_one_row(store: Store, other: Store) -> None:
    store.usage.used("main", "aiko", "pop3", "192.0.2.7", 3, NOW)
    store.usage.used("main", "aiko", "imap", "192.0.2.7", 0, NOW + 1)
    store.usage.used("main", "aiko", "pop3", "192.0.2.8", 0, NOW + 2)
    other.usage.used("main", "aiko", "pop3", "192.0.2.7", 40, NOW + 3)
    store.usage.used("main", "bo", "pop3", "192.0.2.7", 500, NOW)
    store.usage.used("spare", "aiko", "pop3", "192.0.2.7", 500, NOW)
    assert other.usage.uses("main", "aiko", 0.0) == [
        Use("pop3", "192.0.2.7", 43, NOW + 3),
        Use("pop3", "192.0.2.8", 0, NOW + 2),
        Use("imap", "192.0.2.7", 0, NOW + 1),
    ]
    assert [use.client for use in store.usage.uses("main", "aiko", NOW + 2)] == ["192.0.2.7", "192.0.2.8"]
    assert store.usage.uses("main", "aiko", NOW + 3.25) == []


def test_a_clock_that_goes_back_makes_nothing_older(store: Store) -> None:
    store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, NOW)
    store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, NOW - 100)
    assert store.usage.uses("main", "aiko", 0.0) == [Use("pop3", "192.0.2.7", 2, NOW)]


def test_programs_that_stay_away_are_forgotten(store: Store) -> None:
    store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, NOW)
    store.usage.used("main", "aiko", "pop3", "192.0.2.8", 1, NOW + 1)
    store.usage.used("main", "aiko", "pop3", "192.0.2.9", 1, NOW + PRUNE_SECONDS)
    assert [use.client for use in store.usage.uses("main", "aiko", 0.0)] == ["192.0.2.9", "192.0.2.8"]


def test_told_once_within_its_time(store: Store, other: Store) -> None:
    assert store.usage.told("main", "aiko", "conflict", NOW, 60.0)
    assert not other.usage.told("main", "aiko", "conflict", NOW, 60.0)
    assert not store.usage.told("main", "aiko", "conflict", NOW + 59.5, 60.0)
    assert store.usage.told("main", "aiko", "conflict", NOW + 60, 60.0)
    assert not other.usage.told("main", "aiko", "conflict", NOW + 119, 60.0), (
        "what counts is the last time told"
    )


def test_told_is_for_each_user_and_kind(store: Store) -> None:
    assert store.usage.told("main", "aiko", "conflict", NOW, 60.0)
    assert store.usage.told("main", "aiko", "quota", NOW, 60.0)
    assert store.usage.told("main", "bo", "conflict", NOW, 60.0)
    assert store.usage.told("spare", "aiko", "conflict", NOW, 60.0)


def test_sizes_keep_what_is_not_told_again(store: Store, other: Store) -> None:
    assert store.usage.sizes("main", "aiko") is None
    store.usage.seen("main", "aiko", NOW, messages=7)
    assert store.usage.sizes("main", "aiko") == Sizes(7, None, None, None, NOW)
    other.usage.seen("main", "aiko", NOW + 1, octets=5_000_000_000, used=6_000_000_000, limit=2**50)
    assert store.usage.sizes("main", "aiko") == Sizes(7, 5_000_000_000, 6_000_000_000, 2**50, NOW + 1)
    store.usage.seen("main", "aiko", NOW + 2, messages=0, used=0)
    assert store.usage.sizes("main", "aiko") == Sizes(0, 5_000_000_000, 0, 2**50, NOW + 2)
    assert store.usage.sizes("main", "bo") is None


def test_failures_are_told(store: Store) -> None:
    with pytest.raises(MemoryFailed):
        store.usage.seen("main", "aiko", NOW, octets=2**63)
    assert store.usage.sizes("main", "aiko") is None
    store.close()
    with pytest.raises(MemoryFailed):
        store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, NOW)
    with pytest.raises(MemoryFailed):
        store.usage.uses("main", "aiko", NOW)
    with pytest.raises(MemoryFailed):
        store.usage.told("main", "aiko", "conflict", NOW, 1.0)
    with pytest.raises(MemoryFailed):
        store.usage.sizes("main", "aiko")

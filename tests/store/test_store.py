"""The store as a whole."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailproxy.guards.memory import Brakes, KeptMail, Mark, MemoryFailed, ViewKey
from mailproxy.store.address import open_database
from mailproxy.store.errors import StoreError
from mailproxy.store.migrations import migrate
from mailproxy.store.store import Store
from mailproxy.store.versions import STEPS


def test_guards_can_use_it(store: Store) -> None:
    kept: KeptMail = store.kept
    brakes: Brakes = store.brakes
    assert kept.recall(ViewKey("main", "aiko"), 1.0) == {}
    assert brakes.recent("main", "aiko", 0.0) == 0


def test_it_lasts_longer_than_its_process_has_it_open(url: str) -> None:
    for number in range(3):
        store = Store(url)
        store.audit.write(float(number), "kept", "main", "aiko", {})
        store.close()
    store = Store(url)
    assert len(store.audit.rows()) == 3
    store.close()


def test_many_threads_at_once(store: Store) -> None:
    aiko = ViewKey("main", "aiko")

    def work(number: int) -> None:
        store.kept.keep(aiko, [Mark(b"%d" % number, 1)], "keep-pop", float(number))
        store.kept.recall(aiko, float(number))
        store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, float(number))
        store.kept.forget(aiko, [b"%d" % (number - 1)] if number % 2 else [], float(number))

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(work, range(60)))
    assert [use.deleted for use in store.usage.uses("main", "aiko", 0.0)] == [60]
    assert {b"%d" % number for number in range(1, 60, 2)} <= set(store.kept.recall(aiko, 60.0))


def test_a_closed_store_stays_closed(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(MemoryFailed):
        store.lifts.active(1.0)


def test_a_store_that_cannot_be_opened_leaves_nothing_open(url: str) -> None:
    database = open_database(url)
    migrate(database, [*STEPS, lambda connection: None])
    database.close()
    with pytest.raises(StoreError, match=re.escape(database.place)):
        Store(url)

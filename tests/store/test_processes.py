"""Several processes at one store, and processes that do not come to an end of their own."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from mailproxy.store.address import open_database
from mailproxy.store.migrations import version_of
from mailproxy.store.store import Store
from mailproxy.store.versions import STEPS
from tests.store.programs import ROUNDS, TOGETHER, VIEW, started, together


def transactions(store: Store) -> dict[int, int]:
    """How many marks there are of each transaction of ``endless``."""
    return Counter(int(uidl.split()[0]) for uidl in store.kept.recall(VIEW, 0.0))


def test_two_processes_write_one_view(url: str) -> None:
    with started("sharing", url, "left") as left, started("sharing", url, "right") as right:
        told = [int(said) for said in together([left, right])]
    store = Store(url)
    try:
        expected = {b"%d-%s" % (n, name) for n in range(ROUNDS) for name in (b"left", b"right", b"both")}
        assert set(store.kept.recall(VIEW, 0.0)) == expected
        assert [use.deleted for use in store.usage.uses("main", "aiko", 0.0)] == [2 * ROUNDS]
        assert store.brakes.recent("main", "aiko", 0.0) == 2 * ROUNDS
        assert sum(told) == ROUNDS, "each kind is told once"
    finally:
        store.close()


def test_processes_that_open_an_empty_store_at_once(url: str) -> None:
    with ExitStack() as stack:
        together([stack.enter_context(started("opening", url)) for _ in range(4)])
    Store(url).close()


def test_processes_that_migrate_at_once(url: str) -> None:
    Store(url).close()
    with ExitStack() as stack:
        together([stack.enter_context(started("migrating", url)) for _ in range(4)])
    database = open_database(url)
    try:
        with database.reading() as connection:
            assert version_of(connection) == len(STEPS) + 1
            assert connection.execute(text("SELECT count(*) FROM mailproxy_schema")).scalar_one() == 1
    finally:
        database.close()


def test_a_killed_writer_leaves_whole_transactions(url: str) -> None:
    with started("endless", url) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
        said = [int(writer.stdout.readline()) for _ in range(30)]
        writer.kill()
        said += [int(line) for line in writer.stdout]
    store = Store(url)
    try:
        found = transactions(store)
        assert set(found.values()) == {TOGETHER}
        assert found.keys() - {said[-1] + 1} == set(said), "at most one was done and not told"
        store.kept.keep(VIEW, [], "keep-pop", 0.0)
    finally:
        store.close()


def test_a_full_disk(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with started("full-disk", url, str(400 * 1024)) as writer:
        *done, failure = together([writer])[0].splitlines()
    assert failure.startswith("the store cannot be written: ")
    assert done
    store = Store(url)
    try:
        assert transactions(store) == dict.fromkeys(map(int, done), TOGETHER)
    finally:
        store.close()


def test_a_program_that_fails_is_noticed(tmp_path: Path) -> None:
    with (
        started("full-disk", f"sqlite:///{tmp_path}/store.db", "no number") as writer,
        pytest.raises(AssertionError),
    ):
        together([writer])

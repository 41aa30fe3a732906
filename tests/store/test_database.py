"""Transactions."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import column, func, insert, select, table, text

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store import database as database_module
from mailproxy.store.address import open_database
from mailproxy.store.database import Database, cause_of

THINGS = table("things", column("name"))


@pytest.fixture
def things(database: Database) -> Database:
    """A database with the table ``things``."""
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE things (name TEXT UNIQUE, number INTEGER DEFAULT 0)"))
    return database


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(THINGS.c.name).order_by(THINGS.c.name)).scalars())


def test_what_is_written_is_seen_by_others(things: Database, url: str) -> None:
    with things.writing() as connection:
        connection.execute(insert(THINGS).values(name="one"))
    other = open_database(url)
    assert names(other) == ["one"]
    other.close()


def test_what_raises_has_not_happened(things: Database) -> None:
    def write() -> None:
        with things.writing() as connection:
            connection.execute(insert(THINGS).values(name="one"))
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert names(things) == []


@pytest.mark.parametrize("wrong", ["INSERT INTO things (name) VALUES ('one')", "SELECT nothing FROM nowhere"])
def test_what_the_database_refuses_is_told(things: Database, wrong: str) -> None:
    def write() -> None:
        with things.writing() as connection:
            connection.execute(insert(THINGS).values(name="one"))
            connection.execute(text(wrong))

    with pytest.raises(MemoryFailed) as caught:
        write()
    assert str(caught.value).startswith("the store cannot be written: ")
    assert "INSERT" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(things) == []


def test_a_failed_reading_is_told(things: Database) -> None:
    with pytest.raises(MemoryFailed, match="the store cannot be read: "), things.reading() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_values_stand_in_no_error(things: Database) -> None:
    value = "a-private-thing"
    with pytest.raises(MemoryFailed) as caught, things.writing() as connection:
        connection.execute(text("SELECT :value, nothing FROM nowhere"), {"value": value})
    assert value not in str(caught.value) + str(caught.value.__cause__)


def test_insert_speaks_the_dialect(things: Database) -> None:
    for _ in range(2):
        with things.writing() as connection:
            connection.execute(things.insert(THINGS).values(name="one").on_conflict_do_nothing())
    assert names(things) == ["one"]


def test_threads_write_in_turn(things: Database) -> None:
    def count(number: int) -> None:
        with things.writing() as connection:
            before = connection.execute(select(func.count()).select_from(THINGS)).scalar_one()
            connection.execute(insert(THINGS).values(name=f"{number} {before >= 0}"))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(count, range(60)))
    assert len(names(things)) == 60


def test_a_thread_that_waits_for_too_long_is_told(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT_SECONDS", 0.01)
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('turn')}/store.db")
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing():
            inside.set()
            leave.wait(60)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert inside.wait(60)
        with pytest.raises(MemoryFailed, match="other threads write for too long"), database.writing():
            pass
        with database.reading() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1, "readers wait for nobody"
        leave.set()
        holding.result(60)
    with database.writing():
        pass
    database.close()


def test_closed_is_closed(database: Database) -> None:
    database.close()
    with pytest.raises(MemoryFailed, match="the store is closed"), database.reading():
        pass
    with pytest.raises(MemoryFailed, match="the store is closed"), database.writing():
        pass


@pytest.mark.parametrize(
    ("error", "cause"),
    [(ValueError("one\ntwo"), "one"), (ValueError(""), "ValueError"), (ValueError(" \n "), "ValueError")],
)
def test_cause_of(error: Exception, cause: str) -> None:
    assert cause_of(error) == cause

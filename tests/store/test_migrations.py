"""From the version a database has to the one this mailproxy knows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mailproxy.guards.memory import Mark, MemoryFailed, ViewKey
from mailproxy.store.address import open_database
from mailproxy.store.database import Database
from mailproxy.store.errors import StoreError
from mailproxy.store.migrations import migrate, version_of
from mailproxy.store.store import Store
from mailproxy.store.versions import STEPS


def make(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE letters (name TEXT)"))
    connection.execute(text("INSERT INTO letters VALUES ('one')"))


def widen(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE letters ADD COLUMN octets INTEGER NOT NULL DEFAULT 7"))


def fail(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE letters ADD COLUMN broken INTEGER"))
    connection.execute(text("SELECT nothing FROM nowhere"))


def version(database: Database) -> int:
    with database.reading() as connection:
        return version_of(connection)


def letters(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM letters"))]


def test_all_steps_from_nothing(database: Database) -> None:
    assert version(database) == 0
    migrate(database, [make, widen])
    assert version(database) == 2
    assert letters(database) == [("one", 7)]


def test_only_the_steps_that_are_missing(database: Database) -> None:
    migrate(database, [make])
    assert letters(database) == [("one",)]
    migrate(database, [make, widen])
    migrate(database, [make, widen])
    assert version(database) == 2
    assert letters(database) == [("one", 7)]


def test_a_step_that_fails_undoes_those_before_it(database: Database) -> None:
    migrate(database, [make])
    with pytest.raises(MemoryFailed):
        migrate(database, [make, widen, fail])
    assert version(database) == 1
    assert letters(database) == [("one",)]
    migrate(database, [make, widen])
    assert letters(database) == [("one", 7)]


def test_a_newer_store_is_refused(database: Database, url: str) -> None:
    migrate(database, [*STEPS, make])
    newest = len(STEPS)
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert caught.value.place == database.place
    assert caught.value.cause == f"its schema has version {newest + 1}, this mailproxy knows {newest} at most"
    assert version(database) == newest + 1


def test_a_store_of_version_1_keeps_what_it_has(url: str) -> None:
    database = open_database(url)
    migrate(database, STEPS[:1])
    with database.writing() as connection:
        connection.execute(text("INSERT INTO mailproxy_views VALUES (1, 'main', 'aiko', '', 5.5)"))
        connection.execute(
            text("INSERT INTO mailproxy_kept VALUES (1, :uidl, 9, 4.5, 'keep-pop', 0, :due)"),
            {"uidl": b"u\xff1", "due": False},
        )
    database.close()
    store = Store(url)
    try:
        aiko = ViewKey("main", "aiko")
        store.kept.keep(aiko, [Mark(b"u2", 3)], "keep-pop", 6.5)
        assert {kept.uidl: kept.since for kept in store.kept.recall(aiko, 7.5).values()} == {
            b"u\xff1": 4.5,
            b"u2": 6.5,
        }
    finally:
        store.close()


def test_a_store_of_this_version_is_opened_while_another_writes(database: Database, url: str) -> None:
    migrate(database)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO mailproxy_told VALUES ('main', 'aiko', 'kind', 1)"))
        Store(url).close()


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "music.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="another program's database"):
        Store(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]

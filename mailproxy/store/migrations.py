"""Brings a database to the version of the schema that this mailproxy knows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, select, text

from mailproxy.store.database import Database
from mailproxy.store.errors import StoreError
from mailproxy.store.versions import STEPS, Step

_VERSION = Table("mailproxy_schema", MetaData(), Column("version", Integer, nullable=False))

_LOCK = 0x6D61_696C_7072_6F78  # any number that no other program locks in the same PostgreSQL database


def migrate(database: Database, steps: Sequence[Step] = STEPS) -> None:
    """Runs the steps that this database has not seen, all or none of them.

    Several processes may do this at once: one runs them, the others wait and find them done.

    Raises:
        StoreError: it is another program's, or newer than the last step.
        MemoryFailed: it cannot be read or written.
    """
    with database.reading() as connection:
        found = _known(database, connection, len(steps))
    if found == len(steps):
        return
    with database.writing() as connection:
        _lock(connection)
        found = _known(database, connection, len(steps))
        for step in steps[found:]:
            step(connection)
        _note(connection, found, len(steps))


def version_of(connection: Connection) -> int:
    """The version of the schema; 0 when there is none yet."""
    if not inspect(connection).has_table(_VERSION.name):
        return 0
    return int(connection.execute(select(_VERSION.c.version)).scalar_one())


def _known(database: Database, connection: Connection, newest: int) -> int:
    found = version_of(connection)
    if found > newest:
        raise StoreError(
            database.place,
            f"its schema has version {found}, this mailproxy knows {newest} at most",
            "install the newer mailproxy again, or bring back a copy made before it",
        )
    if not found and database.kind == "sqlite" and inspect(connection).get_table_names():
        raise StoreError(
            database.place, "this is another program's database", "name another file in the store's url"
        )
    return found


def _lock(connection: Connection) -> None:
    """SQLite's write transactions are alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _note(connection: Connection, found: int, newest: int) -> None:
    if found == newest:
        return
    if not found:
        _VERSION.create(connection)
        connection.execute(_VERSION.insert().values(version=newest))
    else:
        connection.execute(_VERSION.update().values(version=newest))

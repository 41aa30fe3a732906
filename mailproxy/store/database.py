"""Transactions on one database, whichever it is.

All that goes wrong inside of one is told as MemoryFailed. SQLite lets one connection
write at a time: a write transaction takes its lock when it begins, not at its first write,
since two readers that both want to become writers could only fail. The threads of
one process queue for it here, where they are woken in turn; SQLite's own way of waiting,
to sleep and try again, is left to be used between processes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from mailproxy.guards.memory import MemoryFailed

WAIT_SECONDS = 10.0
"""How long a transaction waits for a connection, and for another one to end."""

BEGIN = "mailproxy_begin"
"""The execution option with the statement that begins a transaction on SQLite."""

_INSERT: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Database:
    """Hands out connections, each for one transaction. For threads; each process makes its own.

    ``place`` names the database in messages, without a password.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self.place = place
        self.kind = engine.dialect.name
        self._engine = engine
        self._writer = engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._turn = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing.

        Raises:
            MemoryFailed: the database cannot be read.
        """
        with _told("read"), self._open(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when this ends, or has not happened when it raises.

        Where the connection to PostgreSQL breaks in the middle of the commit itself, nobody can
        say which; it is told as a failure.

        Raises:
            MemoryFailed: the database cannot be written.
        """
        with self._in_turn(), _told("written"), self._open(self._writer) as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """INSERT with the ``on_conflict_…`` methods, which both databases spell alike."""
        return _INSERT[self.kind](table)

    def close(self) -> None:
        """Closes all connections. Every later transaction is refused."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self.kind != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise MemoryFailed("the store cannot be written: other threads write for too long")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _open(self, engine: Engine) -> Iterator[Connection]:
        if self._closed:
            raise MemoryFailed("the store is closed")
        with engine.begin() as connection:
            yield connection


@contextmanager
def _told(done: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OverflowError, UnicodeError) as error:  # rows are the driver's
        raise MemoryFailed(f"the store cannot be {done}: {cause_of(error)}") from error


def cause_of(error: Exception) -> str:
    """What the database said: the first line, which has neither the statement nor its values."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__

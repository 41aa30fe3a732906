"""A store in one file: SQLite with a write-ahead log, which each commit carries to the disk."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote, unquote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from mailproxy.store.database import BEGIN, WAIT_SECONDS, Database
from mailproxy.store.errors import StoreError

PREFIX = "sqlite:///"

OLDEST = (3, 24, 0)  # the first SQLite with INSERT … ON CONFLICT DO UPDATE

_OWNER = "make the file and its folder readable and writable for the user that mailproxy runs as"
_ELSEWHERE = "name another file in the store's url, or move this one away"
_NEXT_STEP = {
    sqlite3.SQLITE_NOTADB: _ELSEWHERE,
    sqlite3.SQLITE_CORRUPT: "move it away and bring back the last good copy",
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "end the program that holds it open",
}
_PAUSE_SECONDS = 0.02


def open_sqlite(url: str) -> Database:
    """The file of ``sqlite:////folder/file.db``, made for its user alone when it is absent.

    ``%`` and ``?`` in its name are written ``%25`` and ``%3F``.

    Raises:
        StoreError: it names no file, or one that cannot be used.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(
            "SQLite",
            f"version {sqlite3.sqlite_version} is too old",
            "install 3.24 or later, or use PostgreSQL",
        )
    path = _file_of(url)
    _make_private(path)
    _prepare(path)
    return Database(_engine(path), str(path))


def _file_of(url: str) -> Path:
    name = url.removeprefix(PREFIX)
    if name in (url, "", ":memory:"):
        raise StoreError("the store's url", "it names no file", "write sqlite:////folder/file.db")
    if "?" in name:
        raise StoreError("the store's url", "a file takes no options", "leave out the ? and all behind it")
    return Path(os.path.abspath(unquote(name)))


def _make_private(path: Path) -> None:
    """SQLite would make the file as the umask says; its other files take the mode of this one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The file is never opened when it exists: to close it again would drop SQLite's own locks on it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        if not path.parent.is_dir():
            raise StoreError(str(path.parent), "this is no folder", _ELSEWHERE) from None
    except OSError as error:
        raise StoreError(str(path), (error.strerror or type(error).__name__).lower(), _OWNER) from error


def _prepare(path: Path) -> None:
    """The write-ahead log stays on once it is on: the file itself says so."""
    try:
        connection = _connect(path)
        try:
            mode = _write_ahead(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        step = _NEXT_STEP.get(_code(error), _OWNER)
        raise StoreError(str(path), str(error), step) from error
    if mode != "wal":
        raise StoreError(str(path), "its disk cannot hold a write-ahead log", "put it on a local disk")


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 when it was not SQLite that complained, but the driver."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _write_ahead(connection: sqlite3.Connection) -> str:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            # The switch needs the file for itself, and does not wait for it as other statements do.
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_PAUSE_SECONDS)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=WAIT_SECONDS,
        isolation_level=None,  # the driver begins no transactions by itself
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _engine(path: Path) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path),
        poolclass=QueuePool,
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

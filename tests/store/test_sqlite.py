"""The file of an SQLite store."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store import sqlite as sqlite_module
from mailproxy.store.errors import StoreError
from mailproxy.store.sqlite import open_sqlite
from mailproxy.store.store import Store
from tests.servers.daemon import server_folder

NOBODY = 65534


def open_file(path: Path | str) -> None:
    open_sqlite(f"sqlite:///{path}").close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(path: Path | str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_file(path)
    return caught.value


@pytest.fixture
def any_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may write everywhere; so nobody may do nothing meanwhile."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder with a store that everybody may read and nobody may write."""
    with server_folder("store") as folder:
        Store(f"sqlite:///{folder}/store.db").close()
        (folder / "store.db").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


@pytest.mark.usefixtures("any_umask")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/new/store.db")
    try:
        store.lifts.allow("rule", "aiko", 2.0, 1.0)
        assert mode(tmp_path / "new") == 0o700
        files = sorted((tmp_path / "new").iterdir())
        assert [file.name for file in files] == ["store.db", "store.db-shm", "store.db-wal"]
        assert {mode(file) for file in files} == {0o600}
    finally:
        store.close()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["store.db"]


def test_every_connection_is_durable_and_patient(tmp_path: Path) -> None:
    database = open_sqlite(f"sqlite:///{tmp_path}/store.db")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    with database.reading() as one, database.writing() as two:
        for connection in (one, two):
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in expected}
            assert found == expected
    database.close()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a b.db", "a b.db"),
        ("愛.db", "愛.db"),
        ("store#1;x=y.db", "store#1;x=y.db"),
        ("what%3F%25.db", "what?%.db"),
        ("%2541.db", "%41.db"),
    ],
)
def test_any_name_is_a_file(tmp_path: Path, written: str, name: str) -> None:
    Store(f"sqlite:///{tmp_path}/{written}").close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_file("some/store.db")
    assert (tmp_path / "some/store.db").is_file()


def test_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(0o640)
    Store(f"sqlite:///{path}").close()
    assert mode(path) == 0o640, "a file that was there stays as its owner made it"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("sqlite://", "it names no file"),
        ("sqlite:///", "it names no file"),
        ("sqlite:///:memory:", "it names no file"),
        ("sqlite://store.db", "it names no file"),
        ("sqlite:////tmp/store.db?mode=ro", "a file takes no options"),
    ],
)
def test_urls_without_a_file(url: str, cause: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_sqlite(url)
    assert caught.value.cause == cause


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all,\n" * 1000)
    error = refused(path)
    assert error.place == str(path)
    assert error.cause == "file is not a database"
    assert error.next_step.startswith("name another file")
    assert path.read_text() == "Dear all,\n" * 1000


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert refused(tmp_path).cause == "unable to open database file"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    assert refused(tmp_path / "state/store.db").cause == "this is no folder"
    assert refused(tmp_path / "state/more/store.db").cause == "not a directory"


def test_a_folder_that_takes_no_file(locked_folder: Path, nobody: None) -> None:
    error = refused(locked_folder / "new.db")
    assert error.cause == "permission denied"
    assert error.next_step.startswith("make the file and its folder readable and writable")


def test_a_store_that_may_only_be_read(locked_folder: Path, nobody: None) -> None:
    with pytest.raises(StoreError) as caught:
        Store(f"sqlite:///{locked_folder}/store.db")
    assert caught.value.next_step.startswith("make the file and its folder readable and writable")


def test_a_damaged_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(f"sqlite:///{path}").close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3900)
    with pytest.raises(StoreError, match="malformed"):
        Store(f"sqlite:///{path}")


def test_a_lock_that_another_process_does_not_give_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "WAIT_SECONDS", 0.05)
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryFailed, match="the store cannot be written: database is locked"):
            store.lifts.allow("rule", "aiko", 2.0, 1.0)
        assert store.lifts.active(1.0) == (), "readers wait for nobody"
        Store(f"sqlite:///{tmp_path}/store.db").close()
        stranger.execute("ROLLBACK")
    store.lifts.allow("rule", "aiko", 2.0, 1.0)
    store.close()


def test_a_file_that_somebody_holds_while_it_is_made_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "WAIT_SECONDS", 0.05)
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        error = refused(path)
    assert (error.cause, error.next_step) == ("database is locked", "end the program that holds it open")


def test_a_disk_without_a_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "_write_ahead", lambda connection: "delete")
    assert refused(tmp_path / "store.db").next_step == "put it on a local disk"


def test_an_old_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 23, 1))
    assert "too old" in refused(tmp_path / "store.db").cause

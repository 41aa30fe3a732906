"""URLs of stores."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from mailproxy.store.address import open_database
from mailproxy.store.errors import StoreError


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("", "it cannot be understood"),
        ("store.db", "it cannot be understood"),
        ("postgresql://me:hush-hush@host:port/db", "it cannot be understood"),
        ("mysql://me:hush-hush@host/db", "mysql:// is no database for mailproxy"),
        ("postgresql+asyncpg://me:hush-hush@host/db", "postgresql+asyncpg:// is no database for mailproxy"),
        ("sqlite://store.db", "it names no file"),
        ("sqlite+aiosqlite:////tmp/store.db", "sqlite+aiosqlite:// is no database for mailproxy"),
    ],
)
def test_what_is_no_url_of_a_store(url: str, cause: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_database(url)
    assert caught.value.cause == cause
    assert "sqlite:////folder/file.db" in caught.value.next_step
    shown = "".join(line for line in traceback.format_exception(caught.value) if "open_database(" not in line)
    assert "hush" not in shown


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_by_each_of_its_names(scheme: str) -> None:
    database = open_database(f"{scheme}://me:hush-hush@192.0.2.1:5433/mail")
    assert database.kind == "postgresql"
    assert database.place == "postgresql://me@192.0.2.1:5433/mail"
    database.close()


def test_sqlite(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    assert (database.kind, database.place) == ("sqlite", f"{tmp_path}/store.db")
    database.close()

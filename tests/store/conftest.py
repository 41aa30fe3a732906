"""A store of each kind: every test that asks for one runs twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproxy.store.address import open_database
from mailproxy.store.database import Database
from mailproxy.store.store import Store
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.emptied()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def other(store: Store, url: str) -> Iterator[Store]:
    """The same store, opened once more."""
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The database of an empty store, without any table."""
    opened = open_database(url)
    yield opened
    opened.close()

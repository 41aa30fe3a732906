"""The demo asks the same store as the proxy, and about its own user alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.demo.kept import KeptInStore
from mailproxy.guards.memory import Mark, ViewKey
from mailproxy.store.errors import StoreError
from mailproxy.store.store import Store

AIKO, BEN = ViewKey("demo", "aiko@example.org"), ViewKey("demo", "ben@example.org")


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/kept.db"
    store = Store(url)
    for key in (AIKO, BEN):
        store.kept.keep(key, [Mark(b"1.1", 10), Mark(b"1.2", 20)], "pop3-keep", 1000.0)
    store.close()
    return url


async def test_listing(url: str) -> None:
    found = await KeptInStore(url, AIKO.user).listing()
    assert [(row.user, row.uidl, row.octets) for row in found] == [
        (AIKO.user, b"1.1", 10),
        (AIKO.user, b"1.2", 20),
    ]


async def test_restoring(url: str) -> None:
    kept = KeptInStore(url, AIKO.user)
    assert await kept.restore() == 2
    assert list(await kept.listing()) == []
    assert await kept.restore() == 0
    assert len(await KeptInStore(url, BEN.user).listing()) == 2


async def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "kept.db").mkdir()
    with pytest.raises(StoreError):
        await KeptInStore(f"sqlite:///{tmp_path}/kept.db", AIKO.user).listing()

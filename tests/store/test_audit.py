"""Audit rows."""

from __future__ import annotations

import pytest

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.audit import AuditRow
from mailproxy.store.store import Store

NOW = 1_700_000_000.5
DETAIL = {
    "messages": 3,
    "name": 'Entwürfe "愛" \x00\n',
    "uids": [1, 2],
    "nested": {"on": True, "of": None},
    "part": 0.5,
}


def test_what_is_written_is_read(store: Store, other: Store) -> None:
    store.audit.write(NOW, "deleted", "main", "aiko", DETAIL)
    (row,) = other.audit.rows()
    assert row == AuditRow(row.id, NOW, "deleted", "main", "aiko", DETAIL)


@pytest.fixture
def full(store: Store) -> Store:
    for at, kind, user in ((3, "kept", "aiko"), (1, "kept", "bo"), (2, "deleted", "aiko"), (2, "kept", "bo")):
        store.audit.write(NOW + at, kind, "main", user, {"at": at})
    return store


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [(1, "bo"), (2, "aiko"), (2, "bo"), (3, "aiko")]),
        ({"limit": 2}, [(2, "bo"), (3, "aiko")]),
        ({"limit": 0}, []),
        ({"since": NOW + 2}, [(2, "aiko"), (2, "bo"), (3, "aiko")]),
        ({"since": NOW + 2.5}, [(3, "aiko")]),
        ({"user": "aiko"}, [(2, "aiko"), (3, "aiko")]),
        ({"user": ""}, []),
        ({"kind": "kept", "user": "aiko"}, [(3, "aiko")]),
        ({"kind": "kept", "limit": 1, "user": "bo"}, [(2, "bo")]),
    ],
)
def test_rows(full: Store, asked: dict[str, object], expected: list[tuple[int, str]]) -> None:
    assert [(row.detail["at"], row.user) for row in full.audit.rows(**asked)] == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("detail", [{"what": object()}, {"name": "\ud800"}], ids=["no JSON", "no text"])
def test_what_is_no_json_is_refused(store: Store, detail: dict[str, object]) -> None:
    with pytest.raises(MemoryFailed, match="the detail of an audit row \\(deleted\\)"):
        store.audit.write(NOW, "deleted", "main", "aiko", detail)
    assert store.audit.rows() == []


def test_failures_are_told(store: Store) -> None:
    store.close()
    with pytest.raises(MemoryFailed):
        store.audit.write(NOW, "deleted", "main", "aiko", {})
    with pytest.raises(MemoryFailed):
        store.audit.rows()

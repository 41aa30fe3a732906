"""The archive's index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproxy.guards.memory import MemoryFailed, Message
from mailproxy.store.archive_index import ArchiveRow
from mailproxy.store.store import Store

NOW = 1_700_000_000.5
MESSAGE = Message(
    "main",
    "aiko",
    "imap",
    "Entwürfe/愛",
    "1187.4392",
    "17-Jul-1996 02:44:25 -0700",
    ("\\Seen", "$Forwarded"),
    "archive-all",
)
BARE = Message("main", "aiko", "pop3", "INBOX", "u1")


@pytest.mark.parametrize("message", [MESSAGE, BARE], ids=["full", "bare"])
def test_what_is_added_is_there(store: Store, other: Store, message: Message) -> None:
    assert not store.archive.has(message)
    number = store.archive.add(message, "main/aiko/cur/1", 5_000_000_000, NOW)
    assert other.archive.has(message)
    assert other.archive.get(number) == ArchiveRow(number, message, "main/aiko/cur/1", 5_000_000_000, NOW)
    assert other.archive.get(number + 1) is None


def test_to_add_again_tells_of_the_new_file(store: Store, other: Store) -> None:
    number = store.archive.add(MESSAGE, "first", 1, NOW)
    again = replace(MESSAGE, flags=(), internaldate="", rule="another")
    assert other.archive.has(again)
    assert other.archive.add(again, "second", 2, NOW + 1) == number
    assert store.archive.listing() == [ArchiveRow(number, again, "second", 2, NOW + 1)]


@pytest.mark.parametrize("part", ["upstream", "user", "protocol", "mailbox", "id"])
def test_a_message_in_another_place_is_another(store: Store, part: str) -> None:
    elsewhere = replace(MESSAGE, **{part: getattr(MESSAGE, part).upper() + "x"})
    first = store.archive.add(MESSAGE, "first", 1, NOW)
    assert not store.archive.has(elsewhere)
    assert store.archive.add(elsewhere, "second", 1, NOW) != first


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        ({}, ["c", "a", "b"]),
        ({"user": "aiko"}, ["a", "b"]),
        ({"upstream": "spare"}, ["c", "b"]),
        ({"since": NOW + 1}, ["a", "b"]),
        ({"since": NOW + 1.5, "user": "aiko", "upstream": "spare"}, ["b"]),
        ({"user": "nobody"}, []),
    ],
)
def test_listing(store: Store, asked: dict[str, object], files: list[str]) -> None:
    store.archive.add(BARE, "a", 1, NOW + 1)
    store.archive.add(replace(BARE, upstream="spare"), "b", 1, NOW + 2)
    store.archive.add(replace(BARE, upstream="spare", user="bo"), "c", 1, NOW)
    assert [row.file for row in store.archive.listing(**asked)] == files  # type: ignore[arg-type]


def test_failures_are_told(store: Store) -> None:
    with pytest.raises(MemoryFailed):
        store.archive.add(BARE, "too large", 2**63, NOW)
    assert store.archive.listing() == []
    store.close()
    with pytest.raises(MemoryFailed):
        store.archive.has(BARE)
    with pytest.raises(MemoryFailed):
        store.archive.get(1)

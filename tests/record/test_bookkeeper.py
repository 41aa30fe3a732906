"""What is written down of a batch, and what is told because of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mailproxy.events import (
    Conflict,
    Deleted,
    Event,
    ExpireZero,
    GmailPop,
    KeptMailGrows,
    LoggedIn,
    MailboxNearlyFull,
    MailboxSeen,
    OverQuota,
    QuotaSeen,
)
from mailproxy.guards.memory import Mark, MemoryFailed, ViewKey
from mailproxy.record.bookkeeper import Bookkeeper, Seen
from mailproxy.store.store import Store
from tests.record.memory_books import Books

HOUR = 3600.0
DAY = 24 * HOUR
NOW = 1_800_000_000.0
MIB = 1024 * 1024
IMAP, POP3 = "192.0.2.2", "192.0.2.1"


def imap(user: str = "aiko", client: str = IMAP) -> Seen:
    return Seen("imap", "main", user, client, LoggedIn(user, "PLAIN", True))


def pop3(event: Event, user: str = "aiko", client: str = POP3) -> Seen:
    return Seen("pop3", "main", user, client, event)


def deletes(messages: int, kept: int = 0, user: str = "aiko") -> Seen:
    return pop3(Deleted(messages, kept), user)


CONFLICT = Conflict("main", "aiko", POP3, IMAP, 2, 7, "pop3-keep.toml")


@pytest.mark.parametrize(
    ("batches", "found"),
    [
        ([(0, [imap(), deletes(2)])], [CONFLICT]),
        ([(0, [imap()]), (1, [deletes(2)])], [CONFLICT]),
        ([(0, [deletes(2)]), (1, [imap()])], [CONFLICT]),
        ([(0, [deletes(2)]), (6.9 * DAY, [imap()])], [CONFLICT]),
        ([(0, [deletes(2)]), (7.1 * DAY, [imap()])], []),
        ([(0, [imap(), deletes(0)])], []),
        ([(0, [imap(), deletes(0, kept=2)])], []),  # what is kept is there for IMAP
        ([(0, [imap("aiko"), deletes(2, user="hana")])], []),
        ([(0, [imap()])], []),
        ([(0, [deletes(2)])], []),
        ([(0, [deletes(1), imap(), deletes(1)])], [CONFLICT]),
    ],
)
def test_conflict(batches: list[tuple[float, list[Seen]]], found: list[Event]) -> None:
    books = Books()
    keeper = Bookkeeper(books)
    told = [finding for after, batch in batches for finding in keeper.enter(batch, NOW + after)]
    assert told == found
    assert [row[1:4] for row in books.rows] == [("conflict", "main", "aiko")] * len(found)


def test_a_conflict_is_told_once_a_day() -> None:
    books = Books()
    keeper = Bookkeeper(books)
    told = [len(list(keeper.enter([imap(), deletes(1)], NOW + hour * HOUR))) for hour in (0, 1, 23, 24, 25)]
    assert told == [1, 0, 0, 1, 0]
    assert len(books.rows) == 2


def test_the_audit_says_what_the_log_says() -> None:
    books = Books()
    list(Bookkeeper(books).enter([imap(), deletes(2)], NOW))
    [(at, kind, upstream, user, detail)] = books.rows
    assert (at, kind, upstream, user) == (NOW, "conflict", "main", "aiko")
    assert detail == {
        "pop3_client": POP3,
        "imap_client": IMAP,
        "deleted": 2,
        "since_days": 7,
        "rule": "pop3-keep.toml",
    }


def test_logins_are_written_once_an_hour() -> None:
    books = Books()
    keeper = Bookkeeper(books)
    for after in (0, 0, 1, HOUR - 1, HOUR):
        list(keeper.enter([imap(), imap()], NOW + after))
    list(keeper.enter([imap(client="192.0.2.3")], NOW + HOUR))
    assert books.calls.count("used") == 3


def test_deletions_of_a_batch_are_written_together() -> None:
    books = Books()
    list(Bookkeeper(books).enter([deletes(1), deletes(2), deletes(4, user="hana")], NOW))
    assert books.calls.count("used") == 2
    assert [use.deleted for user in ("aiko", "hana") for use in books.uses("main", user, 0.0)] == [3, 4]


def test_a_session_that_deleted_nothing_is_not_written() -> None:
    books = Books()
    list(Bookkeeper(books).enter([deletes(0), deletes(0, kept=3)], NOW))
    assert "used" not in books.calls


def test_sizes_are_written_when_they_change_or_after_an_hour() -> None:
    books = Books()
    keeper = Bookkeeper(books)
    full, fuller = pop3(MailboxSeen(1, 100)), pop3(MailboxSeen(2, 200))
    for after, batch in [(0, [full, fuller]), (1, [fuller]), (HOUR, [fuller]), (HOUR + 1, [full])]:
        list(keeper.enter(batch, NOW + after))
    assert books.calls.count("seen") == 3
    sizes = books.sizes("main", "aiko")
    assert sizes is not None
    assert (sizes.messages, sizes.octets, sizes.used) == (1, 100, None)


def test_both_kinds_of_sizes_are_of_one_mailbox() -> None:
    books = Books()
    quota = Seen("imap", "main", "aiko", IMAP, QuotaSeen(5, 10))
    list(Bookkeeper(books).enter([pop3(MailboxSeen(1, 100)), quota], NOW))
    sizes = books.sizes("main", "aiko")
    assert sizes is not None
    assert (sizes.messages, sizes.octets, sizes.used, sizes.limit) == (1, 100, 5, 10)


def test_a_mailbox_that_is_nearly_full() -> None:
    books = Books(kept_total=(3, 10))
    keeper = Bookkeeper(books)
    quota = [pop3(QuotaSeen(used, 1000)) for used in (900, 901, 950)]
    told = [list(keeper.enter([seen], NOW + after)) for seen, after in zip(quota, (0, 1, 2), strict=True)] + [
        list(keeper.enter([quota[2]], NOW + DAY + 2))
    ]
    assert told == [
        [],
        [MailboxNearlyFull("main", "aiko", 901, 1000, 10)],
        [],
        [MailboxNearlyFull("main", "aiko", 950, 1000, 10)],
    ]
    assert [row[1] for row in books.rows] == ["mailbox.nearly_full"] * 2


def test_kept_mail_that_grows() -> None:
    books = Books(kept_total=(7, 120 * MIB))
    keeper = Bookkeeper(books)
    found = list(keeper.enter([pop3(MailboxSeen(9, 200 * MIB))], NOW))
    assert found == [KeptMailGrows("main", "aiko", 7, 120 * MIB, 0.6)]
    assert list(keeper.enter([deletes(0, kept=1)], NOW + 1)) == []
    assert len(list(keeper.enter([deletes(0, kept=1)], NOW + DAY))) == 1
    assert [row[1] for row in books.rows] == ["kept.grows"] * 2


def test_mail_kept_in_a_mailbox_of_unknown_size_tells_nothing() -> None:
    books = Books(kept_total=(7, 120 * MIB))
    assert list(Bookkeeper(books).enter([deletes(0, kept=1)], NOW)) == []
    assert "total" not in books.calls


@pytest.mark.parametrize("kind", [ExpireZero, GmailPop])
def test_what_a_server_does_is_told_once_a_day_for_each_upstream(kind: type[ExpireZero | GmailPop]) -> None:
    books = Books()
    keeper = Bookkeeper(books)
    here, there = (Seen("pop3", upstream, "", POP3, kind()) for upstream in ("main", "other"))
    assert list(keeper.enter([here, here, there], NOW)) == [kind("main"), kind("other")]
    assert list(keeper.enter([here], NOW + DAY - 1)) == []
    assert books.calls.count("told") == 2  # the store is not asked each time
    assert list(keeper.enter([here], NOW + DAY)) == [kind("main")]
    assert [row[2:4] for row in books.rows] == [("main", ""), ("other", ""), ("main", "")]


def test_what_another_process_has_told_is_not_told_again() -> None:
    books = Books()
    assert len(list(Bookkeeper(books).enter([imap(), deletes(1)], NOW))) == 1
    assert list(Bookkeeper(books).enter([imap(), deletes(1)], NOW + 1)) == []


@pytest.mark.parametrize("call", ["used", "uses", "told", "seen", "sizes", "total"])
def test_what_a_store_raises_is_raised_and_the_next_batch_is_written(call: str) -> None:
    books = Books(failing=(call, 1))
    keeper = Bookkeeper(books)
    batch = [imap(), deletes(2), pop3(QuotaSeen(95, 100))]
    found: list[Event] = []
    with pytest.raises(MemoryFailed, match="the disk is full"):
        found.extend(keeper.enter(batch, NOW))
    found.extend(keeper.enter(batch, NOW + HOUR))
    assert [type(each) for each in found] == [Conflict, MailboxNearlyFull]


def test_over_a_real_store(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path}/mailproxy.db")) as store:
        store.kept.keep(ViewKey("main", "aiko"), [Mark(b"1", 30), Mark(b"2", 31)], "keep", NOW)
        keeper, other = Bookkeeper(store), Bookkeeper(store)
        assert list(keeper.enter([deletes(2)], NOW)) == []
        batch = [imap(), pop3(MailboxSeen(3, 90)), pop3(QuotaSeen(95, 100)), pop3(ExpireZero())]
        found = list(other.enter(batch, NOW + 1))
        assert found == [
            CONFLICT,
            MailboxNearlyFull("main", "aiko", 95, 100, 61),
            KeptMailGrows("main", "aiko", 2, 61, 61 / 95),
            ExpireZero("main"),
        ]
        assert list(keeper.enter([*batch, deletes(1, kept=1)], NOW + 2)) == []
        assert [(row.kind, row.user) for row in store.audit.rows()] == [
            ("conflict", "aiko"),
            ("mailbox.nearly_full", "aiko"),
            ("kept.grows", "aiko"),
            ("expire_zero", ""),
        ]
        assert store.audit.rows(kind="conflict")[0].detail["deleted"] == 2
        assert [type(each) for each in keeper.enter([imap()], NOW + DAY + 1)] == [Conflict]


def test_a_finding_is_told_even_if_the_audit_cannot_be_written() -> None:
    books = Books(failing=("write", 1))
    entering = Bookkeeper(books).enter([imap(), deletes(2)], NOW)
    assert next(entering) == CONFLICT
    with pytest.raises(MemoryFailed):
        next(entering)


def test_a_full_mailbox_is_written_down_once_a_day() -> None:
    books = Books()
    keeper = Bookkeeper(books)
    full = Seen("imap", "main", "aiko", IMAP, OverQuota("imap APPEND"))
    quota = Seen("imap", "main", "aiko", IMAP, QuotaSeen(10 * MIB, 40 * MIB))
    for at in (NOW, NOW + HOUR, NOW + DAY):
        list(keeper.enter([quota, full], at))
    rows = [row for row in books.rows if row[1] == "over_quota"]
    assert [(row[0], row[2], row[3]) for row in rows] == [(NOW, "main", "aiko"), (NOW + DAY, "main", "aiko")]
    assert rows[0][4] == {"where": "imap APPEND", "client": IMAP}
    sizes = books.sizes("main", "aiko")
    assert sizes is not None
    assert sizes.used == 40 * MIB


def test_mail_that_does_not_fit_elsewhere_says_nothing_of_the_own_mailbox() -> None:
    books = Books()
    refused = Seen("smtp", "main", "aiko", IMAP, OverQuota("smtp RCPT"))
    quota = Seen("imap", "main", "aiko", IMAP, QuotaSeen(10 * MIB, 40 * MIB))
    list(Bookkeeper(books).enter([quota, refused], NOW))
    sizes = books.sizes("main", "aiko")
    assert sizes is not None
    assert sizes.used == 10 * MIB
    assert [row[1] for row in books.rows] == ["over_quota"]

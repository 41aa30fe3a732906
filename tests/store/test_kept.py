"""Kept mail in the store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailproxy.guards.memory import Kept, Mark, MemoryFailed, ViewKey
from mailproxy.store.kept import FORGET_SECONDS
from mailproxy.store.kept import USED_SECONDS as HOUR
from mailproxy.store.store import Store

AIKO = ViewKey("main", "aiko")
PHONE = ViewKey("main", "aiko", "192.0.2.7")
LAPTOP = ViewKey("main", "aiko", "192.0.2.8")

NOW = 1_700_000_000.25
DAY = 86400.0


def keep(store: Store, key: ViewKey, *uidls: bytes, now: float = NOW) -> None:
    store.kept.keep(key, [Mark(uidl, 100) for uidl in uidls], "keep-pop", now)


def kept(store: Store, key: ViewKey, now: float = NOW) -> set[bytes]:
    return set(store.kept.recall(key, now))


def test_what_is_kept_is_recalled(store: Store, other: Store) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 1200), Mark(b"u2", 2**40)], "keep-pop", NOW)
    expected = {b"u1": Kept(b"u1", 1200, NOW), b"u2": Kept(b"u2", 2**40, NOW)}
    assert store.kept.recall(AIKO, NOW) == expected
    assert other.kept.recall(AIKO, NOW) == expected
    types = [type(part) for part in other.kept.recall(AIKO, NOW)[b"u1"]]
    assert types == [bytes, int, float, float, bool]


@pytest.mark.parametrize(
    "uidls",
    [
        [b"abc", b"ABC", b"aBc"],
        [b"u", b"u ", b" u"],
        [bytes([octet]) for octet in range(256)],
        [b"\x00", b"\x00\x00", b""],
        [b"x" * 70, b"x" * 71, b"x" * 2000],
        [b"%", b"_", b"'", b'"', b"\\", b":which", b"?"],
    ],
    ids=["case", "blanks", "octets", "nul", "long", "marks"],
)
def test_uidls_are_octets(store: Store, uidls: list[bytes]) -> None:
    keep(store, AIKO, *uidls)
    assert kept(store, AIKO) == set(uidls)
    store.kept.forget(AIKO, uidls[:1], NOW)
    assert kept(store, AIKO) == set(uidls[1:])


@pytest.mark.parametrize(
    "stranger",
    [
        ViewKey("main", "Aiko"),
        ViewKey("main", "aiko "),
        ViewKey("other", "aiko"),
        PHONE,
        ViewKey("main", "%"),
        ViewKey("main", "a_ko"),
    ],
)
def test_views_are_apart(store: Store, stranger: ViewKey) -> None:
    keep(store, AIKO, b"u1")
    keep(store, stranger, b"u2")
    store.kept.forget(stranger, [b"u1"], NOW)
    assert kept(store, AIKO) == {b"u1"}
    assert kept(store, stranger) == {b"u2"}


@pytest.mark.parametrize(
    "user", ["愛子@example.jp", "O'Hara", "%s", ":user", "a\\xff", '"', "ü", "u\u0308", ""]
)
def test_any_name_is_a_user(store: Store, user: str) -> None:
    keep(store, ViewKey("main", user), b"u1")
    assert kept(store, ViewKey("main", user)) == {b"u1"}
    assert [row.user for row in store.kept.listing()] == [user]


def test_to_keep_again_tells_size_and_time_anew(store: Store) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 10)], "first", NOW, missing=[b"u1"])
    store.kept.keep(AIKO, [], "first", NOW, missing=[b"u1"])
    store.kept.purge("aiko")
    store.kept.keep(AIKO, [Mark(b"u1", 20)], "second", NOW + 5)
    assert store.kept.recall(AIKO, NOW) == {b"u1": Kept(b"u1", 20, NOW + 5, missing=0.0, due=False)}
    assert [row.rule for row in store.kept.listing()] == ["second"]


@pytest.mark.parametrize(("octets", "due"), [(10, True), (20, False)])
def test_what_is_due_stays_so_while_it_is_the_same_message(store: Store, octets: int, due: bool) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 10)], "first", NOW)
    store.kept.purge("aiko")
    store.kept.keep(AIKO, [Mark(b"u1", octets)], "second", NOW + 5)
    assert store.kept.recall(AIKO, NOW)[b"u1"].due is due


def test_one_uidl_marked_twice(store: Store) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 10), Mark(b"u1", 20)], "keep-pop", NOW)
    assert store.kept.recall(AIKO, NOW) == {b"u1": Kept(b"u1", 20, NOW)}


def test_missing_is_since_the_first_time(store: Store) -> None:
    keep(store, AIKO, b"u1", b"u2")
    store.kept.keep(AIKO, [], "", NOW + 1, missing=[b"u1", b"never-kept"])
    store.kept.keep(AIKO, [], "", NOW + 2, missing=[b"u1"])
    assert {row.uidl: row.missing for row in store.kept.recall(AIKO, NOW).values()} == {
        b"u1": NOW + 1,
        b"u2": 0.0,
    }
    store.kept.keep(AIKO, [], "", NOW + 3, found=[b"u1"])
    assert store.kept.recall(AIKO, NOW)[b"u1"] == Kept(b"u1", 100, NOW)


@pytest.mark.parametrize(("later", "left"), [(FORGET_SECONDS - 1, {b"u1", b"u2"}), (FORGET_SECONDS, {b"u2"})])
def test_what_is_missing_for_long_is_forgotten(store: Store, later: float, left: set[bytes]) -> None:
    keep(store, AIKO, b"u1", b"u2")
    store.kept.keep(AIKO, [], "", NOW, missing=[b"u1"])
    store.kept.keep(PHONE, [], "", NOW + later)
    assert kept(store, AIKO) == {b"u1", b"u2"}, "the other view has not looked"
    store.kept.keep(AIKO, [], "", NOW + later)
    assert kept(store, AIKO) == left


def test_what_comes_back_after_long_is_not_forgotten(store: Store) -> None:
    keep(store, AIKO, b"u1")
    store.kept.keep(AIKO, [], "", NOW, missing=[b"u1"])
    store.kept.keep(AIKO, [], "", NOW + 400 * DAY, found=[b"u1"])
    assert kept(store, AIKO) == {b"u1"}


def test_many(store: Store) -> None:
    """More than SQLite takes as parameters of one statement."""
    uidls = [b"%070d" % number for number in range(33_000)]
    keep(store, AIKO, *uidls)
    assert kept(store, AIKO) == set(uidls)
    assert store.kept.wanted_elsewhere(PHONE, uidls, 0.0) == set()
    store.kept.keep(AIKO, [], "", NOW, missing=uidls[:3_000])
    assert store.kept.total("main", "aiko") == (30_000, 3_000_000)
    store.kept.forget(AIKO, uidls[1:], NOW)
    assert kept(store, AIKO) == {uidls[0]}


# -- wanted elsewhere ---------------------------------------------------------------------


def test_a_mailbox_with_one_view_is_wanted_by_nobody_else(store: Store) -> None:
    keep(store, PHONE, b"u1")
    keep(store, ViewKey("main", "bo", "192.0.2.8"), b"u2")
    keep(store, ViewKey("other", "aiko", "192.0.2.8"), b"u2")
    assert store.kept.wanted_elsewhere(PHONE, [b"u1"], 0.0) == set()


def test_wanted_until_every_other_view_has_kept_it(store: Store) -> None:
    keep(store, PHONE, b"u1", b"u2", b"u3")
    keep(store, LAPTOP, b"u1", b"u2")
    keep(store, AIKO, b"u2", b"u3", b"U1")
    assert store.kept.wanted_elsewhere(PHONE, [b"u1", b"u2", b"u3"], 0.0) == {b"u1", b"u3"}
    assert store.kept.wanted_elsewhere(PHONE, [], 0.0) == set()


def test_a_view_that_keeps_nothing_wants_all(store: Store) -> None:
    keep(store, PHONE, b"u1")
    assert kept(store, LAPTOP) == set()
    assert store.kept.wanted_elsewhere(PHONE, [b"u1"], 0.0) == {b"u1"}


@pytest.mark.parametrize(("since", "wanted"), [(NOW + HOUR - 1, {b"u1"}), (NOW + HOUR, set())])
def test_a_view_that_is_not_used_wants_nothing(store: Store, since: float, wanted: set[bytes]) -> None:
    keep(store, PHONE, b"u1", now=NOW + 9)
    store.kept.recall(LAPTOP, NOW)
    store.kept.recall(LAPTOP, NOW - DAY)  # a clock that goes back does not make it older
    assert store.kept.wanted_elsewhere(PHONE, [b"u1"], since) == wanted


def test_the_last_use_of_a_view_is_noted_to_the_hour(store: Store) -> None:
    keep(store, PHONE, b"u1", now=NOW)
    store.kept.recall(LAPTOP, NOW)
    store.kept.recall(LAPTOP, NOW + HOUR - 1)  # only read
    assert store.kept.wanted_elsewhere(PHONE, [b"u1"], NOW + HOUR) == set()
    store.kept.recall(LAPTOP, NOW + HOUR)
    assert store.kept.wanted_elsewhere(PHONE, [b"u1"], NOW + HOUR) == {b"u1"}


# -- for the command line -----------------------------------------------------------------


@pytest.fixture
def full(store: Store) -> Store:
    """Three views of one mailbox, and two strangers."""
    keep(store, PHONE, b"u1", b"u2")
    keep(store, LAPTOP, b"u2")
    keep(store, AIKO, b"u2", b"u3")
    keep(store, ViewKey("main", "bo"), b"u2")
    keep(store, ViewKey("spare", "aiko"), b"u2")
    return store


def places(store: Store, **asked: str) -> list[tuple[str, str, str, bytes]]:
    return [(row.upstream, row.user, row.program, row.uidl) for row in store.kept.listing(**asked)]


EVERYTHING = [
    ("main", "aiko", "", b"u2"),
    ("main", "aiko", "", b"u3"),
    ("main", "aiko", "192.0.2.7", b"u1"),
    ("main", "aiko", "192.0.2.7", b"u2"),
    ("main", "aiko", "192.0.2.8", b"u2"),
    ("main", "bo", "", b"u2"),
    ("spare", "aiko", "", b"u2"),
]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, EVERYTHING),
        ({"user": "bo"}, EVERYTHING[5:6]),
        ({"upstream": "spare"}, EVERYTHING[6:]),
        ({"user": "aiko", "upstream": "main"}, EVERYTHING[:5]),
        ({"user": "nobody"}, []),
    ],
)
def test_listing(full: Store, asked: dict[str, str], expected: list[tuple[str, str, str, bytes]]) -> None:
    assert places(full, **asked) == expected


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        ({}, [0, 1, 2, 3, 4, 6]),
        ({"upstream": "main"}, [0, 1, 2, 3, 4]),
        ({"uidls": [b"u2", b"u2", b"other"]}, [0, 3, 4, 6]),
        ({"uidls": []}, []),
        ({"program": "192.0.2.7"}, [2, 3]),
        ({"program": "", "upstream": "main", "uidls": [b"u3", b"u1"]}, [1]),
        ({"upstream": "absent"}, []),
    ],
)
def test_restore(full: Store, asked: dict[str, object], gone: list[int]) -> None:
    assert full.kept.restore("aiko", **asked) == len(gone)  # type: ignore[arg-type]
    assert places(full) == [row for number, row in enumerate(EVERYTHING) if number not in gone]


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ({}, [0, 1, 2, 3, 4, 6]),
        ({"upstream": "main"}, [0, 1, 2, 3, 4]),
        ({"upstream": "main", "uidls": [b"u1", b"u1"]}, [2]),
        ({"uidls": []}, []),
    ],
)
def test_purge(full: Store, asked: dict[str, object], due: list[int]) -> None:
    assert full.kept.purge("aiko", **asked) == len(due)  # type: ignore[arg-type]
    assert [number for number, row in enumerate(full.kept.listing()) if row.due] == due
    assert full.kept.purge("aiko", **asked) == 0, "they are due already"  # type: ignore[arg-type]
    assert full.kept.recall(PHONE, NOW)[b"u1"].due is (2 in due)


def test_total_counts_each_message_once(full: Store) -> None:
    assert full.kept.total("main", "aiko") == (3, 300)
    full.kept.keep(AIKO, [], "", NOW, missing=[b"u2", b"u3"])
    assert full.kept.total("main", "aiko") == (2, 200), "u2 is still listed to the other views"
    assert full.kept.total("main", "nobody") == (0, 0)


# -- failures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "mark"),
    [
        (AIKO, Mark(b"bad", 2**63)),
        (ViewKey("main", "\ud800"), Mark(b"bad", 1)),
    ],
    ids=["size", "name"],
)
def test_what_fails_has_not_happened(store: Store, key: ViewKey, mark: Mark) -> None:
    keep(store, AIKO, b"u1")
    with pytest.raises(MemoryFailed, match="the store cannot be written"):
        store.kept.keep(key, [Mark(b"good", 1), mark], "keep-pop", NOW, missing=[b"u1"])
    assert store.kept.recall(AIKO, NOW) == {b"u1": Kept(b"u1", 100, NOW)}
    keep(store, AIKO, b"u2")
    assert kept(store, AIKO) == {b"u1", b"u2"}


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    calls: list[Callable[[], object]] = [
        lambda: store.kept.recall(AIKO, NOW),
        lambda: store.kept.keep(AIKO, [Mark(b"u1", 1)], "keep-pop", NOW),
        lambda: store.kept.forget(AIKO, [b"u1"], NOW),
        lambda: store.kept.wanted_elsewhere(AIKO, [b"u1"], NOW),
        lambda: store.kept.listing(),
        lambda: store.kept.restore("aiko"),
        lambda: store.kept.purge("aiko"),
        lambda: store.kept.total("main", "aiko"),
    ]
    for call in calls:
        with pytest.raises(MemoryFailed, match="closed"):
            call()

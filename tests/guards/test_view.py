"""What is hidden, and what is never hidden."""

from __future__ import annotations

from mailproxy.guards.maildrop import Listing
from mailproxy.guards.memory import Kept
from mailproxy.guards.view import compare, due

DAY = 86_400.0


def listing(*uidls: bytes) -> Listing:
    return Listing(range(1, len(uidls) + 1), [100] * len(uidls), uidls)


def kept(*uidls: bytes, octets: int = 100, since: float = 0.0, missing: float = 0.0) -> dict[bytes, Kept]:
    return {uidl: Kept(uidl, octets, since, missing) for uidl in uidls}


def test_what_is_kept_is_hidden() -> None:
    view = compare(listing(b"a", b"b", b"c"), kept(b"a", b"c"))
    assert list(view.hidden) == [1, 3]
    assert (view.missing, view.found, view.changed, view.churn) == (frozenset(), frozenset(), 0, False)


def test_uidls_differ_by_case() -> None:
    assert list(compare(listing(b"a", b"A"), kept(b"A")).hidden) == [2]


def test_a_uidl_that_two_messages_have_hides_neither() -> None:
    view = compare(listing(b"a", b"b", b"a"), kept(b"a", b"b"))
    assert list(view.hidden) == [2]
    assert view.ambiguous == {b"a"}


def test_a_uidl_that_belongs_to_a_message_of_another_size_hides_nothing() -> None:
    view = compare(listing(b"a", b"b"), kept(b"a", octets=99))
    assert (dict(view.hidden), view.changed) == ({}, 1)


def test_what_is_not_listed_any_more_is_missing_and_may_come_back() -> None:
    assert compare(listing(b"b"), kept(b"a", b"b")).missing == {b"a"}
    again = compare(listing(b"a", b"b"), kept(b"a", missing=5.0))
    assert (again.missing, again.found, list(again.hidden)) == (frozenset(), {b"a"}, [1])


def test_most_kept_mail_vanishing_at_once_is_churn() -> None:
    many = [b"%d" % number for number in range(10)]
    assert compare(listing(*many[:5]), kept(*many)).churn is False
    assert compare(listing(*many[:4]), kept(*many)).churn is True
    assert compare(listing(), kept(*many[:4])).churn is False  # too few to tell
    assert compare(listing(), kept(*many, missing=1.0)).churn is False  # that was told before


def test_what_is_due() -> None:
    rows = kept(b"a", since=0.0) | kept(b"b", since=5 * DAY)
    view = compare(listing(b"a", b"b"), rows)
    assert [message.uidl for message in due(view, rows, 7 * DAY, 8 * DAY)] == [b"a"]
    assert due(view, rows, None, 8 * DAY) == []
    assert due(view, rows, 7 * DAY, 7 * DAY - 1) == []


def test_an_operator_may_ask_for_it_at_once() -> None:
    rows = {b"a": Kept(b"a", 100, 0.0, due=True)}
    view = compare(listing(b"a"), rows)
    assert [message.uidl for message in due(view, rows, None, 1.0)] == [b"a"]


def test_after_a_churn_nothing_is_due() -> None:
    rows = {uidl: Kept(uidl, 100, 0.0, due=True) for uidl in (b"%d" % number for number in range(10))}
    view = compare(listing(b"1"), rows)
    assert view.churn
    assert list(view.hidden) == [1]
    assert due(view, rows, 1.0, DAY) == []


def test_what_is_not_hidden_is_never_due() -> None:
    rows = {b"a": Kept(b"a", 99, 0.0, due=True)}
    assert due(compare(listing(b"a"), rows), rows, 1.0, DAY) == []

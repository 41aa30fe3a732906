"""Each claim can fail, and fails alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailproxy.demo.outcome import Outcome, checks
from mailproxy.demo.programs import Downloaded
from mailproxy.store.kept import KeptRow

ONE, SENT, NEW = b"one", b"sent!", b"arrived"
ALL = [ONE, SENT, NEW]


def row(octets: bytes) -> KeptRow:
    return KeptRow("demo", "user", "", b"1.1", len(octets), 0.0, "pop3-keep", 0.0, False)


def outcome() -> Outcome:
    runs = [Downloaded([ONE, SENT], 2, 2), Downloaded([], 0, 0), Downloaded([NEW], 1, 1)]
    return Outcome(3, True, runs, 3, [row(each) for each in ALL], 3)


def failed(of: Outcome, seen: Sequence[bytes] = ALL, deletions: int = 0) -> set[int]:
    of.checks = checks(of, ALL, SENT, seen, deletions)
    return {number for number, check in enumerate(of.checks) if not check.held}


def test_all_of_it_is_true() -> None:
    played = outcome()
    assert failed(played) == set()
    assert played.came_true


def test_nothing_checked_or_trouble_is_no_success() -> None:
    assert not Outcome().came_true
    played = outcome()
    assert failed(played) == set()
    played.trouble = "it broke off"
    assert not played.came_true


@pytest.mark.parametrize(
    ("runs", "numbers"),
    [
        ([Downloaded([ONE], 1, 1), Downloaded([], 0, 0), Downloaded([NEW], 2, 2)], {0, 1}),
        ([Downloaded([ONE, SENT], 2, 2), Downloaded([], 0, 0), Downloaded([NEW, NEW], 1, 1)], {1}),
        ([Downloaded([ONE, SENT], 2, 2), Downloaded([], 0, 0), Downloaded([b"Arrived"], 1, 1)], {1}),
        ([Downloaded([ONE, SENT], 2, 2), Downloaded([NEW], 1, 1), Downloaded([], 0, 0)], {3}),
        ([Downloaded([ONE, SENT], 2, 1), Downloaded([], 0, 0), Downloaded([NEW], 1, 1)], {2}),
        ([Downloaded([ONE, SENT], 1, 1), Downloaded([], 0, 0), Downloaded([NEW], 1, 1)], {2}),
    ],
)
def test_what_the_pop3_program_has(runs: list[Downloaded], numbers: set[int]) -> None:
    played = outcome()
    played.runs = runs
    assert failed(played) == numbers
    assert not played.came_true


def test_a_deletion_that_was_heard() -> None:
    assert failed(outcome(), deletions=1) == {4}


@pytest.mark.parametrize("seen", [[], ALL[:2], [*ALL, ONE], [ONE, b"sent?", NEW], [SENT, ONE, NEW]])
def test_what_imap_sees(seen: list[bytes]) -> None:
    assert failed(outcome(), seen) == {5}


@pytest.mark.parametrize("kept", [[], [row(ONE), row(SENT)], [row(ONE), row(ONE), row(NEW)]])
def test_what_is_listed(kept: list[KeptRow]) -> None:
    played = outcome()
    played.kept = kept
    assert failed(played) == {6}


@pytest.mark.parametrize("restored", [0, 2, 4])
def test_what_comes_back(restored: int) -> None:
    played = outcome()
    played.restored = restored
    assert failed(played) == {7}

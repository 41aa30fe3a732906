"""The keys of SEARCH that can be answered from flags and numbers alone."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_search import Candidate, NotKnown, search

MESSAGES = [
    Candidate(1, 11, frozenset({b"\\Seen"})),
    Candidate(2, 12, frozenset({b"\\Deleted", b"$Junk"})),
    Candidate(3, 20, frozenset()),
]


def found(*said: bytes) -> list[int]:
    key = search(said, 3, 20)
    return [each.number for each in MESSAGES if key(each)]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (b"ALL", [1, 2, 3]),
        (b"seen", [1]),
        (b"UNSEEN UNDELETED", [3]),
        (b"NOT SEEN", [2, 3]),
        (b"OR SEEN DELETED", [1, 2]),
        (b"NOT ( SEEN DELETED )", [1, 2, 3]),
        (b"( ALL ( SEEN ) )", [1]),
        (b"UID 12:*", [2, 3]),
        (b"2:*", [2, 3]),
        (b"*", [3]),
        (b"KEYWORD $junk", [2]),
        (b"UNKEYWORD $Junk", [1, 3]),
        (b"CHARSET UTF-8 SEEN", [1]),
    ],
)
def test_keys(said: bytes, numbers: list[int]) -> None:
    assert found(*said.split()) == numbers


@pytest.mark.parametrize("said", [b"FROM aiko", b"NEW", b"SINCE 1-Jan-2026", b"NOT BODY x", b"MODSEQ 5"])
def test_what_only_the_texts_could_tell(said: bytes) -> None:
    with pytest.raises(NotKnown):
        found(*said.split())


@pytest.mark.parametrize("said", [b"", b"NOT", b"OR SEEN", b"( SEEN", b"UID", b"1:2:3", b"CHARSET UTF-8"])
def test_what_is_no_search(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"search key|set of"):
        found(*said.split())


def test_nesting_has_an_end() -> None:
    for said in (b"NOT " * 5000 + b"ALL", b"( " * 5000 + b"ALL" + b" )" * 5000):
        with pytest.raises(ValueError, match="too deep"):
            found(*said.split())


def test_flags_that_nobody_knows() -> None:
    key = search([b"SEEN"], 1, 1)
    with pytest.raises(NotKnown):
        key(Candidate(1, 1, None))

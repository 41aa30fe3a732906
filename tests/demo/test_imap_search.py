"""The keys of SEARCH."""

from __future__ import annotations

import pytest

from mailproxy.demo.imap_search import search
from mailproxy.demo.imap_words import Malformed, words
from mailproxy.demo.mailbox import Message

VIEW = [
    (1, Message(5, b"From: ann@example.com\r\nSubject: One\r\n\r\na\r\n", {"\\Seen"})),
    (2, Message(7, b"From: bob@example.com\r\nTo: ann@example.com\r\n\r\nb\r\n", {"\\Deleted"})),
    (3, Message(9, b"From: ann@example.com\r\nCc: bob@example.com\r\nX-Mark: yes\r\n\r\nc\r\n")),
]


def found(keys: str) -> list[int]:
    return [number for number, _ in search(words([keys.encode()]), VIEW)]


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [
        ("", [1, 2, 3]),
        ("ALL", [1, 2, 3]),
        ("CHARSET UTF-8 ALL", [1, 2, 3]),
        ("2:*", [2, 3]),
        ("1,3", [1, 3]),
        ("*", [3]),
        ("UID 7:*", [2, 3]),
        ("UID 1:6", [1]),
        ("SEEN", [1]),
        ("UNSEEN", [2, 3]),
        ("undeleted", [1, 3]),
        ("NOT SEEN", [2, 3]),
        ("NOT NOT SEEN", [1]),
        ("OR SEEN DELETED", [1, 2]),
        ("OR OR SEEN DELETED 3", [1, 2, 3]),
        ("FROM ANN", [1, 3]),
        ("TO ann", [2]),
        ("CC bob", [3]),
        ("SUBJECT one", [1]),
        ('HEADER X-Mark ""', [3]),
        ("HEADER X-Mark no", []),
        ("FROM ann UNSEEN", [3]),
        ("NOT (FROM ann UNSEEN)", [1, 2]),
        ("(SEEN) 1", [1]),
    ],
)
def test_keys(keys: str, numbers: list[int]) -> None:
    assert found(keys) == numbers


@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        ("XNEW", "the search key XNEW is not known here"),
        ("UNNEW", "not known here"),
        ("NOT", "a search key is missing"),
        ("OR SEEN", "a search key is missing"),
        ("FROM", "a search key lacks its argument"),
        ("UID", "a search key lacks its argument"),
        ("HEADER X", "a search key lacks its argument"),
    ],
)
def test_no_keys(keys: str, cause: str) -> None:
    with pytest.raises(Malformed, match=cause):
        found(keys)


def test_nothing_in_an_empty_mailbox() -> None:
    assert search(words([b"UID 1:*"]), []) == []

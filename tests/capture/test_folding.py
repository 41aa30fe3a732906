"""Messages as one line."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.capture.folding import Fold, parsed_subject, subject_of

MESSAGE = b"From: a@b.example\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n" + b"text\r\n" * 1000


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_message(size: int) -> None:
    fold = Fold("message", has_header=True)
    for start in range(0, len(MESSAGE), size):
        fold.feed(MESSAGE[start : start + size])
    digest = sha256(MESSAGE).hexdigest()
    assert (fold.octets, fold.subject, fold.digest) == (len(MESSAGE), "Grüße", digest)
    assert fold.text() == f"[message, {len(MESSAGE):,} octets, Subject: Grüße, sha256 {digest[:16]}…]"


def test_what_is_missing_is_named_and_has_no_digest() -> None:
    fold = Fold("message", has_header=True)
    fold.feed(MESSAGE[:70])
    fold.hole(12_000)
    fold.feed(b"end\r\n")
    assert fold.text() == "[message, 12,075 octets, 12,000 of them not in the capture, Subject: Grüße]"
    assert fold.digest == ""


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"INBOX", "[literal, 5 octets: INBOX]"), (b"", "[literal, 0 octets]"), (b"x", "[literal, 1 octet: x]")],
)
def test_short_literals_are_shown(octets: bytes, text: str) -> None:
    fold = Fold("literal", has_header=False)
    fold.feed(octets)
    assert fold.text() == text


def test_a_long_literal_is_not_shown() -> None:
    fold = Fold("literal", has_header=False)
    fold.feed(b"Subject: x\r\n\r\n" * 10)
    assert fold.text().startswith("[literal, 140 octets, sha256 ")


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"Subject: one\r\n two\r\n\r\n", "one two"),
        (b"\r\nSubject: below\r\n", ""),
        (b"", ""),
        (b"Subject: =?utf-8?B?????=\r\n", ""),
        (b"Subject: =?no-such-charset?Q?x?=\r\n", ""),
        (b"Subject: a\x1b]0;b\x07\r\n", "a\x1b]0;b\x07"),
    ],
)
def test_subjects(header: bytes, subject: str) -> None:
    assert subject_of(header) == subject


WORDS = b"Subject:|subject:|Subject|From: a|From x|A:|:|word| |\t|\r\n|\n|\r|\0|\x0c|\x1c|\xff|=?utf-8?Q?a?="


@given(st.lists(st.sampled_from(WORDS.split(b"|"))).map(b"".join))
def test_a_plain_subject_is_what_the_parser_says(header: bytes) -> None:
    assert subject_of(header) == parsed_subject(header)


def test_the_subject_is_that_of_all_octets_so_far() -> None:
    fold = Fold("message", has_header=True)
    fold.feed(b"Subject: half a li")
    assert fold.subject == "half a li"
    fold.feed(b"ne\r\n\r\nSubject: none, this is the body\r\n")
    assert fold.subject == "half a line"

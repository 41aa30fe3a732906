"""The words that may stay are the protocols' own."""

from __future__ import annotations

import pytest

from mailproxy.capture import anonymous_words
from mailproxy.proto import imap_verbs, pop3_verbs, smtp_verbs


@pytest.mark.parametrize("verbs", [imap_verbs.VERBS, pop3_verbs.VERBS, smtp_verbs.VERBS])
def test_every_verb_may_stay(verbs: dict[str, object]) -> None:
    assert {name.encode() for verb in verbs for name in verb.split()} <= anonymous_words.VERBS


@pytest.mark.parametrize(
    "name", ["VERBS", "IMAP", "SMTP", "SAID", "MIME", "HEADERS", "MAILBOXES", "CAPABILITIES"]
)
def test_all_are_in_capitals_and_no_number(name: str) -> None:
    listed = getattr(anonymous_words, name)
    assert listed
    assert all(word == word.upper() and not word.isdigit() for word in listed)


@pytest.mark.parametrize("word", [b"AIKO", b"EXAMPLE", b"MEETING", b"INVOICE", b"BANK", b"DEAR"])
def test_words_of_people_may_not(word: bytes) -> None:
    lists = [value for value in vars(anonymous_words).values() if isinstance(value, frozenset)]
    assert not any(word in listed for listed in lists)

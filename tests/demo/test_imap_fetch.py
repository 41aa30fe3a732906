"""The data items of FETCH."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailproxy.demo.imap_fetch import date, flags, items, marks_seen, moment, response
from mailproxy.demo.imap_words import Malformed, Word
from mailproxy.demo.mailbox import Message
from tests.demo.messages import PLAIN

ARRIVED = datetime(2026, 2, 7, 21, 52, 25, tzinfo=timezone(timedelta(hours=9)))
MESSAGE = Message(7, PLAIN, {"\\Seen", "\\Flagged"}, ARRIVED)
HEADER = PLAIN[: PLAIN.index(b"\r\n\r\n") + 4]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        (b"UID", ["UID"]),
        (b"fast", ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]),
        (b"ALL", ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"]),
        (b"FULL", ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]),
        ([b"UID", b"Flags"], ["UID", "Flags"]),
    ],
)
def test_names_and_macros(word: Word, names: list[str]) -> None:
    assert items(word) == names


@pytest.mark.parametrize(
    ("name", "seen"),
    [("BODY[]", True), ("body[text]", True), ("RFC822", True), ("RFC822.TEXT", True), ("BODY.PEEK[]", False)]
    + [(name, False) for name in ("RFC822.HEADER", "RFC822.SIZE", "BODY", "FLAGS")],
)
def test_a_body_that_is_not_peeked_at_is_seen(name: str, seen: bool) -> None:
    assert marks_seen(["UID", name]) is seen


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flags", b"FLAGS (\\Flagged \\Seen)"),
        ("UID", b"UID 7"),
        ("RFC822.SIZE", b"RFC822.SIZE %d" % len(PLAIN)),
        ("INTERNALDATE", b'INTERNALDATE "07-Feb-2026 21:52:25 +0900"'),
        ("BODY.PEEK[]", b"BODY[] {%d}\r\n%s" % (len(PLAIN), PLAIN)),
        ("RFC822", b"RFC822 {%d}\r\n%s" % (len(PLAIN), PLAIN)),
        ("RFC822.HEADER", b"RFC822.HEADER {%d}\r\n%s" % (len(HEADER), HEADER)),
        ("BODY[TEXT]", b"BODY[TEXT] {7}\r\nhello\r\n"),
        ("BODY[TEXT]<1.3>", b"BODY[TEXT]<1> {3}\r\nell"),
        ("BODY[]<9999.5>", b"BODY[]<9999> {0}\r\n"),
        ("BODY[9]", b"BODY[9] NIL"),
    ],
)
def test_items(name: str, said: bytes) -> None:
    assert response(3, MESSAGE, [name]) == b"* 3 FETCH (" + said + b")\r\n"


def test_structure_and_envelope() -> None:
    said = response(1, MESSAGE, ["UID", "ENVELOPE", "BODY", "BODYSTRUCTURE"])
    assert said.startswith(b"* 1 FETCH (UID 7 ENVELOPE (")
    assert b'"plain"' in said
    assert b" BODY (" in said
    assert b" BODYSTRUCTURE (" in said


@pytest.mark.parametrize("name", ["XNEW", "BODY[", "BODY[]<1>", "RFC822.NEW"])
def test_no_such_item(name: str) -> None:
    with pytest.raises(Malformed, match="does not exist"):
        response(1, MESSAGE, [name])


def test_dates_there_and_back() -> None:
    assert moment(date(ARRIVED).decode()) == ARRIVED
    assert moment(" 1-Jan-2026 00:00:00 +0000") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "1-Foo-2026 00:00:00 +0000", "1-Jan-2026", "32-Jan-2026 0:0:0 +0000"]
)
def test_no_date(written: str) -> None:
    with pytest.raises(Malformed, match="not a date"):
        moment(written)


def test_no_flags() -> None:
    assert flags(Message(1, b"")) == b"()"

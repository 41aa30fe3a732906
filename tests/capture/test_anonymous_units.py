"""Units in any pieces: as many octets come out as went in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailproxy.capture.anonymous_message import AnonymousMessage
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_units import Crossed, ImapUnit, Lines, MessageUnit, Unit

NAMES = Names(b"s" * 32)
FETCH = (
    b"* 1 FETCH (ZZ {4}\r\naiko BODY[] {25}\r\nSubject: aiko\r\n\r\nhello\r\n\r\n"
    b" BODY[1]<5> {5}\r\nTo: x BODY[2.MIME] {9}\r\nDate: x\r\n UID 5)\r\n"
)
FETCHED = (
    b"* 1 FETCH (" + NAMES.text(b"ZZ") + b" {4}\r\nxxxx BODY[] {25}\r\nSubject: xxxx\r\n\r\nxxxxx\r\n\r\n"
    b" BODY[1]<5> {5}\r\nxxx x BODY[2.MIME] {9}\r\nDate: x\r\n UID 5)\r\n"
)
APPEND = b"a APPEND {4}\r\naiko (\\Seen) {13}\r\nSubject: me\r\n\r\n"
APPENDED = b"a APPEND {4}\r\n" + NAMES.text(b"aiko") + b" (\\Seen) {13}\r\nSubject: xx\r\n\r\n"


def message() -> Unit:
    return MessageUnit(AnonymousMessage(NAMES))


CASES: list[tuple[str, Callable[[], Unit], bytes, bytes]] = [
    ("lines", lambda: Lines(bytes.upper), b"one\r\ntwo", b"ONE\r\nTWO"),
    ("crossed", Crossed, b"one\r\n", b"xxx\r\n"),
    ("message", message, b"Subject: a\r\n\r\nb", b"Subject: x\r\n\r\nx"),
    ("FETCH", lambda: ImapUnit(NAMES, "FETCH", server=True), FETCH, FETCHED),
    ("APPEND", lambda: ImapUnit(NAMES, "APPEND", server=False), APPEND, APPENDED),
    (
        "text",
        lambda: ImapUnit(NAMES, "", server=True, text=True),
        b"* OK ready {5}\r\n",
        b"* OK ready {5}\r\n",
    ),
    ("without an end", lambda: ImapUnit(NAMES, "NOOP", server=False), b"a NOOP", b"a NOOP"),
]


@pytest.mark.parametrize(
    ("make", "octets", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_any_pieces(make: Callable[[], Unit], octets: bytes, expected: bytes, size: int) -> None:
    unit = make()
    made = b"".join(unit.feed(octets[at : at + size]) for at in range(0, len(octets), size)) + unit.finish()
    if expected.startswith(b"* OK ready"):
        expected = b"* OK ready {" + NAMES.text(b"5") + b"}\r\n"
    assert made == expected


@pytest.mark.parametrize("make", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_what_was_held_comes_out_before_a_gap(make: Callable[[], Unit]) -> None:
    unit = make()
    made = unit.feed(b"Subject: ai") + unit.hole(10)
    assert len(made) == 11
    assert b"ai" not in made


def test_a_gap_in_a_literal() -> None:
    unit = ImapUnit(NAMES, "FETCH", server=True)
    unit.feed(b"* 1 FETCH (BODY[] {20}\r\nSubject: aiko")
    assert unit.hole(5) == b"xxxxxxxx xxxx"
    assert unit.feed(b"\r\n UID 5)\r\n") == b"\r\n UID 5)\r\n"


def test_a_long_line_is_not_held() -> None:
    unit = Lines(bytes.upper)
    assert sum(len(unit.feed(b"x" * 1000)) for _ in range(200)) > 100_000

"""What is long, folded or whole; however it is cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailproxy.capture.bulk import MOST_LINES, Bulk, Exact, Imap, Listed, Stuffed
from tests.capture.talks import Cut, byte_by_byte, whole

Make = Callable[[bool], Bulk]
MESSAGE = b"Subject: x\r\n\r\n..one\r\n.\r\n"


def told(bulk: Bulk, *said: bytes | int, cut: Cut = whole) -> list[str]:
    """The texts; a number is a hole of so many octets."""
    found = []
    for each in said:
        if isinstance(each, int):
            found += list(bulk.hole(each))
        else:
            found += [piece for data in cut(each) for piece in bulk.feed(data)]
    return [text for _, text, _ in [*found, *bulk.finish()]]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(
    ("make", "octets", "folded", "full"),
    [
        (lambda full: Stuffed("message", full), MESSAGE, 1, ["Subject: x", "", ".one"]),
        (lambda full: Stuffed("message", full), b".\r\n", 1, []),
        (lambda full: Exact("chunk", full), b"no line end", 1, ["no line end"]),
        (lambda full: Listed(full), b"1 5\r\n2 7\r\n.\r\n", 3, ["1 5", "2 7", "."]),
    ],
)
def test_folded_and_full(make: Make, octets: bytes, folded: int, full: list[str], cut: Cut) -> None:
    assert len(told(make(False), octets, cut=cut)) == folded
    assert told(make(True), octets, cut=cut)[: len(full)] == full


def test_a_message_is_undotted_before_it_is_measured() -> None:
    [text] = told(Stuffed("message", False), MESSAGE)
    assert text.startswith("[message, 20 octets, Subject: x, ")


def test_lists_are_cut_short() -> None:
    lines = [b"%d\r\n" % number for number in range(MOST_LINES + 1)]
    assert told(Listed(False), *lines)[-1] == "[1 more line]"
    assert told(Listed(False), *lines[:-1])[-1] == str(MOST_LINES - 1)
    assert told(Listed(False), *lines, b"x\r\n")[-1] == "[2 more lines]"


@pytest.mark.parametrize(
    ("verb", "line", "what"),
    [
        ("FETCH", b"* 1 FETCH (BODY[] {70}\r\n", "message"),
        ("FETCH", b"* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {70}\r\n", "header"),
        ("FETCH", b"* 1 FETCH (RFC822.HEADER {70}\r\n", "header"),
        ("FETCH", b"* 1 FETCH (BODY[1] {70}\r\n", "literal"),
        ("APPEND", b"a APPEND INBOX {70+}\r\n", "message"),
        ("APPEND", b"a APPEND {70}\r\n", "literal"),
        ("UID REPLACE", b"a UID REPLACE 4 INBOX ~{70}\r\n", "message"),
        ("UID REPLACE", b"a UID REPLACE 4 {70}\r\n", "literal"),
    ],
)
def test_what_a_literal_is(verb: str, line: bytes, what: str) -> None:
    lines = told(Imap(verb, False), line + b"y" * 70 + b")\r\n")
    assert lines[1].startswith(f"[{what}, 70 octets, ")
    assert lines[2] == ")"


def test_free_text_announces_no_literal() -> None:
    assert told(Imap("NOOP", False, text=True), b"* OK is this {5}\r\n", b"one\r\n") == [
        "* OK is this {5}",
        "one",
    ]


def test_holes() -> None:
    [text] = told(Stuffed("message", False), b"Subject: x\r\n", 100, b"y\r\n.\r\n")
    assert text == "[message, 115 octets, 100 of them not in the capture, Subject: x]"
    lines = told(Imap("", False), b"* 1 FETCH (BODY[] {100}\r\n", b"z" * 30, 60, b"z" * 10 + b")\r\n")
    assert lines[1:] == ["[message, 100 octets, 60 of them not in the capture]", ")"]
    assert told(Listed(True), b"1 5\r\n2", 5, b"\r\n") == ["1 5", "2", ""]

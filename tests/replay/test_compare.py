"""What is a difference, and which of them had to be."""

from __future__ import annotations

import pytest

from mailproxy.replay.compare import Difference, Setting, compare, shown
from mailproxy.replay.compare_answer import Answer

IMAP, POP3, SMTP = Setting("imap", "SELECT"), Setting("pop3", "RETR"), Setting("smtp", "NOOP")


def real(setting: Setting, captured: Answer, live: Answer) -> list[tuple[str, str, str]]:
    return [(one.what, one.captured, one.live) for one in compare(setting, captured, live) if not one.must]


def reasons(setting: Setting, captured: Answer, live: Answer) -> set[str]:
    return {one.must for one in compare(setting, captured, live)}


REAL = [
    (POP3, Answer("OK", b"x"), Answer("ERR", b"x"), [("status", "OK", "ERR")]),
    (POP3, Answer("OK", b"a"), Answer("OK", b"b"), [("text", "a", "b")]),
    (
        POP3,
        Answer("OK", b"", octets=5, digest="aa"),
        Answer("OK", b"", octets=5, digest="bb"),
        [("body", "5 octets, SHA-256 aa", "5 octets, SHA-256 bb")],
    ),
    (
        Setting("pop3", "UIDL"),
        Answer("OK", b"", [b"1 a", b"2 b"]),
        Answer("OK", b"", [b"1 a", b"2 c"]),
        [("response", "2 b", ""), ("response", "", "2 c")],
    ),
    (
        IMAP,
        Answer("OK", b"x", [b"3 EXISTS", b"OK [UIDVALIDITY 1] x"]),
        Answer("OK", b"x", [b"3 EXISTS", b"OK [UIDVALIDITY 2] x"]),
        [("response", "OK [UIDVALIDITY 1] x", ""), ("response", "", "OK [UIDVALIDITY 2] x")],
    ),
    (IMAP, Answer("OK", b"x", [b"A", b"A"]), Answer("OK", b"x", [b"A"]), [("response", "A", "")]),
    (
        Setting("imap", "CAPABILITY"),
        Answer("OK", b"x", [b"CAPABILITY IMAP4rev1 MOVE IDLE"]),
        Answer("OK", b"x", [b"CAPABILITY IDLE IMAP4rev1"]),
        [("capability", "MOVE", "")],
    ),
    (
        Setting("smtp", "EHLO"),
        Answer("250", b"", [b"a", b"SIZE 5", b"HELP"]),
        Answer("250", b"", [b"a", b"HELP", b"SIZE 6"]),
        [("capability", "SIZE 5", ""), ("capability", "", "SIZE 6")],
    ),
    (SMTP, Answer("250", b"", [b"ok"]), Answer("", b""), [("status", "250", "(none)")]),
]


@pytest.mark.parametrize(("setting", "captured", "live", "expected"), REAL)
def test_real_differences(
    setting: Setting, captured: Answer, live: Answer, expected: list[tuple[str, str, str]]
) -> None:
    assert real(setting, captured, live) == expected


@pytest.mark.parametrize(("setting", "captured", "live", "expected"), REAL)
def test_no_difference(setting: Setting, captured: Answer, live: Answer, expected: object) -> None:
    assert compare(setting, captured, captured) == []


MUST = [
    (SMTP, Answer("250", b"", [b"queued as AB12"]), Answer("250", b"", [b"queued as CD34"]), "times, ids"),
    (POP3, Answer("OK", b"in 5 ms"), Answer("OK", b"in 6 ms"), "times, ids"),
    (IMAP, Answer("OK", b"x", [b"1 RECENT"]), Answer("OK", b"x", [b"2 RECENT"]), "times, ids"),
    (Setting("imap", "LOGIN", login=True), Answer("OK", b"a"), Answer("OK", b"b"), "the login"),
    (
        Setting("imap", "FETCH", examined=True),
        Answer("OK", b"x", [rb"1 FETCH (FLAGS (\Seen) BODY[] {2}<a>)"]),
        Answer("OK", b"x", [b"1 FETCH (BODY[] {2}<a>)"]),
        "the mailbox was opened",
    ),
    (
        Setting("imap", "SELECT", changed=True),
        Answer("OK", b"x", [b"3 EXISTS"]),
        Answer("OK", b"x", [b"4 EXISTS"]),
        "the captured session",
    ),
    (
        Setting("imap", "NOOP", sequel=True),
        Answer("OK", b"x", [b"3 EXPUNGE"]),
        Answer("OK", b"x"),
        "commands before",
    ),
    (
        Setting("imap", "IDLE", idle=True),
        Answer("OK", b"x", [b"4 EXISTS", b"OK Still here"]),
        Answer("OK", b"x"),
        "what happens during IDLE",
    ),
    (Setting("pop3", "STAT", sequel=True), Answer("OK", b"1 5"), Answer("OK", b"2 9"), "commands before"),
    (Setting("pop3", "RETR", changed=True), Answer("OK", b""), Answer("ERR", b""), "the captured session"),
    (
        Setting("smtp", "EHLO", other_leg=True),
        Answer("250", b"", [b"a", b"STARTTLS"]),
        Answer("250", b"", [b"a", b"AUTH PLAIN"]),
        "it depends",
    ),
    (POP3, Answer(), Answer("OK", b"x"), "the capture has no reply"),
]


@pytest.mark.parametrize(("setting", "captured", "live", "why"), MUST)
def test_differences_that_must_be(setting: Setting, captured: Answer, live: Answer, why: str) -> None:
    found = reasons(setting, captured, live)
    assert len(found) == 1
    assert found.pop().startswith(why)


def test_a_reason_does_not_cover_what_it_does_not_explain() -> None:
    opened = Setting("imap", "FETCH", examined=True, sequel=True, changed=True)
    captured = Answer("OK", b"x", [b"1 FETCH (BODY[] {2}<a>)"])
    assert real(opened, captured, Answer("OK", b"x", [b"1 FETCH (BODY[] {2}<b>)"]))
    gone = Setting("pop3", "RETR", changed=True)
    assert real(gone, Answer("OK", b"", octets=1, digest="a"), Answer("OK", b"", octets=1, digest="b"))


def test_what_our_proxy_had_hidden() -> None:
    told, whole = (
        Answer("250", b"", [b"a", b"SIZE 5"]),
        Answer("250", b"", [b"a", b"SIZE 5", b"XCLIENT NAME"]),
    )
    assert compare(Setting("smtp", "EHLO", edited=True), told, whole) == []
    assert real(Setting("smtp", "EHLO"), told, whole) == [("capability", "", "XCLIENT NAME")]


def test_a_gap_is_no_difference() -> None:
    captured = Answer("OK", b"a", octets=5, digest="a", whole=False)
    assert compare(POP3, captured, Answer("OK", b"a", octets=9, digest="b")) == []
    assert compare(POP3, captured, Answer("ERR", b"a")) == [Difference("status", "OK", "ERR")]


def test_many_lines_are_counted() -> None:
    lines = [b"%d x" % number for number in range(9)]
    found = real(Setting("pop3", "UIDL"), Answer("OK", b"", lines), Answer("OK", b""))
    assert len(found) == 6
    assert found[-1] == ("response", "and 4 more", "")


def test_shown() -> None:
    assert shown(b"a\xff") == "a\\xff"
    assert shown(b"x" * 300) == "x" * 200 + "… (300 octets)"

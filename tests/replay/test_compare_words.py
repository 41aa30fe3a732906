"""What is left out of a comparison, and what is not."""

from __future__ import annotations

import pytest

from mailproxy.replay.compare_words import (
    flagless,
    masked,
    names_imap,
    names_pop3,
    names_smtp,
    of_the_leg,
    split_code,
    steady,
)

SAME = [
    (b"POP3 ready <1896.697170952@dbc.mtview.ca.us>", b"POP3 ready <5.1@dbc.mtview.ca.us>"),
    (b"2.0.0 Ok: queued as 4F3A91C0", b"2.0.0 Ok: queued as 9912ZZ"),
    (b"OK id=1vMxYz-0001-AB", b"OK id=1vMxYz-0002-CD"),
    (b"mx Exim 4.96 Sat, 22 Nov 2025 13:00:01 +0000", b"mx Exim 4.96 Sun, 23 Nov 2025 09:10:11 +0000"),
    (b"Fetch completed (0.001 + 0.000 secs).", b"Fetch completed (0.010 + 0.120 + 0.001 secs)."),
    (b"mail Hello x [127.0.0.1]", b"mail Hello x [192.0.2.7]"),
    (b"mail Hello x [IPv6:::1]", b"mail Hello x [192.0.2.7]"),
    (b"[APPENDUID 5 9] done", b"[APPENDUID 5 10] done"),
    (b"mx.example ESMTP a1b2c3d4e5f6.7 - gsmtp", b"mx.example ESMTP 9f8e7d6c5b4a.1 - gsmtp"),
]  # fmt: skip
DIFFERENT = [
    (b"2 messages", b"3 messages"),
    (b"Dovecot ready.", b"Cyrus ready."),
    (b"mail1.example.test", b"mail2.example.test"),
    (b"[UIDVALIDITY 5] ok", b"[UIDVALIDITY 6] ok"),
    (b"5.1.1 no such user", b"5.7.1 no such user"),
    (b"SIZE 20000000", b"SIZE 10000000"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_passes(one: bytes, other: bytes) -> None:
    assert masked(one) == masked(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_counts(one: bytes, other: bytes) -> None:
    assert masked(one) != masked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"3 RECENT", b"0 RECENT"),
        (rb"FLAGS (\Seen \Draft)", rb"FLAGS (\Draft \Seen)"),
        (rb"1 FETCH (UID 3 FLAGS (\Recent \Seen))", rb"1 FETCH (UID 3 FLAGS (\Seen))"),
        (b"STATUS INBOX (MESSAGES 3 RECENT 1)", b"STATUS INBOX (MESSAGES 3 RECENT 0)"),
        (b"OK it took 5 ms", b"OK it took 7 ms"),
    ],
)
def test_steady(one: bytes, other: bytes) -> None:
    assert steady(one) == steady(other)


def test_data_is_no_free_text() -> None:
    assert steady(b'1 FETCH (INTERNALDATE "12:00:01")') == b'1 FETCH (INTERNALDATE "12:00:01")'
    assert steady(rb"1 FETCH (FLAGS (\Seen))") != steady(rb"1 FETCH (FLAGS (\Deleted))")


def test_flagless() -> None:
    assert flagless(rb"1 FETCH (FLAGS (\Seen) BODY[] {2}<x>)") == b"1 FETCH (BODY[] {2}<x>)"
    assert flagless(rb"1 FETCH (UID 5 FLAGS ())") == b"1 FETCH (UID 5)"
    assert flagless(rb"FLAGS (\Seen)") == rb"FLAGS (\Seen)"


def test_codes() -> None:
    assert split_code(b"[CAPABILITY IMAP4rev1 IDLE] in") == (b"in", b"IMAP4rev1 IDLE")
    assert split_code(b"[READ-ONLY] in") == (b"[READ-ONLY] in", b"")


def test_names() -> None:
    assert names_imap(b"IMAP4rev1 idle X-NEW", hidden=False) == {b"IMAP4REV1", b"IDLE", b"X-NEW"}
    assert names_imap(b"IMAP4rev1 COMPRESS=DEFLATE X-NEW STARTTLS", hidden=True) == {b"IMAP4REV1"}
    assert names_pop3([b"TOP", b"SASL PLAIN LOGIN", b"."], hidden=False) == {
        b"TOP",
        b"SASL PLAIN",
        b"SASL LOGIN",
    }
    assert names_pop3([b"TOP", b"STLS", b"X-NEW", b"."], hidden=True) == {b"TOP"}
    lines = [b"mail.example", b"SIZE 5", b"AUTH=PLAIN", b"AUTH LOGIN", b"STARTTLS", b"X-NEW"]
    assert names_smtp(lines, hidden=False) == {
        *(b"SIZE 5", b"AUTH PLAIN", b"AUTH LOGIN", b"STARTTLS", b"X-NEW")
    }
    assert names_smtp(lines, hidden=True) == {b"SIZE 5", b"AUTH PLAIN", b"AUTH LOGIN"}


@pytest.mark.parametrize(
    ("name", "depends"), [(b"STARTTLS", True), (b"AUTH PLAIN", True), (b"AUTH=PLAIN", True), (b"IDLE", False)]
)
def test_of_the_leg(name: bytes, depends: bool) -> None:
    assert of_the_leg(name) is depends

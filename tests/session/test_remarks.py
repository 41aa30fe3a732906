"""What replies tell beside the answer."""

from __future__ import annotations

import pytest

from mailproxy.events import Deleted, Event, MailboxSeen, OverQuota, QuotaSeen
from mailproxy.proto.tokens import Reply
from mailproxy.session.remarks import Remarks


def ok(data: bytes = b"+OK\r\n") -> Reply:
    return Reply(data, "OK")


@pytest.fixture
def events() -> list[Event]:
    return []


def test_the_size_of_a_mailbox(events: list[Event]) -> None:
    Remarks("pop3", events.append).answered("STAT", ok(b"+OK 3 4000\r\n"))
    assert events == [MailboxSeen(3, 4000)]


def test_what_a_session_deleted(events: list[Event]) -> None:
    remarks = Remarks("pop3", events.append)
    for verb in ("DELE", "NOOP", "DELE", "QUIT"):
        remarks.answered(verb, ok())
    assert events == [Deleted(2, 0)]


def test_a_guard_knows_better_what_was_deleted(events: list[Event]) -> None:
    remarks = Remarks("pop3", events.append)
    remarks.guarded()
    for verb in ("DELE", "QUIT"):
        remarks.answered(verb, ok())
    assert events == []


def test_other_protocols_know_the_words_too(events: list[Event]) -> None:
    remarks = Remarks("smtp", events.append)
    for verb in ("RSET", "QUIT"):
        remarks.answered(verb, Reply(b"250 ok\r\n", "OK"))
    remarks.answered("RCPT", Reply(b"552 5.2.2 full\r\n", "552"))
    assert events == [OverQuota("smtp RCPT")]


def test_untagged_responses(events: list[Event]) -> None:
    remarks = Remarks("imap", events.append)
    remarks.unasked(Reply(b"* 3 EXISTS\r\n", "", b"*", final=False))
    remarks.unasked(Reply(b'* QUOTA "" (STORAGE 5 10)\r\n', "", b"*", final=False))
    assert events == [QuotaSeen(5 * 1024, 10 * 1024)]

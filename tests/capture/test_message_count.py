"""Which messages are counted."""

from __future__ import annotations

import pytest

from mailproxy.capture.conversations import Said
from mailproxy.capture.message_count import MessageCount, begins_fetched
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side
from tests.capture.talks import Talk, items

POP3 = "S: +OK\nC: USER a\nS: +OK\nC: PASS b\nS: +OK\n"
SMTP = (
    "S: 220 x\nC: EHLO y\nS: 250 x\nC: MAIL FROM:<a@b.example>\nS: 250 ok\n"
    "C: RCPT TO:<c@d.example>\nS: 250 ok\n"
)
IMAP = "S: * OK\nC: a LOGIN x y\nS: a OK\n"


@pytest.mark.parametrize(
    ("protocol", "said", "messages"),
    [
        ("pop3", "C: RETR 1\nS: +OK\nS: Subject: x\nS: .", 1),
        ("pop3", "C: RETR 1\nS: -ERR no such message", 0),
        ("pop3", "C: TOP 1 0\nS: +OK\nS: Subject: x\nS: .", 0),
        ("pop3", "C: LIST\nS: +OK\nS: 1 5\nS: .", 0),
        ("smtp", "C: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok", 1),
        ("smtp", "C: DATA\nS: 354 go\nC: x\nC: .\nS: 554 no", 0),
        ("smtp", "C: DATA\nS: 503 no", 0),
        ("smtp", "C: BDAT 3\nC: x\nS: 250 ok\nC: BDAT 3 last\nC: y\nS: 250 ok", 1),
        (
            "imap",
            "C: b FETCH 1:2 BODY[]\nS: * 1 FETCH (BODY[] {3}\nS: x\nS: )\nS: * 2 FETCH (BODY[] NIL)\nS: b OK",
            1,
        ),
        ("imap", "C: b APPEND INBOX {3+}\nC: x\nC: \nS: b OK", 1),
        ("imap", "C: b APPEND INBOX {3+}\nC: x\nC: \nS: b NO", 0),
    ],
)
def test_count(protocol: str, said: str, messages: int) -> None:
    count = MessageCount(protocol)
    opening = {"pop3": POP3, "smtp": SMTP, "imap": IMAP}[protocol]
    for item in items(Talk(protocol, opening + said)):
        if isinstance(item, Said):
            count.said(item.part)
    assert count.messages == messages


def test_a_message_in_one_packet_with_its_response() -> None:
    response = b"* 1 FETCH (BODY[] {3}\r\nx\r\n)\r\n"
    count = MessageCount("imap")
    count.said(Part(Side.SERVER, Kind.REPLY, response, 0.0, 1, 1, response, len(response)))
    assert count.messages == 1


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (b"* 1 FETCH (BODY[] {5}\r\n", True),
        (b"* 1 FETCH (UID 4 RFC822 {5}\r\n", True),
        (b"* 1 FETCH (BINARY[] ~{5}\r\n", True),
        (b"* 1 FETCH (body[]<0> {5}\r\n", True),
        (b"* 1 FETCH (BODY[HEADER] {5}\r\n", False),
        (b"* 1 FETCH (RFC822.HEADER {5}\r\n", False),
        (b"* 1 FETCH (BODY[] NIL)\r\n", False),
    ],
)
def test_what_begins_a_message(line: bytes, whole: bool) -> None:
    assert begins_fetched(line) is whole

"""Lines of POP3 and SMTP without names."""

from __future__ import annotations

import pytest

from mailproxy.capture import anonymous_lines as lines
from mailproxy.capture.anonymous_names import Names

NAMES = Names(b"s" * 32)


def name(text: bytes) -> bytes:
    return NAMES.text(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"USER aiko\r\n", b"USER " + name(b"aiko") + b"\r\n"),
        (b"user 5551234\r\n", b"user 5551234\r\n"),
        (b"PASS ****\r\n", b"PASS ****\r\n"),
        (b"RETR 12\r\n", b"RETR 12\r\n"),
        (b"AUTH CRAM-MD5\r\n", b"AUTH CRAM-MD5\r\n"),
        (b"AUTH aiko\r\n", b"AUTH " + name(b"aiko") + b"\r\n"),
        (b"AIKO hello\r\n", b"xxxx xxxxx\r\n"),
    ],
)
def test_pop3_commands(line: bytes, expected: bytes) -> None:
    if line.startswith(b"user 5"):
        expected = b"user " + name(b"5551234") + b"\r\n"
    assert lines.pop3_command(NAMES, line) == expected


@pytest.mark.parametrize(
    ("line", "verb", "expected"),
    [
        (
            b"+OK POP3 server ready <1.2@mx.jp>\r\n",
            "",
            b"+OK POP3 server ready <" + name(b"1.2@mx.jp") + b">\r\n",
        ),
        (b"+OK 2 320\r\n", "STAT", b"+OK 2 320\r\n"),
        (b"+OK 3 1.abc@x\r\n", "UIDL", b"+OK 3 " + name(b"1.abc@x") + b"\r\n"),
        (
            b"-ERR [SYS/TEMP] try later, aiko\r\n",
            "PASS",
            b"-ERR [SYS/TEMP] try later, " + name(b"aiko") + b"\r\n",
        ),
        (b"+ VXNlcm5hbWU6\r\n", "AUTH", b"+ VXNlcm5hbWU6\r\n"),
        (b"+ PDFAYWlrbz4=\r\n", "AUTH", b"+ xxxxxxxxxxx=\r\n"),
        (b"hello aiko\r\n", "", b"xxxxx xxxx\r\n"),
    ],
)
def test_pop3_replies(line: bytes, verb: str, expected: bytes) -> None:
    assert lines.pop3_reply(NAMES, line, verb) == expected


@pytest.mark.parametrize(
    ("line", "verb", "expected"),
    [
        (b"SASL PLAIN X-AIKO\r\n", "CAPA", b"SASL PLAIN " + name(b"X-AIKO") + b"\r\n"),
        (b"EXPIRE 0\r\n", "CAPA", b"EXPIRE 0\r\n"),
        (b"XAIKO 5\r\n", "CAPA", name(b"XAIKO") + b" 5\r\n"),
        (b".\r\n", "CAPA", b".\r\n"),
        (b"1 120\r\n", "LIST", b"1 120\r\n"),
        (b"1 120 aiko\r\n", "LIST", b"x xxx xxxx\r\n"),
        (b"1 aiko@x\r\n", "UIDL", b"1 " + name(b"aiko@x") + b"\r\n"),
        (b".\r\n", "UIDL", b".\r\n"),
    ],
)
def test_pop3_lists(line: bytes, verb: str, expected: bytes) -> None:
    assert lines.pop3_listed(NAMES, line, verb) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"EHLO pc.aiko.jp\r\n", b"EHLO " + name(b"pc.aiko.jp") + b"\r\n"),
        (
            b"MAIL FROM:<aiko@x.jp> SIZE=120 BODY=8BITMIME ENVID=aiko1\r\n",
            b"MAIL FROM:<"
            + name(b"aiko@x.jp")
            + b"> SIZE=120 BODY=8BITMIME ENVID="
            + name(b"aiko1")
            + b"\r\n",
        ),
        (b"MAIL FROM:<size@from.to>\r\n", b"MAIL FROM:<" + name(b"size@from.to") + b">\r\n"),
        (
            b"rcpt to:<bo@x> NOTIFY=NEVER ORCPT=rfc822;bo@x\r\n",
            b"rcpt to:<" + name(b"bo@x") + b"> NOTIFY=NEVER ORCPT=rfc822;" + name(b"bo@x") + b"\r\n",
        ),
        (b"BDAT 120 LAST\r\n", b"BDAT 120 LAST\r\n"),
        (b"VRFY aiko\r\n", b"VRFY " + name(b"aiko") + b"\r\n"),
        (b"*****\r\n", b"xxxxx\r\n"),
    ],
)
def test_smtp_commands(line: bytes, expected: bytes) -> None:
    assert lines.smtp_command(NAMES, line) == expected


@pytest.mark.parametrize(
    ("line", "verb", "expected"),
    [
        (b"220 mx.x.jp ESMTP Postfix\r\n", "", b"220 " + name(b"mx.x.jp") + b" ESMTP Postfix\r\n"),
        (b"250-mx.x.jp\r\n", "EHLO", b"250-" + name(b"mx.x.jp") + b"\r\n"),
        (b"250-SIZE 1000\r\n", "EHLO", b"250-SIZE 1000\r\n"),
        (b"250-AUTH PLAIN X-AIKO\r\n", "EHLO", b"250-AUTH PLAIN " + name(b"X-AIKO") + b"\r\n"),
        (b"250 LIMITS RCPTMAX=100\r\n", "EHLO", b"250 LIMITS RCPTMAX=100\r\n"),
        (
            b"250 2.1.5 Ok: queued as 4FZ9A\r\n",
            "DATA",
            b"250 2.1.5 Ok: queued as " + name(b"4FZ9A") + b"\r\n",
        ),
        (b"334 PDFAYWlrbz4=\r\n", "AUTH", b"334 xxxxxxxxxxx=\r\n"),
        (
            b"354 End data with <CR><LF>.<CR><LF>\r\n",
            "DATA",
            b"354 End data with <CR><LF>.<CR><LF>\r\n",
        ),
        (
            b"550 5.1.1 <bo@x>: unknown user\r\n",
            "RCPT",
            b"550 5.1.1 <" + name(b"bo@x") + b">: unknown user\r\n",
        ),
        (b"what is this\r\n", "", b"xxxx xx xxxx\r\n"),
    ],
)
def test_smtp_replies(line: bytes, verb: str, expected: bytes) -> None:
    assert lines.smtp_reply(NAMES, line, verb) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"DONE\r\n", b"DONE\r\n"),
        (b"*\r\n", b"*\r\n"),
        (b"YWlrbw==\r\n", b"xxxxxx==\r\n"),
        (b"****\r\n", b"****\r\n"),
    ],
)
def test_responses(line: bytes, expected: bytes) -> None:
    assert lines.response(line) == expected

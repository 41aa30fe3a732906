"""Conversations as lines for people."""

from __future__ import annotations

import textwrap
from hashlib import sha256

import pytest

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.dialogue import Dialogue, Line, introduction
from mailproxy.capture.model import Stream
from tests.capture.talks import Cut, Talk, byte_by_byte, items, overlapping, whole

LOGIN = """
S: +OK ready
C: USER aiko
S: +OK
C: PASS geheim
S: +OK
"""


def told(lines: list[Line]) -> list[str]:
    """``S +OK``, ``-- a note``."""
    return [f"{line.side.name[0] if line.side is not None else '--'} {line.text}" for line in lines]


def dialogue(
    protocol: str,
    text: str,
    *,
    full: bool = False,
    secrets: bool = False,
    cut: Cut = whole,
    session: str = "",
) -> list[str]:
    """All lines but the introduction and the end."""
    talk = Talk(protocol, textwrap.dedent(text), session=session, leg="client" if session else "")
    lines = list(Dialogue(full=full, secrets=secrets).lines(items(talk, cut=cut)))
    assert lines[0].kind == "session"
    return told(lines[1:-1])


def fold(what: str, message: bytes, subject: str = "") -> str:
    named = f"Subject: {subject}, " if subject else ""
    return f"[{what}, {len(message):,} octets, {named}sha256 {sha256(message).hexdigest()[:16]}…]"


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_a_message_is_folded_where_it_stands(cut: Cut) -> None:
    text = LOGIN + "C: RETR 1\nS: +OK\nS: Subject: x\nS: \nS: ..dot\nS: .\nC: QUIT\nS: +OK bye"
    assert dialogue("pop3", text, cut=cut) == [
        "S +OK ready",
        "C USER aiko",
        "S +OK",
        "C PASS ******",
        "S +OK",
        "C RETR 1",
        "S +OK",
        "S " + fold("message", b"Subject: x\r\n\r\n.dot\r\n", "x"),
        "C QUIT",
        "S +OK bye",
    ]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_a_message_is_whole_with_full(cut: Cut) -> None:
    text = LOGIN + "C: RETR 1\nS: +OK\nS: Subject: x\nS: \nS: ..dot\nS: ."
    lines = dialogue("pop3", text, full=True, cut=cut)
    message = fold("message", b"Subject: x\r\n\r\n.dot\r\n", "x")
    assert lines[7:] == ["S Subject: x", "S ", "S .dot", f"S {message}"]


def test_of_a_list_the_first_lines_are_shown() -> None:
    numbers = [f"{number} {number * 7}" for number in range(1, 31)]
    text = LOGIN + "C: UIDL\nS: +OK\n" + "\n".join(f"S: {line}" for line in numbers) + "\nS: ."
    folded = dialogue("pop3", text)[7:]
    assert folded == [f"S {line}" for line in numbers[:12]] + ["S [19 more lines]"]
    assert dialogue("pop3", text, full=True)[7:] == [f"S {line}" for line in [*numbers, "."]]


def test_smtp() -> None:
    text = """
        S: 220 mx.example
        C: EHLO x
        S: 250-mx.example
        S: 250 SIZE 5
        C: MAIL FROM:<a@b.example>
        S: 250 ok
        C: RCPT TO:<c@d.example>
        S: 250 ok
        C: DATA
        S: 354 go on
        C: Subject: x
        C: .
        S: 250 taken
        C: BDAT 3
        C: x
        S: 503 no
    """
    assert dialogue("smtp", text)[2:] == [
        "S 250-mx.example",
        "S 250 SIZE 5",
        "C MAIL FROM:<a@b.example>",
        "S 250 ok",
        "C RCPT TO:<c@d.example>",
        "S 250 ok",
        "C DATA",
        "S 354 go on",
        "C " + fold("message", b"Subject: x\r\n", "x"),
        "S 250 taken",
        "C BDAT 3",
        "C " + fold("chunk", b"x\r\n"),
        "S 503 no",
    ]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_imap_literals(cut: Cut) -> None:
    text = """
        S: * OK ready
        C: a LOGIN {4+}
        C: aiko {6+}
        C: geheim
        S: a OK
        C: b APPEND {5+}
        C: INBOX {14+}
        C: Subject: x
        C:\x20
        C:\x20
        S: b OK
        C: c FETCH 1 (BODY[] BODY[HEADER])
        S: * 1 FETCH (BODY[] {14}
        S: Subject: x
        S:\x20
        S:  BODY[HEADER] {14}
        S: Subject: y
        S:\x20
        S: )
        S: c OK
    """
    x, y = b"Subject: x\r\n\r\n", b"Subject: y\r\n\r\n"
    assert dialogue("imap", text, cut=cut) == [
        "S * OK ready",
        "C a LOGIN {4+}",
        "C [literal, 4 octets: ****]",
        "C  {6+}",
        "C [literal, 6 octets: ******]",
        "S a OK",
        "C b APPEND {5+}",
        "C [literal, 5 octets: INBOX]",
        "C  {14+}",
        "C " + fold("message", x, "x"),
        "S b OK",
        "C c FETCH 1 (BODY[] BODY[HEADER])",
        "S * 1 FETCH (BODY[] {14}",
        "S " + fold("message", x, "x"),
        "S  BODY[HEADER] {14}",
        "S " + fold("header", y, "y"),
        "S )",
        "S c OK",
    ]


def test_secrets_only_when_asked() -> None:
    text = "S: * OK ready\nC: a AUTHENTICATE PLAIN\nS: +\nC: AGFpa28AZ2VoZWlt\nS: a OK"
    assert "C ****************" in dialogue("imap", text)
    assert "C AGFpa28AZ2VoZWlt" in dialogue("imap", text, secrets=True)


def test_a_gap_in_a_message() -> None:
    text = LOGIN + "C: RETR 1\nS: +OK\nS: Subject: x\ngap S 12000\nS: end\nS: ."
    assert dialogue("pop3", text)[7:] == [
        "-- 12,000 octets of the server are not in the capture",
        "S [message, 12,017 octets, 12,000 of them not in the capture, Subject: x]",
    ]


def test_what_cannot_be_read_is_counted() -> None:
    text = LOGIN + "gap S 10\nS: a secret perhaps\nC: STAT"
    assert dialogue("pop3", text)[5:] == [
        "-- 10 octets of the server are not in the capture",
        "-- 18 octets of the server could not be read",
        "-- 6 octets of the client could not be read",
    ]
    dumped = dialogue("pop3", text, secrets=True)[6:]
    assert dumped[0] == "S 61 20 73 65 63 72 65 74 20 70 65 72 68 61 70 73  a secret perhaps"
    assert dumped[1].split() == ["S", "0d", "0a", ".."]


def test_starttls() -> None:
    text = "S: +OK\nC: STLS\nS: +OK go\nC: \\x16\\x03\\x01\\\nS: \\x16\\x03\\x01\\\nC: \\x17\\\nend cut"
    assert dialogue("pop3", text)[2:] == [
        "S +OK go",
        "-- TLS begins here",
        "-- 4 octets of the client in TLS",
        "-- 3 octets of the server in TLS",
    ]


def test_remarks_stand_in_their_place() -> None:
    text = """
        ! tls {"side": "client", "version": "TLSv1.3"}
        S: +OK
        C: DELE 1
        S: +OK
        ! verdict {"verb": "DELE", "verdict": "keep", "rule": "pop3-keep", "why": "read by IMAP too"}
        ! verdict {"verb": "DELE", "verdict": "forward"}
        C: QUIT
    """
    assert dialogue("pop3", text, session="s1") == [
        "-- TLS with the client: TLSv1.3",
        "S +OK",
        "C DELE 1",
        "S +OK",
        "-- keep by pop3-keep: read by IMAP too",
        "C QUIT",
    ]


def test_sessions_that_overlap() -> None:
    one, two = (Talk("pop3", "S: +OK\nC: STAT", number=number) for number in (1, 2))
    lines = list(Dialogue().lines(overlapping(one, two)))
    assert {line.conversation.number for line in lines[:4]} == {1, 2}
    for number in (1, 2):
        mine = [line for line in lines if line.conversation.number == number]
        assert told(mine)[1:] == ["S +OK", "C STAT", "-- the connection was closed"]


def test_the_introduction() -> None:
    stream = Stream(0, "192.0.2.1:40000", "198.51.100.9:995")
    text = introduction(Conversation(4, stream, "pop3", 1_700_000_000.5, "s1", "client", {}, tls=True))
    assert text == (
        "session 4, pop3, the client's leg of s1, 2023-11-14 22:13:20.500+00:00, "
        "192.0.2.1:40000 → 198.51.100.9:995, TLS from the start"
    )
    assert "at an impossible time" in introduction(Conversation(1, stream, "pop3", 1e300))


def test_a_message_of_any_size_is_not_held() -> None:
    talk = Talk("pop3", LOGIN + "C: RETR 1\nS: +OK\n" + "S: 0123456789\n" * 5000)
    lines = 0
    for line in Dialogue(full=True).lines(items(talk)):
        lines += line.kind == "body"
    assert lines == 5000

"""The SMTP server out of a recording."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.smtp import SmtpPlayer
from tests.player.recording import greeting, recorded, says

SESSION = """
S: 220 mx.example.test ESMTP
C: EHLO old
S: 250-mx.example.test
S: 250-SIZE 1000000
S: 250-STARTTLS
S: 250-XCLIENT NAME
S: 250-AUTH LOGIN GSSAPI
S: 250-CHUNKING
S: 250 PIPELINING
C: AUTH LOGIN YWlrbw==
S: 334 UGFzc3dvcmQ6
C: ********
S: 235 2.7.0 come in
C: MAIL FROM:<aiko@example.test> SIZE=100
S: 250 2.1.0 sender fine
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 bob is here
C: RCPT TO:<carol@example.test>
S: 553 5.1.1 no carol
C: DATA
S: 354 go
C: Subject: x
C:
C: ..
C: .
S: 250 2.0.0 queued as A1
C: MAIL FROM:<aiko@example.test>
S: 250 2.1.0 sender fine
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 bob is here
C: DATA
S: 354 go
C: Subject: spam
C: .
S: 550 5.7.1 that is spam
C: VRFY bob
S: 252 2.0.0 try
C: QUIT
S: 221 2.0.0 so long
"""


def player(store: BodyStore, session: str = SESSION, **terms: object) -> SmtpPlayer:
    made = SmtpPlayer(recorded("smtp", session, store), **terms)  # type: ignore[arg-type]
    assert greeting(made).startswith("220 ")
    return made


@pytest.fixture
def made(store: BodyStore) -> SmtpPlayer:
    return player(store)


def test_the_same_client_hears_the_same(made: SmtpPlayer) -> None:
    sent = [line[3:] for line in SESSION.splitlines() if line.startswith("C:")]
    heard = [line[3:] for line in SESSION.splitlines() if line.startswith("S:")][1:]
    said = [line for command in sent for line in says(made, command.replace("********", "cGFzcw==") + "\n")]
    assert said[:4] == ["250-mx.example.test", "250-SIZE 1000000", "250-CHUNKING", "250-PIPELINING"]
    assert said[4] == "250 AUTH LOGIN"
    assert said[5:] == heard[7:]
    assert made.closed
    assert made.notes == []


EHLO = "EHLO me\n"
TO_BOB = "MAIL FROM:<x@y>\nRCPT TO:<BOB@example.test>\n"


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (EHLO + "MAIL FROM:<AIKO@example.test> BODY=8BITMIME\n", "250 2.1.0 sender fine"),
        (EHLO + "MAIL FROM:<x@y>\n", "250 2.1.0 sender fine"),
        (EHLO + "MAIL aiko\n", "501 5.5.4 an address is missing"),
        (EHLO + "RCPT TO:<bob@example.test>\n", "503 5.5.1 MAIL first"),
        (EHLO + TO_BOB, "250 2.1.5 bob is here"),
        (EHLO + "MAIL FROM:<x@y>\nRCPT TO:<carol@example.test>\n", "553 5.1.1 no carol"),
        (EHLO + "MAIL FROM:<x@y>\nMAIL FROM:<x@y>\n", "503 5.5.1 one sender at a time"),
        (EHLO + "DATA\n", "503 5.5.1 MAIL and RCPT first"),
        (EHLO + "MAIL FROM:<x@y>\nRCPT TO:<carol@example.test>\nDATA\n", "503 5.5.1 MAIL and RCPT first"),
        (EHLO + TO_BOB + "DATA\nQUIT\n..\n.\n", "250 2.0.0 queued as A1"),
        (EHLO + TO_BOB + "BDAT 7 LAST\nab\ncd", None),
        (EHLO + TO_BOB + "BDAT 6 LAST\nab\ncd", "250 2.0.0 ok"),
        (EHLO + TO_BOB + "BDAT 0 LAST\n", "250 2.0.0 ok"),
        (EHLO + "BDAT 4\nab\nNOOP\n", "250 2.0.0 ok"),
        (EHLO + "VRFY bob\n", "252 2.0.0 try"),
        (EHLO + "VRFY eve\n", "252 2.1.5 not in the capture"),
        (EHLO + "RSET\n", "250 2.0.0 ok"),
        (EHLO + "STARTTLS\n", "502 5.5.1 no TLS here"),
        (EHLO + "ETRN x\n", "502 5.5.1 not in the capture"),
        ("HELO me\n", "250 localhost"),
        ("GET / HTTP/1.1\n", "502 5.5.1 not in the capture"),
    ],
)
def test_the_last_answer(made: SmtpPlayer, sent: str, heard: str | None) -> None:
    said = says(made, sent)
    assert said[-1] == (heard or "250 2.1.5 bob is here")


def test_messages_are_answered_in_their_order(made: SmtpPlayer) -> None:
    one = TO_BOB + "DATA\nx\n.\n"
    said = [line for line in says(made, EHLO + one + one + one) if "queued" in line or "spam" in line]
    assert said == ["250 2.0.0 queued as A1", "550 5.7.1 that is spam", "550 5.7.1 that is spam"]


def test_a_message_in_pieces_is_not_kept(made: SmtpPlayer) -> None:
    assert says(made, EHLO + TO_BOB + "DATA\n")[-1] == "354 go"
    for _ in range(100):
        assert says(made, b"x" * 10_000) == []
    assert says(made, "\n.\n") == ["250 2.0.0 queued as A1"]


def test_a_refused_data(store: BodyStore) -> None:
    session = (
        "S: 220 x\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\nS: 521 no mail\n"
    )
    said = says(player(store, session), "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nQUIT\n")
    assert said == ["250 ok", "250 ok", "521 no mail", "221 2.0.0 bye"]


def test_a_fixed_password(store: BodyStore) -> None:
    def check(password: str) -> list[str]:
        made = player(store, password=lambda user: b"sesame")
        word = b64encode(b"\0aiko\0" + password.encode()).decode()
        return says(made, EHLO + f"AUTH PLAIN {word}\n")[-1:]

    assert check("sesame") == ["235 2.7.0 come in"]
    assert check("other") == ["535 5.7.8 wrong user or password"]


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("AUTH GSSAPI\n", "504 5.5.4 this mechanism cannot be played"),
        ("AUTH PLAIN ===\n", "501 5.5.2 this is no response of that mechanism"),
        ("AUTH LOGIN\n*\n", "501 5.7.0 given up"),
        ("AUTH PLAIN AGEAYg==\nAUTH PLAIN AGEAYg==\n", "503 5.5.1 not now"),
    ],
)
def test_other_logins(made: SmtpPlayer, sent: str, heard: str) -> None:
    assert says(made, EHLO + sent)[-1] == heard


def test_starttls(store: BodyStore) -> None:
    made = player(store, tls="starttls")
    assert says(made, EHLO)[-1] == "250 STARTTLS"
    assert says(made, "STARTTLS\nMAIL FROM:<x@y>\n") == ["220 2.0.0 begin TLS"]
    assert made.wants_tls
    made.secured()
    assert not any("STARTTLS" in line for line in says(made, EHLO))
    assert says(made, "STARTTLS\n") == ["502 5.5.1 no TLS here"]


def test_lines_without_end(made: SmtpPlayer) -> None:
    assert says(made, b"A" * 100_000) == []
    assert says(made, "\nNOOP\n") == ["500 5.5.2 the line is too long", "250 2.0.0 ok"]


def test_a_chunk_without_a_size_ends_the_session(made: SmtpPlayer) -> None:
    assert says(made, EHLO + TO_BOB + "BDAT x\n")[-1].startswith("501 ")
    assert made.closed


def test_a_server_that_hangs_up(store: BodyStore) -> None:
    session = "S: 220 x\nC: EHLO a\nS: 250 x\nC: MAIL FROM:<a@b>\nS: 421 4.3.2 too busy\n"
    made = player(store, session)
    assert says(made, EHLO + "MAIL FROM:<a@b>\nNOOP\n") == ["250 x", "421 4.3.2 too busy"]
    assert made.closed

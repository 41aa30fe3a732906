"""DATA and BDAT, and the envelope that the server took."""

from __future__ import annotations

import pytest

from tests.capture.passed import passed
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

DATA = Talk(
    "smtp",
    r"""
    S: 220 x
    C: EHLO c
    S: 250 x
    C: MAIL FROM:<aiko@example.jp>
    C: RCPT TO:<bo@example.jp>
    C: RCPT TO:<cy@example.jp>
    C: DATA
    S: 250 ok
    S: 550 no
    S: 250 ok
    S: 354 go
    C: Subject: x
    C:
    C: ..dot
    C: .
    S: 250 taken
    C: MAIL FROM:<>
    S: 250 ok
    C: RCPT TO:<dee@example.jp>
    S: 250 ok
    C: DATA
    S: 554 no
    C: QUIT
    S: 221 bye
    """,
)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_data(cut: Cut) -> None:
    ((message, octets),) = passed(items(DATA, cut=cut))
    assert octets == b"Subject: x\r\n\r\n.dot\r\n"
    assert (message.verb, message.status, message.whole) == ("DATA", "250", True)
    assert (message.sender, message.recipients) == ("aiko@example.jp", ["cy@example.jp"])


BDAT = """
S: 220 x
C: EHLO c
S: 250 x
C: MAIL FROM:<aiko@example.jp>
S: 250 ok
C: RCPT TO:<bo@example.jp>
S: 250 ok
C: BDAT 7
C: hello\\
C: \\x0d\\x0a\\
C: BDAT 5 LAST
C: .end\\x0a\\
"""


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_chunks_that_are_pipelined(cut: Cut) -> None:
    replies = "S: 250 seven\nS: 250 taken\nC: QUIT\nS: 221 bye"
    ((message, octets),) = passed(items(Talk("smtp", BDAT + replies), cut=cut))
    assert octets == b"hello\r\n.end\n"
    assert (message.verb, message.status, message.whole) == ("BDAT", "250", True)
    assert message.recipients == ["bo@example.jp"]


def test_a_chunk_that_is_refused() -> None:
    talk = Talk("smtp", BDAT + "S: 552 too much\nS: 503 what\nC: RSET\nS: 250 ok")
    ((message, _),) = passed(items(talk))
    assert message.status == "552"


def test_an_empty_last_chunk() -> None:
    text = BDAT.replace("BDAT 5 LAST", "BDAT 0 LAST").replace("C: .end\\x0a\\\n", "")
    ((message, octets),) = passed(items(Talk("smtp", f"{text}S: 250 a\nS: 250 b")))
    assert (octets, message.whole) == (b"hello\r\n", True)


def test_a_message_that_is_cut_off() -> None:
    text = DATA.text.partition("    C: .\n")[0]
    ((message, octets),) = passed(items(Talk("smtp", text)))
    assert (octets, message.complete, message.status) == (b"Subject: x\r\n\r\n.dot\r\n", False, "")


def test_a_gap() -> None:
    text = DATA.text.replace("    C: ..dot\n", "    gap C 30\n    C: .end\n")
    ((message, octets),) = passed(items(Talk("smtp", text)))
    assert octets == b"Subject: x\r\n\r\n<gap 30>.end\r\n"
    assert (message.missing, message.complete, message.whole) == (30, True, False)

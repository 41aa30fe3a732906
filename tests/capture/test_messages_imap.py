"""FETCH, APPEND and REPLACE."""

from __future__ import annotations

import pytest

from tests.capture.passed import passed
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

FETCH = Talk(
    "imap",
    r"""
    S: * OK ready
    C: a SELECT "Old Mail"
    S: * 9 EXISTS
    S: a OK [READ-WRITE] done
    C: b UID FETCH 1:* (UID BODY.PEEK[])
    S: * 1 FETCH (ENVELOPE ("x UID 99 y" {3}
    S: BAR) UID 5 BODY[] {7}
    S: one
    S: \x0d\x0a FLAGS ())
    S: * OK still here {4}
    S: * 2 FETCH (BODY[] {4}
    S: .x
    S:  UID 6)
    S: * 3 FETCH (UID 7 BODY[HEADER.FIELDS (SUBJECT)] {4}
    S: ab
    S:  BODY[TEXT]<0> {2}
    S: cd)
    S: * 4 FETCH (UID 8 RFC822 {0}
    S: )
    S: * 5 FETCH (UID 9 BODY[] "a \"b\"")
    S: * 6 FETCH (UID 10 BINARY[] ~{3}
    S: \x00\x01\xff)
    S: b OK done
    """,
)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_fetch(cut: Cut) -> None:
    found = passed(items(FETCH, cut=cut))
    assert [(m.id, m.uid, m.partial, octets) for m, octets in found] == [
        ("1", "5", "", b"one\r\n\r\n"),
        ("2", "6", "", b".x\r\n"),
        ("3", "7", "BODY[HEADER.FIELDS (SUBJECT)]", b"ab\r\n"),
        ("3", "7", "BODY[TEXT]<0>", b"cd"),
        ("4", "8", "", b""),
        ("5", "9", "", b'a "b"'),
        ("6", "10", "", b"\0\1\xff"),
    ]
    assert {(m.mailbox, m.verb) for m, _ in found} == {("Old Mail", "FETCH")}
    assert all(message.whole for message, _ in found)


APPEND = Talk(
    "imap",
    r"""
    S: * OK ready
    C: a APPEND {5}
    S: + go
    C: Draft (\Seen) {4+}
    C: ab
    C:  (\Flagged) "17-Jul-1996 02:44:25 -0700" {3+}
    C: x
    C:
    S: a OK [APPENDUID 1 2:3] done
    C: b UID REPLACE 4 Drafts UTF8 (~{2+}
    C: \xff\x00)
    S: b OK done
    C: c APPEND x CATENATE (URL "/x" TEXT {2+}
    C: ab TEXT {1+}
    C: c)
    S: c OK done
    C: d APPEND x {4}
    S: d NO full
    """,
)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_append_and_replace(cut: Cut) -> None:
    found = passed(items(APPEND, cut=cut))
    assert [(m.verb, octets, m.whole) for m, octets in found] == [
        ("APPEND", b"ab\r\n", True),
        ("APPEND", b"x\r\n", True),
        ("REPLACE", b"\xff\0", True),
    ]


def test_a_gap() -> None:
    text = FETCH.text.partition("    S: * OK still")[0].replace(
        "{7}\n    S: one\n", "{57}\n    S: one\n    gap S 50\n"
    )
    ((message, octets),) = passed(items(Talk("imap", text)))
    assert octets == b"one\r\n<gap 50>\r\n"
    assert (message.missing, message.complete, message.whole) == (50, True, False)


def test_a_message_that_is_cut_off() -> None:
    text = FETCH.text.partition("    S: one")[0]
    ((message, octets),) = passed(items(Talk("imap", text)))
    assert (octets, message.complete) == (b"", False)

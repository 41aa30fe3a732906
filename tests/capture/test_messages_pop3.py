"""RETR and TOP."""

from __future__ import annotations

import pytest

from tests.capture.passed import passed
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

TALK = Talk(
    "pop3",
    r"""
    S: +OK ready
    C: RETR 1
    S: +OK 11 octets
    S: Subject: x
    S:
    S: ..dot
    S: .
    C: TOP 2 0
    C: RETR 3
    S: +OK
    S: Subject: y
    S: .
    S: -ERR no such message
    C: RETR 4
    S: +OK
    S: .
    """,
)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_messages(cut: Cut) -> None:
    found = passed(items(TALK, cut=cut))
    assert [(m.verb, m.id, m.partial, m.whole, octets) for m, octets in found] == [
        ("RETR", "1", "", True, b"Subject: x\r\n\r\n.dot\r\n"),
        ("TOP", "2", "TOP", True, b"Subject: y\r\n"),
        ("RETR", "4", "", True, b""),
    ]


def test_a_gap_and_an_end_that_is_missing() -> None:
    talk = Talk(
        "pop3",
        """
        S: +OK
        C: RETR 1
        S: +OK
        S: one
        gap S 50
        S: end
        S: .
        C: RETR 2
        S: +OK
        S: two
        end cut
        """,
    )
    found = passed(items(talk))
    assert [(m.id, m.missing, m.complete, octets) for m, octets in found] == [
        ("1", 50, True, b"one\r\n<gap 50>end\r\n"),
        ("2", 0, False, b"two\r\n"),
    ]
    assert not any(message.whole for message, _ in found)

"""Whole conversations without names: the same parts, each with as many octets."""

from __future__ import annotations

import pytest

from mailproxy.capture.anonymous import Anonymous, Replaced
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.conversations import Item, Said
from mailproxy.capture.parts import Kind
from mailproxy.proto.tokens import Side
from tests.capture import test_messages_imap, test_messages_pop3, test_messages_smtp, test_profiling
from tests.capture.anonymity import left_in, said
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

TALKS = [
    test_messages_imap.APPEND,
    test_messages_imap.FETCH,
    test_messages_pop3.TALK,
    test_messages_smtp.DATA,
    Talk("smtp", test_messages_smtp.BDAT + "S: 250 seven\nS: 250 taken\nC: QUIT\nS: 221 bye"),
    test_profiling.POP,
    Talk(
        "pop3",
        "S: +OK\nC: USER x\nS: +OK\nC: RETR 1\nS: +OK\nS: To: aiko\\\ngap S 9\nS: bo\nS: .",
    ),
]


def replaced(found: list[Item], protocol: str) -> list[Replaced]:
    anonymous = Anonymous(protocol, Names(b"s" * 32))
    made = [one for item in found if isinstance(item, Said) for one in anonymous.said(item.part)]
    return made + anonymous.finish()


@pytest.mark.parametrize("talk", TALKS, ids=range(len(TALKS)))
@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_the_same_parts_in_the_same_order(talk: Talk, cut: Cut) -> None:
    found = items(talk, cut=cut)
    parts = [item.part for item in found if isinstance(item, Said) and item.part.kind is not Kind.STARTTLS]
    made = replaced(found, talk.protocol)
    assert [(one.side, len(one.data) or one.hole, one.time) for one in made] == [
        (part.side, part.octets, part.time) for part in parts
    ]
    assert left_in(b"\n".join(one.data for one in made), said(found)) == set()


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_a_dialogue(cut: Cut) -> None:
    names = Names(b"s" * 32)
    made = replaced(items(test_profiling.POP, cut=cut), "pop3")
    server = b"".join(one.data for one in made if one.side is Side.SERVER)
    client = b"".join(one.data for one in made if one.side is Side.CLIENT)
    assert client.startswith(b"CAPA\r\nUSER " + names.word(b"aiko") + b"\r\nPASS ********\r\n")
    assert b"+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n" in server
    assert b"\r\n1 20\r\n2 30 odd\r\n".replace(b"2 30 odd", b"x xx xxx") in server
    assert b"\r\n1 " + names.word(b"aaa") + b"\r\n" in server
    assert (
        b"Message-ID: <" + names.text(b"one@example.jp") + b">\r\n\r\nxxxxxxxxxxx xxxxxxxxxxxxxxx\r\n.\r\n"
        in server
    )


def test_tls_is_a_gap() -> None:
    talk = Talk("pop3", "S: +OK\nC: STLS\nS: +OK go\nC: \\x16\\x03\\x01abc\\")
    made = replaced(items(talk), "pop3")
    assert [(one.data, one.hole) for one in made][-1] == (b"", 6)


def test_what_cannot_be_read_is_crossed_out() -> None:
    made = replaced(items(Talk("imap", "S: * OK\nC: a NOOP\nS: hello aiko\nS: bye")), "imap")
    assert b"".join(one.data for one in made)[-19:] == b"\r\nxxxxxxxxxx\r\nxxx\r\n"


def test_a_line_without_an_end_does_not_hold_the_other_side_for_ever() -> None:
    anonymous = Anonymous("smtp", Names(b"s" * 32))
    text = "S: 220 x\nC: EHLO c\nS: 250 x\nC: BDAT 2000009\nC: Subject: x\\\n"
    for item in items(Talk("smtp", text)):
        if isinstance(item, Said):
            anonymous.said(item.part)
    assert sum(len(one.data) for one in anonymous.finish()) == 10

"""Messages without names and texts."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from mailproxy.capture.anonymous_message import AnonymousMessage
from mailproxy.capture.anonymous_names import Names
from tests.capture.anonymity import left_in

NAMES = Names(b"s" * 32)
MESSAGE = b"""\
From: Aiko Tanaka <aiko@example.jp>
Subject: Invoice
Content-Type: multipart/mixed; boundary="outer-Fence"

Preamble for nobody
--outer-Fence
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe from=
 Hamburg
--outer-Fence-not
--outer-Fence
Content-Type: message/rfc822

Subject: Forwarded secret
Content-Type: text/html

<b>hidden</b>
--outer-Fence
Content-Type: application/pdf; name="Invoice-Mai.pdf"
Content-Transfer-Encoding: base64

SW52b2ljZQ==
--outer-Fence--
Epilogue
""".replace(b"\n", b"\r\n")


def replaced(message: bytes, size: int, *, header: bool = True) -> bytes:
    anonymous = AnonymousMessage(NAMES, header=header)
    pieces = (message[at : at + size] for at in range(0, len(message), size))
    return b"".join([*(anonymous.feed(piece) for piece in pieces), anonymous.finish()])


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_nothing_stays_but_the_structure(size: int) -> None:
    made = replaced(MESSAGE, size)
    assert [len(line) for line in made.split(b"\r\n")] == [len(line) for line in MESSAGE.split(b"\r\n")]
    assert left_in(made, MESSAGE) == set()
    old, new = message_from_bytes(MESSAGE), message_from_bytes(made)
    assert [part.get_content_type() for part in new.walk()] == [
        part.get_content_type() for part in old.walk()
    ]
    assert [part.keys() for part in new.walk()] == [part.keys() for part in old.walk()]
    assert made == replaced(MESSAGE, 10_000)


def test_bodies() -> None:
    assert replaced(b"From: x\r\n\r\n..", 3, header=False) == b"xxxxx x\r\n\r\n.."
    assert replaced(b"", 1) == b""


def test_encodings_stay() -> None:
    made = replaced(MESSAGE, 999)
    assert b"xx=78=78=78=78x xxxx=\r\n" in made
    assert b"\r\nxxxxxxxxxx==\r\n" in made


def test_a_long_line_is_not_held() -> None:
    anonymous = AnonymousMessage(NAMES)
    given = sum(len(anonymous.feed(b"Subject" * 100)) for _ in range(100))
    assert given > 60_000
    assert given + len(anonymous.finish()) == 70_000


def test_a_gap() -> None:
    anonymous = AnonymousMessage(NAMES)
    assert anonymous.feed(b"Subject: a\r\nTo: ai") + anonymous.hole() == b"Subject: x\r\nxxx xx"
    assert anonymous.feed(b"ko\r\nDate: x\r\n") == b"xx\r\nxxxxx x\r\n"


def test_the_rest_of_a_line_that_was_cut_is_no_field() -> None:
    anonymous = AnonymousMessage(NAMES)
    cut = anonymous.feed(b"Subject: a\r\nX-Aiko") + anonymous.finish()
    rest = anonymous.feed(b"-Tanaka: b\r\nMIME-Version: 1.0\r\n")
    assert cut + rest == b"Subject: x\r\nxxxxxxxxxxxxxx x\r\nMIME-Version: 1.0\r\n"

"""Header fields without what they say of people."""

from __future__ import annotations

import pytest

from mailproxy.capture.anonymous_header import Header, Learned
from mailproxy.capture.anonymous_names import Names

NAMES = Names(b"s" * 32)


def replaced(*lines: bytes) -> list[bytes]:
    header = Header(NAMES, Learned())
    made = [header.line(line) for line in lines]
    assert [len(line) for line in made] == [len(line) for line in lines]
    return made


def name(text: bytes) -> bytes:
    return NAMES.text(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Subject: Message accepted, dear Aiko\r\n", b"Subject: xxxxxxx xxxxxxxxx xxxx xxxx\r\n"),
        (b"Date: Thu, 22 Aug 2013 21:14:44 +0200\r\n", b"Date: Thu, 22 Aug 2013 21:14:44 +0200\r\n"),
        (b"Date: when Aiko comes\r\n", b"Date: xxxx xxxx xxxxx\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\n"),
        (b'From: "Aiko T." <aiko@x.jp>\r\n', b'From: "xxxx xx" <' + name(b"aiko@x.jp") + b">\r\n"),
        (b"To: aiko@x.jp, Bo:;\r\n", b"To: " + name(b"aiko@x.jp") + b", xx:;\r\n"),
        (b"message-id: <1.a@x.jp>\r\n", b"message-id: <" + name(b"1.a@x.jp") + b">\r\n"),
        (
            b'Content-Type: Multipart/mixed; boundary="=_aiko"\r\n',
            b'Content-Type: Multipart/mixed; boundary="' + name(b"=_aiko") + b'"\r\n',
        ),
        (
            b"Content-Disposition: attachment; filename=plan.pdf\r\n",
            b"Content-Disposition: attachment; filename=" + name(b"plan.pdf") + b"\r\n",
        ),
        (b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: base64\r\n"),
        (b"X-Acme-Secret: plan\r\n", b"X-" + name(b"Acme-Secret") + b": xxxx\r\n"),
        (b"no field at all\r\n", b"xx xxxxx xx xxx\r\n"),
        (b".\r\n", b".\r\n"),
        (
            b"Received: from pc.x.jp by mx.x.jp with ESMTP; Thu, 22 Aug 2013 21:14:44 +0200\r\n",
            b"Received: from " + name(b"pc.x.jp") + b" by " + name(b"mx.x.jp")
            + b" with ESMTP; Thu, 22 Aug 2013 21:14:44 +0200\r\n",
        ),
    ],
)  # fmt: skip
def test_fields(line: bytes, expected: bytes) -> None:
    assert replaced(line) == [expected]


def test_folded_fields() -> None:
    assert replaced(b"Subject: one\r\n", b"\ttwo aiko@x.jp\r\n", b"To:\r\n", b" aiko@x.jp\r\n") == [
        b"Subject: xxx\r\n",
        b"\txxx xxxxxxxxx\r\n",
        b"To:\r\n",
        b" " + name(b"aiko@x.jp") + b"\r\n",
    ]


def test_what_a_header_says_of_its_body() -> None:
    learned = Learned()
    header = Header(NAMES, learned)
    header.line(b"Content-Type: multipart/mixed;\r\n")
    header.line(b' boundary="b1"\r\n')
    header.line(b"Content-Transfer-Encoding: Quoted-Printable\r\n")
    assert (learned.boundaries, learned.quoted_printable, learned.message) == ({b"b1"}, True, False)
    Header(NAMES, learned).line(b"Content-Type: message/rfc822\r\n")
    assert (learned.boundaries, learned.quoted_printable, learned.message) == ({b"b1"}, False, True)

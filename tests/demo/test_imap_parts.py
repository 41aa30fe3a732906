from __future__ import annotations

import pytest

from mailproxy.demo.imap_parts import children, envelope, section, structure

ONE = b"Content-Type: text/plain; charset=utf-8\r\n\r\nfirst\r\n"
INNER = b"Subject: inner\r\n\r\ninside"
TWO = b"Content-Type: message/rfc822\r\n\r\n" + INNER
MANY = (
    b'From: "A B" <a@example.com>\r\nSubject: many\r\n parts\r\nTo: b@example.com\r\n'
    b'Content-Type: multipart/mixed; boundary="x.y"\r\n\r\npreamble\r\n'
    b"--x.y\r\n" + ONE + b"\r\n--x.y\r\n" + TWO + b"\r\n--x.y--\r\n"
)
FLAT = b"Subject: flat\r\nX-Long: a\r\n b\r\n\r\ntext\r\n"


def test_children() -> None:
    assert children(MANY) == [ONE, TWO]
    assert children(FLAT) == []


@pytest.mark.parametrize(
    ("octets", "name", "found"),
    [
        (FLAT, "", FLAT),
        (FLAT, "HEADER", FLAT[:-6]),
        (FLAT, "TEXT", b"text\r\n"),
        (FLAT, "1", b"text\r\n"),
        (FLAT, "2", None),
        (FLAT, "HEADER.FIELDS (X-LONG None)", b"X-Long: a\r\n b\r\n\r\n"),
        (FLAT, "HEADER.FIELDS.NOT (x-long)", b"Subject: flat\r\n\r\n"),
        (FLAT, "NONSENSE", None),
        (FLAT, "%", None),
        (MANY, "1", b"first\r\n"),
        (MANY, "1.MIME", ONE[:-7]),
        (MANY, "2", INNER),
        (MANY, "2.HEADER", b"Subject: inner\r\n\r\n"),
        (MANY, "2.TEXT", b"inside"),
        (MANY, "0", None),
    ],
)
def test_section(octets: bytes, name: str, found: bytes | None) -> None:
    assert section(octets, name) == found


def test_envelope() -> None:
    person = b'(("A B" NIL "a" "example.com"))'
    assert envelope(MANY) == (
        b'(NIL "many parts" ' + b" ".join([person] * 3) + b' ((NIL NIL "b" "example.com")) NIL NIL NIL NIL)'
    )


def test_structure() -> None:
    assert structure(MANY) == (
        b'(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 7 1)'
        b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 24 '
        b'(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 6 0) 2) "MIXED")'
    )

"""Text of which only the shape stays."""

from __future__ import annotations

import pytest

from mailproxy.capture.anonymous_text import crossed_out, crossed_words, is_date


@pytest.mark.parametrize(
    ("text", "crossed"),
    [
        (b"Dear Aiko,\r\n\tbye.\r\n", b"xxxx xxxxx\r\n\txxxx\r\n"),
        (b"..dot\r\n.\r\na.b\n.\n\0.\r", b"..xxx\r\n.\r\nxxx\n.\n\0.\r"),
        ("bär 日本 😀".encode(), b"x\xc3\x97x \xe2\x97\x97\xe2\x97\x97 \xf0\x97\x97\x97"),
        (b"SGVsbG8gd29ybGQ+/w==\r\n", b"xxxxxxxxxxxxxxxxxx==\r\n"),
        (b"-- \r\n", b"xx \r\n"),
    ],
)
def test_crossed_out(text: bytes, crossed: bytes) -> None:
    assert crossed_out(text) == crossed


def test_utf_8_stays_utf_8() -> None:
    text = "bär 日本 😀"
    assert len(crossed_out(text.encode()).decode()) == len(text)


def test_quoted_printable_stays_such() -> None:
    assert crossed_out(b"=C3=A4 x=\r\n", quoted_printable=True) == b"=78=78 x=\r\n"


def test_a_dot_in_the_middle_of_a_line() -> None:
    assert crossed_out(b".a\r\n.", starts=False) == b"xx\r\n."


@pytest.mark.parametrize(
    ("value", "crossed"),
    [
        (b" =?utf-8?B?YWJj?= Hello", b" =?utf-8?B?xxxx?= xxxxx"),
        (b"=?aiko-secret?Q?abc?=", b"=xxxxxxxxxxxxxxxxxxx="),
    ],
)
def test_encoded_words(value: bytes, crossed: bytes) -> None:
    assert crossed_words(value, frozenset({b"UTF-8"})) == crossed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" Thu, 22 Aug 2013 21:14:44 +0200", True),
        (b"17-Jul-1996 02:44:25 -0700", True),
        (b"Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n", True),
        (b"Thu, 22 Aug 2013 21:14:44 +0200 (call Aiko)", False),
        (b"tomorrow", False),
        (b"", False),
    ],
)
def test_dates(text: bytes, expected: bool) -> None:
    assert is_date(text) is expected

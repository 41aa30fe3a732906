"""The quoting of an mbox, in any pieces, and back."""

from __future__ import annotations

import re

import pytest

from mailproxy.capture.mbox import Quoted, from_line

MESSAGES = [
    (b"From: x\r\n\r\nFrom here\r\n", b"From: x\n\n>From here\n\n"),
    (b"From here\r\n>From there\r\n>>From\r\n", b">From here\n>>From there\n>>From\n\n"),
    (b"no end", b"no end\n\n"),
    (b"bare\rCR and bare\nLF\r\r\n", b"bare\rCR and bare\nLF\r\n\n"),
    (b"", b"\n"),
    (b"away From me\r\nFro\r\nFrom\r\n", b"away From me\nFro\nFrom\n\n"),
    (b">" * 9000 + b"\r\nFrom x\r\n", b">" * 9000 + b"\n>From x\n\n"),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 1000])
def test_any_pieces(message: bytes, expected: bytes, size: int) -> None:
    quoted = Quoted()
    pieces = (message[at : at + size] for at in range(0, len(message), size))
    assert b"".join([*(quoted.feed(piece) for piece in pieces), quoted.finish()]) == expected


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_it_can_be_undone(message: bytes, expected: bytes) -> None:
    undone = re.sub(rb"^>(>*From )", rb"\1", expected, flags=re.M)
    assert undone.rstrip(b"\n") == message.replace(b"\r\n", b"\n").rstrip(b"\n")


@pytest.mark.parametrize(
    ("sender", "seconds", "line"),
    [
        ("aiko@example.jp", 1_700_000_000.5, b"From aiko@example.jp Tue Nov 14 22:13:20 2023\n"),
        (None, 0.0, b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"),
        ("", 0.0, b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"),
        ("a b\nFrom c", 0.0, b"From a_b_From_c Thu Jan  1 00:00:00 1970\n"),
        (None, 1e300, b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"),
    ],
)
def test_the_line_in_front(sender: str | None, seconds: float, line: bytes) -> None:
    assert from_line(sender, seconds) == line

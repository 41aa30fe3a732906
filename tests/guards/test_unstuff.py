"""Bodies without their dots, compared with a reader that is too simple to be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.guards.unstuff import Unstuffer
from tests.proto.cuts import pieces, places

LINES = [b"", b".", b"..", b".a", b"a.", b"\r", b"\n", b".\r", b".\n", b"\n.\n", b"text", b"\0"]
messages = st.lists(st.sampled_from(LINES), max_size=12)


def stuffed(lines: list[bytes]) -> bytes:
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def unstuffed(body: bytes, at: list[int]) -> tuple[bytes, bool]:
    written: list[bytes] = []
    unstuffer = Unstuffer(written.append)
    for piece in pieces(body, at):
        unstuffer.feed(piece)
    return b"".join(written), unstuffer.ended


@given(messages, places)
def test_each_message_comes_back_at_any_cut(lines: list[bytes], at: list[int]) -> None:
    assert unstuffed(stuffed(lines), at) == (b"".join(line + b"\r\n" for line in lines), True)


@given(messages)
def test_octet_by_octet(lines: list[bytes]) -> None:
    body = stuffed(lines)
    assert unstuffed(body, list(range(len(body)))) == (b"".join(line + b"\r\n" for line in lines), True)


@given(messages, places)
def test_a_body_that_is_cut_off_has_no_end(lines: list[bytes], at: list[int]) -> None:
    body = stuffed(lines)
    for missing in range(1, 4):
        assert not unstuffed(body[:-missing], at)[1]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..\r\n...\r\n.\r\n", b"a\r\n.\r\n..\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
        (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n"),
    ],
)
def test_bodies(body: bytes, message: bytes) -> None:
    assert unstuffed(body, []) == (message, True)

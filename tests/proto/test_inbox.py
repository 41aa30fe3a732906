"""Lines cut out of octets that arrive in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.inbox import Inbox, LineTooLong
from tests.proto.cuts import pieces, places

octets = st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r", b"word"]), max_size=20).map(b"".join)


def lines(inbox: Inbox, limit: int) -> list[bytes]:
    return list(iter(lambda: inbox.line(limit) or b"", b""))


@given(octets, places)
def test_lines_are_the_same_at_any_cut(data: bytes, at: list[int]) -> None:
    inbox, found = Inbox(), list[bytes]()
    for piece in pieces(data, at):
        inbox.feed(piece)
        found += lines(inbox, 1000)
    rest = inbox.take(len(inbox))
    assert found == [line + b"\n" for line in data.split(b"\n")[:-1]]
    assert rest == data.rpartition(b"\n")[2]
    assert (len(inbox), inbox.data) == (0, b"")


@given(octets, st.lists(st.tuples(st.sampled_from(["line", "take", "skip"]), st.integers(0, 9)), max_size=12))
def test_no_octet_is_lost_or_seen_twice(data: bytes, steps: list[tuple[str, int]]) -> None:
    inbox, left = Inbox(), data
    for start in range(0, len(data), 7):
        inbox.feed(data[start : start + 7])
    for step, count in steps:
        if step == "line":
            line = inbox.line(1000)
            assert line == (left[: left.find(b"\n") + 1] or None)
            left = left[len(line or b"") :]
        elif step == "take":
            assert inbox.take(count) == left[:count]
            left = left[count:]
        else:
            end = left.find(b"\n") + 1
            skipped = inbox.skip_line()
            assert (skipped is None) is (end == 0)
            left = left[end:] if end else b""
        assert len(inbox) == len(left)


def test_a_whole_piece_is_never_copied() -> None:
    piece = b"NOOP\r\n"
    inbox = Inbox()
    inbox.feed(piece)
    assert inbox.line(100) is piece
    inbox.feed(piece)
    assert inbox.take(6) is piece


@pytest.mark.parametrize(("data", "long"), [(b"abcde", False), (b"abcdef", True), (b"abcd\n", False)])
def test_an_unended_line_may_be_as_long_as_the_limit(data: bytes, long: bool) -> None:
    inbox = Inbox()
    inbox.feed(data)
    if long:
        with pytest.raises(LineTooLong):
            inbox.line(5)
    else:
        assert inbox.line(5) in (None, data)


@pytest.mark.parametrize("parts", [[b"abcdef\n"], [b"abc", b"def\n"], [b"x\nabcdef\n"]])
def test_a_line_longer_than_the_limit_is_no_line(parts: list[bytes]) -> None:
    inbox = Inbox()
    for piece in parts:
        inbox.feed(piece)
    if parts[0].startswith(b"x"):
        assert inbox.line(5) == b"x\n"
    with pytest.raises(LineTooLong):
        inbox.line(5)
    assert len(inbox) == 7, "nothing of it is taken"


@pytest.mark.parametrize(
    ("parts", "tail", "next_line"),
    [
        ([b"abc\nnext\n"], b"abc\n", b"next\n"),
        ([b"a" * 40, b"b\nnext\n"], b"a" * 30 + b"b\n", b"next\n"),
        ([b"a", b"b", b"{9+}\r\n"], b"ab{9+}\r\n", None),
    ],
)
def test_a_skipped_line_leaves_its_last_octets_alone(
    parts: list[bytes], tail: bytes, next_line: bytes | None
) -> None:
    inbox = Inbox()
    for piece in parts[:-1]:
        inbox.feed(piece)
        assert inbox.skip_line() is None
        assert len(inbox) == 0
    inbox.feed(parts[-1])
    assert inbox.skip_line() == tail
    assert inbox.line(100) == next_line
    inbox.feed(b"z\n")
    assert inbox.skip_line() == b"z\n", "nothing of an earlier line is remembered"


def test_nothing_is_there_to_take() -> None:
    inbox = Inbox()
    assert (inbox.take(5), inbox.line(5), inbox.skip_line()) == (b"", None, None)

"""The end of a body, compared with readers that are too simple to be wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.bodies import DotScanner, Found
from tests.proto.cuts import pieces, places

SPICE = [
    *(b"\r\n", b".", b"\r", b"\n", b"\0", b"a", b"..", b"text. "),
    *(b"\r\n.\r\n", b"\r\n.\r", b"a.b.c.d.e.f.g.h."),
]
messages = st.lists(st.sampled_from(SPICE), max_size=24).map(b"".join)


def scan(data: bytes, at: list[int], *, strict: bool) -> tuple[Found, int]:
    """What is found in the pieces of ``data``, and how many octets may pass until then."""
    scanner, passed, waiting = DotScanner(strict=strict), 0, b""
    for piece in pieces(data, at):
        waiting += piece
        found, position = scanner.scan(waiting)
        passed += position
        waiting = waiting[position:]
        if found is not Found.NOTHING:
            return found, passed
        assert len(waiting) <= 2, "no more stays behind than a dot and what may end its line"
    return Found.NOTHING, passed


def reference_end(data: bytes) -> int:
    """Behind the first lone dot; the line end before the body counts as its first."""
    at = (b"\r\n" + data).find(b"\r\n.\r\n")
    return at + 3 if at >= 0 else -1


def reference_strict(data: bytes) -> tuple[Found, int]:
    """Ask of each dot that has a break on both sides: is it the true end?"""
    whole = b"\r\n" + data
    for match in re.finditer(rb"(?<=[\r\n\0])\.(?=[\r\n\0])", whole):
        dot = match.start()
        if whole[dot - 2 : dot + 3] == b"\r\n.\r\n":
            return Found.END, dot + 3 - 2
        if whole[dot - 2 :] != b"\r\n.\r":  # else the next octet decides
            return Found.AMBIGUOUS, dot - 2
    return Found.NOTHING, -1


@given(messages, places)
def test_the_end_is_that_of_a_simple_reader_at_any_cut(data: bytes, at: list[int]) -> None:
    end = reference_end(data)
    expected = (Found.END, end) if end >= 0 else (Found.NOTHING, len(data))
    assert scan(data, at, strict=False) == expected


@given(messages, places)
def test_a_strict_scanner_passes_no_octet_from_an_ambiguous_dot_on(data: bytes, at: list[int]) -> None:
    found, passed = scan(data, at, strict=True)
    expected, position = reference_strict(data)
    assert found is expected
    if found is Found.NOTHING:
        undecided = re.search(rb"(?:\r\n\.\r|[\r\n\0]\.)\Z", b"\r\n" + data)
        kept = 0 if undecided is None else len(undecided[0].lstrip(b"\r\n\0"))
        assert passed == len(data) - kept
    else:
        assert passed == position


@pytest.mark.parametrize(
    "dot",
    [
        *(b".\n", b".\0", b".\r\0", b".\r\n"),
    ],
)
@given(data=messages, at=places)
def test_a_relaxed_scanner_takes_only_the_true_end(dot: bytes, data: bytes, at: list[int]) -> None:
    scanner, whole = DotScanner(strict=True), b"a\n" + dot + data
    assert scanner.scan(b"a\n" + dot) == (Found.AMBIGUOUS, 2)
    scanner.relax()
    passed = 2
    for piece in pieces(whole[2:], at):
        found, position = scanner.scan(piece)
        passed += position
        if found is Found.END:
            break
    end = whole.find(b"\r\n.\r\n")
    assert (found, passed) == ((Found.END, end + 5) if end >= 0 else (Found.NOTHING, len(whole)))


@pytest.mark.parametrize("body", [b".\r\n", b"a\r\n.\r\n", b"..\r\n.\r\n", b"." * 20 + b"\r\n.\r\n"])
@pytest.mark.parametrize("strict", [False, True])
def test_what_follows_the_end_is_left(body: bytes, strict: bool) -> None:
    assert DotScanner(strict=strict).scan(body + b"QUIT\r\n") == (Found.END, len(body))


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b"a\n.\nQUIT\r\n", 2),
        (b"a\r.\rQUIT\r\n", 2),
        (b"a\r\n.\0\r\n", 3),
        (b"a\0.\r\n", 2),
        (b".\n", 0),
        (b"." * 20 + b"\n.\n", 21),
        (b"a" + b"." * 20 + b"\r\n.\ra", 23),
    ],
)
def test_ambiguous_dots(data: bytes, position: int) -> None:
    assert DotScanner(strict=True).scan(data) == (Found.AMBIGUOUS, position)
    assert DotScanner().scan(data) == (Found.NOTHING, len(data))

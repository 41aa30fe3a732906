"""Octets as lines."""

from __future__ import annotations

import pytest

from mailproxy.capture.text_lines import LONGEST, TextLines, lines_of


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"", []),
        (b"one\r\ntwo\nthree", ["one", "two", "three"]),
        (b"\r\n\r\n", ["", ""]),
        (b"a\rb\r\n", ["a\rb"]),
        ("grün\xff\r\n".encode("latin-1"), ["gr\\xfcn\\xff"]),
        ("メール\r\n".encode(), ["メール"]),
    ],
)
def test_lines(octets: bytes, lines: list[str]) -> None:
    assert lines_of(octets) == lines
    one_by_one = TextLines()
    found = [line for octet in octets for line in one_by_one.feed(bytes([octet]))]
    assert [*found, *one_by_one.finish()] == lines


def test_a_line_without_an_end_is_not_held() -> None:
    lines = TextLines()
    found = [line for _ in range(100) for line in lines.feed(b"x" * 1000)]
    assert all(len(line) <= LONGEST for line in found)
    assert len("".join(found)) > 100_000 - LONGEST
    assert "".join([*found, *lines.finish()]) == "x" * 100_000
    assert lines_of(b"x" * 100_000) == ["x" * 100_000]

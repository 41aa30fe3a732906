"""Quotes that are open or closed, and the scanner's own small promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.imap_scanner import Scanner, closed_quotes
from mailproxy.proto.tokens import BadArguments


@pytest.mark.parametrize(
    ("line", "closed"),
    [
        (b"", True),
        (b"a SEARCH TEXT {5}\r\n", True),
        (b'a SEARCH SUBJECT "{9+}"\r\n', True),
        (b'a SEARCH SUBJECT "{9+}\r\n', False),
        (b'a LOGIN "p\\"w" {3}\r\n', True),
        (b'a LOGIN "p\\" {3}\r\n', False),
        (b'a LOGIN "p\\\\" {3}\r\n', True),
        (b'a STORE 1 +FLAGS \\"x', False),  # outside of quotes a backslash escapes nothing
        (b'"', False),
        (b'"\\', False),
        (b'""""', True),
        (b'"""', False),
        (b'"a\nb" "c', False),
    ],
)
def test_closed_quotes(line: bytes, closed: bool) -> None:
    assert closed_quotes(line) is closed


@given(st.text('a"\\ {}').map(str.encode))
def test_closed_quotes_says_what_a_slow_reader_says(line: bytes) -> None:
    inside = escaped = False
    for octet in line:
        if escaped:
            escaped = False
        elif inside and octet == 92:
            escaped = True
        elif octet == 34:
            inside = not inside
    assert closed_quotes(line) is not inside


@pytest.mark.parametrize("line", [b'"\\"' * 50_000, b'"' * 100_001, b'"a" ' * 50_000 + b'"', b"\\" * 100_000])
def test_closed_quotes_reads_long_lines_once(line: bytes) -> None:
    assert closed_quotes(line) in (True, False)


def test_a_scanner_leaves_what_it_did_not_take() -> None:
    scanner = Scanner(b"(a (b {1}\r\n )) {2}\r\nxy z")
    scanner.value()
    scanner.space()
    assert scanner.astring() == b"xy"
    assert not scanner.at_end
    with pytest.raises(BadArguments):
        scanner.end()
    scanner.space()
    scanner.rest()
    scanner.end()


def test_a_cut_literal_is_only_read_where_it_is_expected() -> None:
    with pytest.raises(BadArguments):
        Scanner(b"{2}").literal()
    scanner = Scanner(b"{2}")
    assert scanner.literal(cut=True) == (3, 5)
    assert scanner.cut
    assert scanner.at_end

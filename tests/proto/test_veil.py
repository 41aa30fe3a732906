"""Octets that may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.veil import abridged, veiled, veiled_line


def test_what_is_no_secret_stays_the_very_object() -> None:
    octets = b"alice wonderland-7"
    assert veiled(octets, ()) is octets
    assert abridged(octets, ()) is octets


@pytest.mark.parametrize(
    ("octets", "spans", "starred", "short"),
    [
        (b"alice secret", [(6, 12)], b"alice ******", b"alice ***"),
        (b"secret", [(0, 6)], b"******", b"***"),
        (b"a b c", [(0, 1), (4, 5)], b"* b *", b"*** b ***"),
        (b"alice ", [(6, 6)], b"alice ", b"alice ***"),  # nothing there is shown as something
    ],
)
def test_spans(octets: bytes, spans: list[tuple[int, int]], starred: bytes, short: bytes) -> None:
    assert veiled(octets, spans) == starred
    assert abridged(octets, spans) == short


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"hunter2\r\n", b"*******\r\n"),
        (b"hunter2\n", b"*******\n"),
        (b"hunter2", b"*******"),
        (b' "hun ter"\r\n', b' "*******"\r\n'),
        (b'"\r\n', b"*\r\n"),
        (b" hunter2 {8}\r\n", b" *******" + b" {8}\r\n"),
        (b" {8+}\r\n", b" {8+}\r\n"),
        (b"{8}\r\n", b"{8}\r\n"),
        (b"pass{8}\r\n", b"*******\r\n"),  # a header has a blank before it
        (b"*\r\n", b"*\r\n"),
        (b"=\r\n", b"=\r\n"),
        (b"\r\n", b"\r\n"),
        (b"", b""),
    ],
)
def test_a_line_that_is_secret(line: bytes, shown: bytes) -> None:
    assert veiled_line(line) == shown


@given(st.binary(max_size=60))
def test_a_veiled_line_has_its_length_and_shows_no_word(line: bytes) -> None:
    shown = veiled_line(line)
    assert len(shown) == len(line)
    if line.rstrip(b"\r\n") not in (b"*", b"="):
        assert set(shown) <= set(b'* "{}~+0123456789\r\n')

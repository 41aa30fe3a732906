"""Dots that were doubled, in any pieces."""

from __future__ import annotations

import pytest

from mailproxy.capture.dotted import Undotted

BODIES = [
    (b"one\r\ntwo\r\n.\r\n", b"one\r\ntwo\r\n"),
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
    (b"a\n.\nb\r.\r\r\n.\r\n", b"a\n.\nb\r.\r\r\n"),
    (b"a\r\n.\r\nbehind the end\r\n", b"a\r\n"),
    (b".x\r\n.\r\n", b"x\r\n"),
]


@pytest.mark.parametrize(("body", "message"), BODIES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_any_pieces(body: bytes, message: bytes, size: int) -> None:
    undotted = Undotted()
    found = b"".join(undotted.feed(body[at : at + size]) for at in range(0, len(body), size))
    assert (found, undotted.ended, undotted.finish()) == (message, True, b"")


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_body_without_an_end(cut: int) -> None:
    undotted = Undotted()
    found = undotted.feed(b"a\r\n..b\r\n.\r"[:cut]) + undotted.finish()
    assert not undotted.ended
    assert found == (b"a\r\n..b\r\n.\r"[:cut].replace(b"\r\n.", b"\r\n") if cut > 3 else b"a\r\n"[:cut])


def test_a_gap_is_no_beginning_of_a_line() -> None:
    undotted = Undotted()
    assert undotted.feed(b"a\r\n") + undotted.hole() == b"a\r\n"
    assert undotted.feed(b".b\r\n.\r\n") == b".b\r\n"
    assert undotted.ended

"""Responses that are held back."""

from __future__ import annotations

import pytest

from mailproxy.proto.tokens import WireError
from mailproxy.session.held import MOST_OCTETS, Held


def held(*responses: tuple[bytes, ...]) -> Held:
    made = Held()
    for pieces in responses:
        take = made.begin()
        for piece in pieces:
            take(piece)
    return made


@pytest.mark.parametrize(
    "line",
    [
        b"* 5 EXISTS\r\n",
        b"* 5 expunge\r\n",
        b"* 1 FETCH (FLAGS ())\r\n",
        b"* VANISHED 1:3\r\n",
        b"* FLAGS (\\Seen)\r\n",
        b"* OK [PERMANENTFLAGS ()] none\r\n",
        b"* OK [COPYUID 1 2 3] moved\r\n",
    ],
)
def test_what_is_of_the_mailbox_alone(line: bytes) -> None:
    assert list(held((line,)).release(left=True)) == []
    assert list(held((line,)).release(left=False)) == [line]


@pytest.mark.parametrize(
    "line",
    [b"* OK [ALERT] full\r\n", b"* STATUS other (UNSEEN 1)\r\n", b"* LIST () NIL x\r\n", b"* OK hello\r\n"],
)
def test_what_concerns_everybody(line: bytes) -> None:
    assert list(held((line,)).release(left=True)) == [line]


def test_order_and_literals() -> None:
    responses = ((b"* 1 EXPUNGE\r\n",), (b"* LIST () NIL {1}\r\n", b"x", b"\r\n"), (b"* 2 EXPUNGE\r\n",))
    assert b"".join(held(*responses).release(left=False)) == b"".join(map(b"".join, responses))
    assert b"".join(held(*responses).release(left=True)) == b"* LIST () NIL {1}\r\nx\r\n"


def test_it_is_said_once() -> None:
    one = held((b"* 1 EXPUNGE\r\n",))
    assert list(one.release(left=False))
    assert list(one.release(left=False)) == []


def test_there_is_a_limit() -> None:
    take = Held().begin()
    take(b"x" * MOST_OCTETS)
    with pytest.raises(WireError):
        take(b"x")

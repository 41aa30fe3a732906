"""FETCH responses in any order of items and at any cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.guards.fetch_reader import BODY, Fetched, FetchReader, has_item, unquoted
from tests.proto.cuts import pieces, places

TEXT = b"a\r\n)\r\n* 2 FETCH (UID 9)\r\n\0BODY[] {3}\r\n"


def literal(text: bytes) -> bytes:
    return b"{%d}\r\n" % len(text) + text


def read(data: bytes, at: list[int]) -> tuple[FetchReader, bytes]:
    body: list[bytes] = []
    reader = FetchReader(body.append)
    for piece in pieces(data, at):
        reader.feed(piece)
    return reader, b"".join(body)


RESPONSES = [
    b"* 3 FETCH (UID 7 BODY[] " + literal(TEXT) + b")\r\n",
    b"* 3 FETCH (BODY[] " + literal(TEXT) + b" UID 7)\r\n",
    b"* 3 FETCH (FLAGS (\\Seen $a) body[] " + literal(TEXT) + b' MODSEQ (12) UID 7 INTERNALDATE "1-Jan")\r\n',
    b"* 7 UIDFETCH (BODY[] " + literal(TEXT) + b")\r\n",
    b"* 7 uidfetch (UID 7 BODY[] ~" + literal(TEXT) + b")\r\n",
    b"* 3 FETCH (UID 7 BODY[HEADER.FIELDS (DATE FROM)] "
    + literal(b"x)\r\n")
    + b" BODY[] "
    + literal(TEXT)
    + b")\r\n",
    b"* 3 FETCH (X-STUFF " + literal(b"BODY[] ") + b" BODY[] " + literal(TEXT) + b" UID 7)\r\n",
    b'* 3 FETCH (ENVELOPE ("a) \\" (" NIL ((NIL NIL "x" "y"))) BODY[] ' + literal(TEXT) + b" UID 7)\r\n",
]


@pytest.mark.parametrize("response", RESPONSES)
@given(at=places)
def test_the_body_comes_out_at_any_cut(response: bytes, at: list[int]) -> None:
    reader, body = read(response, at)
    assert (reader.flaw, reader.whole, body) == ("", True, TEXT)
    assert [one.uid for one in reader.responses] == [7]
    assert (reader.bodies, reader.octets) == (1, len(TEXT))


@given(st.binary(max_size=60), places)
def test_any_octets(text: bytes, at: list[int]) -> None:
    reader, body = read(b"* 1 FETCH (UID 7 BODY[] " + literal(text) + b")\r\n", at)
    assert (reader.whole, body, reader.octets) == (True, text, len(text))


@given(st.binary(max_size=200), places)
def test_nothing_makes_it_raise(data: bytes, at: list[int]) -> None:
    read(data, at)
    read(b"* 1 FETCH (" + data, at)


def test_items() -> None:
    data = (
        b'* 3 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE " 1-Jan-2026 00:00:00 +0000" rfc822.size 12 X NIL)\r\n'
    )
    reader, _ = read(data * 2, [5, 50])
    assert reader.responses == 2 * [
        Fetched(
            7,
            {
                b"UID": b"7",
                b"FLAGS": b"(\\Seen)",
                b"INTERNALDATE": b'" 1-Jan-2026 00:00:00 +0000"',
                b"RFC822.SIZE": b"12",
                b"X": b"NIL",
            },
        )
    ]


def test_a_body_in_quotes() -> None:
    reader, body = read(b'* 1 FETCH (UID 7 BODY[] "a\\"b\\\\")\r\n', [])
    assert (reader.bodies, body) == (0, b"")
    assert unquoted(reader.responses[0].items[BODY]) == b'a"b\\'
    assert unquoted(b"NIL") == b"NIL"


@pytest.mark.parametrize(
    "data",
    [
        b"* 1 EXISTS\r\n",
        b"* 1 FETCH (UID 7\r\n",
        b"* 1 FETCH (UID x)\r\n",
        b"* 1 FETCH (UID 7 FLAGS (a)\r\n",
        b"* 1 FETCH (UID 7 FLAGS))\r\n",
        b"* 1 FETCH (UID  7)\r\n",
        b'* 1 FETCH (UID "7)\r\n',
        b"* 8 UIDFETCH (UID 7)\r\n",
        b"* 1 FETCH (UID 7 BODY[] {3+}\r\nabc)\r\n",
        b"* 1 FETCH (UID 7 BODY[] {3}\r\nabcd\r\n",
        b"* 1 FETCH (" + b"a" * 300_000,
    ],
)
def test_what_is_none_is_a_flaw(data: bytes) -> None:
    reader, _ = read(data, [])
    assert reader.flaw
    assert not reader.whole


@pytest.mark.parametrize("cut", range(1, len(RESPONSES[0])))
def test_a_response_that_is_cut_off_is_not_whole(cut: int) -> None:
    reader, _ = read(RESPONSES[0][:-cut], [])
    assert not reader.whole or cut == len(RESPONSES[0])
    assert reader.responses == []


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        (b"* 1 FETCH (BODY[] {3}\r\n", True),
        (b"* 1 UIDFETCH (UID 7 body[] {3}\r\n", True),
        (b"* 1 FETCH (FLAGS (\\Seen) UID 7 BODY[] {3}\r\n", True),
        (b"* 1 FETCH (FLAGS (\\Seen))\r\n", False),
        (b"* 1 FETCH (UID 7 BODY[TEXT] {3}\r\n", False),
        (b"* 1 EXPUNGE\r\n", False),
        (b"* OK FETCH (BODY[] \r\n", False),
    ],
)
def test_which_responses_are_meant(line: bytes, chosen: bool) -> None:
    assert has_item(BODY)(line) is chosen

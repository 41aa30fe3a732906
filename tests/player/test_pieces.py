"""Octets at hand, and octets that are still in the file."""

from __future__ import annotations

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.exchanges import Turn
from mailproxy.capture.parts import Kind
from mailproxy.player.pieces import Filler, Piece, Source, Span, chunks_of, cut, joined, length_of
from mailproxy.proto.tokens import Side

LARGE = b"".join(b"%07d\n" % number for number in range(40_000))


def source(store: BodyStore, *said: bytes) -> Source:
    return Source([Turn(Side.SERVER, Kind.REPLY, store.new(octets), 0.0) for octets in said])


def test_lines_and_octets_in_any_order(store: BodyStore) -> None:
    read = source(store, b"one\r\ntw", b"o\r\nxxxyyy", b"", b"zzz")
    assert read.line() == b"one\r\n"
    assert read.line() == b"two\r\n"
    assert joined([read.octets(3)]) == b"xxx"
    assert joined([read.rest()]) == b"yyyzzz"
    assert read.line() == b""
    assert joined([read.octets(3), read.rest()]) == b""


def test_large_octets_stay_where_they_are_and_can_be_read_again(store: BodyStore) -> None:
    read = source(store, b"head\r\n" + LARGE[:100_000], LARGE[100_000:] + b"tail\r\n")
    assert read.line() == b"head\r\n"
    large = read.octets(len(LARGE))
    assert isinstance(large, Span)
    assert joined([large]) == joined([large]) == LARGE
    assert read.line() == b"tail\r\n"


def test_the_rest_begins_where_reading_stopped(store: BodyStore) -> None:
    read = source(store, LARGE, b"end")
    first = read.line()
    assert first + joined([read.rest()]) == LARGE + b"end"


def test_a_line_without_end_comes_in_bounded_pieces(store: BodyStore) -> None:
    read = source(store, b"x" * 3_000_000)
    pieces = list(iter(read.line, b""))
    assert b"".join(pieces) == b"x" * 3_000_000
    assert max(map(len, pieces)) < 2_000_000


def test_cutting(store: BodyStore) -> None:
    whole: list[Piece] = [LARGE, store.new(LARGE), Span([(LARGE, 0, 5), (LARGE, 5, len(LARGE) - 5)])]
    for piece in whole:
        assert joined([cut(piece, 70_000, 10)]) == LARGE[70_000:70_010]
        assert joined([cut(piece, len(LARGE) - 4, 10)]) == LARGE[-4:]
        assert joined([cut(piece, len(LARGE) + 1, 10)]) == b""
        assert length_of(cut(piece, 3, 9)) == 9


def test_fillers_have_their_length_and_little_memory() -> None:
    for octets in (0, 1, 76, 77, 100_000):
        filler = Filler(octets)
        assert len(joined([filler])) == filler.octets == octets
    assert max(map(len, chunks_of(Filler(10_000_000)))) < 100_000

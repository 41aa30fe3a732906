"""Packets that stand behind each other, put together."""

from __future__ import annotations

from mailproxy.capture.model import Closed, Noted, Octets, Stream, StreamEvent
from mailproxy.capture.runs import MOST_OCTETS, in_runs
from mailproxy.proto.tokens import Side

ONE, OTHER = Stream(0, "a:1", "b:110"), Stream(1, "a:2", "b:110")


def octets(stream: Stream, side: Side, data: bytes, comments: tuple[str, ...] = ()) -> Octets:
    return Octets(stream, side, data, 1.0, 1, comments)


def shape(events: list[StreamEvent]) -> list[object]:
    """The data of each run; other events as they are."""
    return [[each.data for each in item] if isinstance(item, list) else item for item in in_runs(events)]


def test_what_one_side_says_is_a_run() -> None:
    events: list[StreamEvent] = [
        octets(ONE, Side.CLIENT, b"1"),
        octets(ONE, Side.CLIENT, b"2"),
        octets(ONE, Side.SERVER, b"3"),
        octets(OTHER, Side.SERVER, b"4"),
        octets(ONE, Side.SERVER, b"5"),
    ]
    assert shape(events) == [[b"1", b"2"], [b"3"], [b"4"], [b"5"]]


def test_comments_end_a_run() -> None:
    events: list[StreamEvent] = [
        octets(ONE, Side.SERVER, b"1", ("a verdict",)),
        octets(ONE, Side.SERVER, b"2"),
    ]
    assert shape(events) == [[b"1"], [b"2"]]


def test_other_events_keep_their_place() -> None:
    noted, closed = Noted(ONE, 1.0, 2, ("x",)), Closed(ONE, 1.0, "fin")
    events: list[StreamEvent] = [
        octets(ONE, Side.CLIENT, b"1"),
        noted,
        octets(ONE, Side.CLIENT, b"2"),
        closed,
    ]
    assert shape(events) == [[b"1"], noted, [b"2"], closed]


def test_a_run_is_bounded() -> None:
    events: list[StreamEvent] = [octets(ONE, Side.CLIENT, bytes(MOST_OCTETS // 4)) for _ in range(9)]
    assert [len(run) for run in in_runs(events) if isinstance(run, list)] == [4, 4, 1]


def test_nothing_is_left_at_the_end() -> None:
    assert shape([]) == []

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.capture.model import Stream
from mailproxy.capture.reassembly import MOST_OCTETS, MOST_SEGMENTS, SEQUENCES, Direction, Room, distance
from mailproxy.proto.tokens import Side


def direction(wanted: int = 100, room: Room | None = None) -> Direction:
    made = Direction(Stream(0, "a:2", "b:1"), Side.CLIENT, room or Room())
    made.wanted = wanted
    return made


@pytest.mark.parametrize(
    ("segments", "delivered"),
    [
        pytest.param([(100, b"ab"), (102, b"cd")], [b"ab", b"cd"], id="in order"),
        pytest.param([(100, b"ab"), (100, b"ab"), (102, b"cd")], [b"ab", b"", b"cd"], id="retransmitted"),
        pytest.param([(102, b"cd"), (100, b"ab")], [b"", b"abcd"], id="reordered"),
        pytest.param([(104, b"e"), (102, b"cd"), (100, b"ab")], [b"", b"", b"abcde"], id="backwards"),
        pytest.param([(100, b"abc"), (101, b"bcde")], [b"abc", b"de"], id="overlap: the first is believed"),
        pytest.param([(100, b"abc"), (101, b"XXde")], [b"abc", b"de"], id="overlap that differs"),
        pytest.param(
            [(102, b"cd"), (101, b"bcde"), (100, b"a")], [b"", b"", b"abcde"], id="overlap that waits"
        ),
        pytest.param(
            [(101, b"bcde"), (102, b"cd"), (100, b"a")], [b"", b"", b"abcde"], id="waits inside another"
        ),
        pytest.param([(102, b"c"), (102, b"cd"), (100, b"ab")], [b"", b"", b"abcd"], id="the longer of two"),
        pytest.param([(99, b"_"), (100, b"a")], [b"", b"a"], id="keep-alive"),
        pytest.param([(100, b"a"), (100, b"abc")], [b"a", b"bc"], id="zero-window probe"),
        pytest.param([(98, b"__ab")], [b"ab"], id="half of it is old"),
    ],
)
def test_segments_become_octets(segments, delivered):
    end = direction()
    assert [end.add(sequence, data)[0] for sequence, data in segments] == delivered
    assert end.waiting is None


def test_says_whether_a_segment_was_new():
    end = direction()
    steps = [
        (100, b"ab", True),
        (100, b"ab", False),
        (104, b"e", True),
        (104, b"e", False),
        (102, b"cde", True),
    ]
    assert [end.add(sequence, data)[1] for sequence, data, _ in steps] == [new for _, _, new in steps]


@pytest.mark.parametrize("start", [SEQUENCES - 3, SEQUENCES - 1, 0])
def test_wraps(start):
    end = direction(start)
    assert end.add((start + 4) % SEQUENCES, b"ef")[0] == b""
    assert end.hole() == 4
    assert end.add(start, b"abcd")[0] == b"abcdef"
    assert end.wanted == (start + 6) % SEQUENCES


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(5, 7, 2), (7, 5, -2), (SEQUENCES - 1, 1, 2), (1, SEQUENCES - 1, -2)]
)
def test_distance(start, end, expected):
    assert distance(start, end) == expected


@pytest.mark.parametrize(
    ("acknowledged", "sure"), [(-1, False), (100, False), (104, False), (105, True), (107, True)]
)
def test_a_hole_is_sure_when_all_of_it_is_acknowledged(acknowledged, sure):
    end = direction()
    end.add(105, b"fg")
    end.acknowledged = acknowledged
    assert end.hole_is_sure() is sure


def test_a_hole_that_is_skipped():
    end = direction()
    end.add(105, b"fg")
    end.add(110, b"k")
    assert end.hole() == 5
    assert end.skip_hole() == b"fg"
    assert end.hole() == 3
    assert end.skip_hole() == b"k"
    assert (end.hole(), end.wanted) == (0, 111)


def test_a_mark_shows_where_octets_end():
    end = direction()
    end.add(100, b"ab")
    end.mark(105, 110)
    assert end.hole() == 8
    assert end.add(102, b"cdefghij")[0] == b"cdefghij"
    assert end.hole() == 0


@pytest.mark.parametrize(
    ("size", "fit"),
    [pytest.param(1, MOST_SEGMENTS, id="segments"), pytest.param(60_000, MOST_OCTETS // 60_200, id="octets")],
)
def test_only_so_much_waits(size, fit):
    end = direction()
    for number in range(fit):
        end.add(101 + number * 2 * size, b"x" * size)
        assert not end.hole_is_sure()
    end.add(101 + fit * 2 * size, b"x" * size)
    assert end.hole_is_sure()


def test_only_so_much_waits_in_all_directions():
    room = Room(5000)
    ends = [direction(room=room) for _ in range(4)]
    for end in ends[:3]:
        end.add(101, b"x" * 1000)
        assert not end.hole_is_sure()
    ends[3].add(101, b"x" * 1000)
    ends[3].add(2101, b"x" * 1000)
    assert ends[3].hole_is_sure()
    while ends[3].hole_is_sure():
        ends[3].skip_hole()
    assert room.free >= 0
    for end in ends:
        while end.waiting is not None:
            end.skip_hole()
    assert room.free == 5000


TEXT = bytes(range(256)) * 2


@given(
    st.lists(st.tuples(st.integers(0, 511), st.integers(1, 200)), max_size=40),
    st.randoms(use_true_random=False),
    st.integers(0, SEQUENCES - 1),
)
def test_any_order_gives_the_same_octets(extra, random, start):
    cuts = sorted({0, 512, *(at for at, _ in extra)})
    segments = [(low, TEXT[low:high]) for low, high in pairwise(cuts)]
    segments += [(at, TEXT[at : at + length]) for at, length in extra]
    random.shuffle(segments)
    end = direction(start)
    got = b"".join(end.add((start + at) % SEQUENCES, data)[0] for at, data in segments)
    assert got == TEXT
    assert end.waiting is None


def test_octets_that_were_not_captured_in_many_packets_are_one_hole():
    end = direction()
    end.add(100, b"a")
    for number in range(3 * MOST_SEGMENTS):
        end.mark(101 + number * 60_000, 101 + (number + 1) * 60_000)
        assert not end.hole_is_sure()
    assert end.hole() == 3 * MOST_SEGMENTS * 60_000


def test_a_hole_does_not_grow_until_what_follows_is_out_of_reach():
    end = direction()
    end.add(100, b"a")
    end.mark(101, 1 << 29)
    assert not end.hole_is_sure()
    end.mark(1 << 29, (1 << 29) + 102)
    assert end.hole_is_sure()

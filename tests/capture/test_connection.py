"""Segments of one connection, as they were captured, and what is read from them."""

from __future__ import annotations

import pytest

from mailproxy.capture.model import Tally
from mailproxy.capture.reassembly import SEQUENCES
from tests.capture.packets import (
    ACK,
    CLIENT,
    FIN,
    PSH,
    RST,
    SERVER,
    SYN,
    enhanced,
    events,
    interface,
    packet,
    pcap,
    section,
)
from tests.capture.packets import told as all_told


def c(sequence: int, data: bytes = b"", flags: int = ACK, ack: int = 0) -> bytes:
    return packet(CLIENT, SERVER, sequence % SEQUENCES, data, flags=flags, ack=ack)


def s(sequence: int, data: bytes = b"", flags: int = ACK, ack: int = 0) -> bytes:
    return packet(SERVER, CLIENT, sequence % SEQUENCES, data, flags=flags, ack=ack)


def told(found):
    """Of one stream: without its number."""
    lines = [line.partition(" ") for line in all_told(found)]
    assert {number for number, _, _ in lines} == {"0"}
    return [line for _, _, line in lines]


HELLO = [c(100, flags=SYN), s(500, flags=SYN | ACK, ack=101), c(101, ack=501)]
BYE = [c(103, flags=FIN | ACK, ack=503), s(503, flags=FIN | ACK, ack=104), c(104, ack=504)]
TALK = [s(501, b"ok", ack=101), c(101, b"hi", ack=503)]
EVENTS = ["opened", "S ok", "C hi", "closed fin"]

CASES = {
    "whole": ([*HELLO, *TALK, *BYE], EVENTS),
    "without its end": ([*HELLO, *TALK], [*EVENTS[:3], "closed cut"]),
    "from the middle": ([*TALK, *BYE], EVENTS),
    "one side": ([HELLO[0], HELLO[2], TALK[1], BYE[0], BYE[2]], ["opened", "C hi", "closed cut"]),
    "all twice": ([frame for frame in [*HELLO, *TALK, *BYE] for _ in "ab"], EVENTS),
    "SYN of both": (
        [c(100, flags=SYN), s(500, flags=SYN), c(101, b"hi", ack=501)],
        ["opened", "C hi", "closed cut"],
    ),
    "SYN after its answer": ([HELLO[1], HELLO[0], *TALK], [*EVENTS[:3], "closed cut"]),
    "data on SYN": (
        [c(100, b"h", flags=SYN), HELLO[1], c(102, b"i")],
        ["opened", "C h", "C i", "closed cut"],
    ),
    "data on SYN again": (
        [c(100, b"h", flags=SYN), HELLO[1], c(101, b"hi")],
        ["opened", "C h", "C i", "closed cut"],
    ),
    "data on FIN": ([*HELLO, c(101, b"hi", flags=FIN | ACK)], ["opened", "C hi", "closed cut"]),
    "FIN is not acknowledged": ([*HELLO, *TALK, *BYE[:2]], EVENTS),
    "FIN before what is missing": (
        [*HELLO, c(103, flags=FIN | ACK), c(101, b"hi")],
        ["opened", "C hi", "closed cut"],
    ),
    "FIN acknowledged, octets missing": (
        [*HELLO, c(103, flags=FIN | ACK), s(501, ack=104)],
        ["opened", "C hole 2", "closed cut"],
    ),
    "octets behind FIN": ([*HELLO, *TALK, *BYE, c(104, b"late")], EVENTS),
    "RST": ([*HELLO, *TALK, s(503, flags=RST)], [*EVENTS[:3], "closed rst"]),
    "RST says why": ([*HELLO, s(501, b"because", flags=RST)], ["opened", "closed rst"]),
    "RST behind both FIN": ([*HELLO, *TALK, *BYE[:2], c(104, flags=RST)], EVENTS),
    "RST lets go what waits": (
        [*HELLO, c(103, b"b"), s(503, b"d"), s(501, flags=RST)],
        ["opened", "C hole 2", "C b", "S hole 2", "S d", "closed rst"],
    ),
    "nothing but RST": ([c(1, flags=RST)], ["opened", "closed rst"]),
    "a hole that is acknowledged": (
        [*HELLO, c(103, b"b"), s(501, b"ok", ack=103), c(101, b"aa")],
        ["opened", "C hole 2", "C b", "S ok", "closed cut"],
    ),
    "a hole that is not": (
        [*HELLO, c(103, b"b"), s(501, b"ok", ack=102), c(101, b"aa")],
        ["opened", "S ok", "C aab", "closed cut"],
    ),
    "acknowledged before it is seen": (
        [*HELLO, s(501, b"ok", ack=104), c(103, b"b")],
        ["opened", "S ok", "C hole 2", "C b", "closed cut"],
    ),
    "acknowledged before it is seen, with nothing else": (
        [*HELLO, s(501, ack=104), c(103, b"b"), c(101, b"aa")],
        ["opened", "C hole 2", "C b", "closed cut"],
    ),
    "the server's octets wait": (
        [*HELLO, s(503, b"d"), c(101, b"hi", ack=501), s(501, b"bc"), s(504, b"e")],
        ["opened", "C hi", "S bcd", "S e", "closed cut"],
    ),
    "a hole across the wrap": (
        [c(-3, flags=SYN), c(1, b"x"), s(1, ack=2), c(2, b"y")],
        ["opened", "C hole 3", "C x", "C y", "closed cut"],
    ),
    "a hole at the end of the file": ([*HELLO, c(103, b"b")], ["opened", "C hole 2", "C b", "closed cut"]),
    "no hole before the first octet": (
        [c(700, ack=1), c(800, b"x"), c(801, b"y")],
        ["opened", "C x", "C y", "closed cut"],
    ),
    "a hole behind the handshake": ([HELLO[1], c(105, b"x")], ["opened", "C hole 4", "C x", "closed cut"]),
    "keep-alive": (
        [*HELLO, c(101, b"hi"), c(102, b"\0"), c(102), c(103, b"!")],
        ["opened", "C hi", "C !", "closed cut"],
    ),
    "keep-alive comes first": (
        [s(500, ack=101), c(100, b"\0"), c(101, b"hi")],
        ["opened", "C hi", "closed cut"],
    ),
    "zero-window probe": ([*HELLO, c(101, b"h"), c(101, b"hi")], ["opened", "C h", "C i", "closed cut"]),
    "wraps": (
        [c(-3, flags=SYN), c(-2, b"ab"), c(2, b"ef"), c(0, b"cd"), c(4, b"gh")],
        ["opened", "C ab", "C cdef", "C gh", "closed cut"],
    ),
    "far away": (
        [*HELLO, c(101, b"h"), c(101 + (1 << 31), b"?"), c(102, b"i")],
        ["opened", "C h", "C i", "closed cut"],
    ),
}


@pytest.mark.parametrize(("frames", "expected"), CASES.values(), ids=CASES)
def test_connection(tmp_path, frames, expected):
    assert told(events(tmp_path / "a.pcap", pcap(frames))) == expected


def test_too_much_waits(tmp_path):
    frames = [*HELLO, *[c(103 + number * 2, b"x") for number in range(1001)], c(101, b"too late")]
    found = told(events(tmp_path / "a.pcap", pcap(frames)))
    assert found[:4] == ["opened", "C hole 2", "C x", "C  latex"]
    assert found.count("C hole 1") == 997


def test_holes_are_where_they_are_known_to_be(tmp_path):
    """Of each frame 42 octets were captured: two of the payload."""
    frames = [c(1, b"abcdef"), c(7, b"ghi"), s(50, ack=10), c(10, b"jk"), c(12, b"lmn")]
    assert told(events(tmp_path / "a.pcap", pcap(frames, keep=42))) == [
        "opened",
        "C ab",
        "C hole 4",
        "C gh",
        "C hole 1",
        "C jk",
        "C lm",
        "C hole 1",
        "closed cut",
    ]


def test_what_is_counted(tmp_path):
    tally = Tally()
    frames = [*HELLO, *TALK, *TALK, c(1 << 31, b"?"), *BYE, c(101, b"hi"), c(104, b"late"), c(104, b"late")]
    events(tmp_path / "a.pcap", pcap(frames), tally)
    assert (tally.packets, tally.retransmitted, tally.damaged) == (len(frames), 3, 1)
    assert tally.notes == [
        "a segment lies outside of any window of its stream, and was left out: in frame 8",
        "octets behind the end of a stream were left out: 2 times, first in frame 13",
    ]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([*HELLO, *TALK, *BYE], ["opened 1", *EVENTS[1:3], "noted 8", "closed fin"], id="FIN"),
        pytest.param([*HELLO, s(501, flags=RST)], ["opened 1", "noted 4", "closed rst"], id="RST"),
        pytest.param([s(501, b"ok")], ["opened 1", "S ok", "closed cut"], id="on the first, not twice"),
        pytest.param(
            [*HELLO, s(501, b"ok", flags=ACK | PSH)], ["opened 1", "S ok 4", "closed cut"], id="octets"
        ),
        pytest.param([*HELLO, c(9 << 28, b"?")], ["opened 1", "noted 4", "closed cut"], id="far away"),
    ],
)
def test_comments(tmp_path, frames, expected):
    """The first packet and the last have their number as a comment."""
    file = section() + interface()
    for number, frame in enumerate(frames, 1):
        file += enhanced(frame, str(number)) if number in (1, len(frames)) else enhanced(frame)
    assert told(events(tmp_path / "a.pcapng", file)) == expected


def test_comments_behind_the_end_are_counted(tmp_path):
    tally = Tally()
    file = section() + interface() + enhanced(c(1, flags=RST)) + enhanced(c(1), "late")
    assert told(events(tmp_path / "a.pcapng", file, tally)) == ["opened", "closed rst"]
    assert tally.notes == ["comments behind the end of a stream were left out: in frame 2"]

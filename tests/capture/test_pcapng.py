from __future__ import annotations

from struct import pack

import pytest

from mailproxy.capture.model import CaptureError, Noted, Octets, Opened, Tally
from tests.capture.packets import (
    ACK,
    CLIENT,
    SERVER,
    block,
    enhanced,
    ethernet,
    events,
    interface,
    option,
    packet,
    section,
    told,
)

ONE = packet(CLIENT, SERVER, 1, b"USER a")
TWO = packet(CLIENT, SERVER, 7, b"PASS b")
TOLD = ["0 opened", "0 C USER a", "0 C PASS b", "0 closed cut"]
CUT = "the file is cut off, or still growing: its last {} octets were left out"


def obsolete(frame: bytes, order: str = "<", ticks: int = 5_000_000) -> bytes:
    fields = pack(f"{order}HHIIII", 0, 9, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, fields + frame, order)


def simple(frame: bytes, order: str = "<", length: int | None = None) -> bytes:
    return block(3, pack(f"{order}I", length or len(frame)) + frame, order)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda frame, order: enhanced(frame, order=order), id="enhanced"),
        pytest.param(lambda frame, order: enhanced(frame, "", order=order), id="with an empty comment"),
        pytest.param(obsolete, id="obsolete"),
        pytest.param(simple, id="simple"),
    ],
)
def test_blocks(tmp_path, make, order):
    file = section(order) + interface(order=order) + make(ONE, order) + make(TWO, order)
    assert told(events(tmp_path / "a.pcapng", file)) == TOLD


def test_blocks_that_are_not_known_are_skipped(tmp_path):
    unknown = block(0x0BAD, b"x" * 40) + block(5, b"statistics..")
    file = section() + unknown + interface() + unknown + enhanced(ONE) + unknown + enhanced(TWO) + unknown
    tally = Tally()
    assert told(events(tmp_path / "a.pcapng", file, tally)) == TOLD
    assert tally == Tally(packets=2, octets=len(file))


def test_sections_have_their_own_order_and_interfaces(tmp_path):
    file = section("<") + interface(101) + enhanced(ONE)
    file += section(">") + interface(1, order=">") + enhanced(ethernet(TWO), order=">")
    assert told(events(tmp_path / "a.pcapng", file)) == TOLD


def test_interfaces_have_their_own_link_type_and_name(tmp_path):
    other = packet(("192.0.2.2", 40000), SERVER, 1, b"x")
    file = section() + interface(101, option(2, b"lo")) + interface(1, option(2, b"eth0"))
    found = events(tmp_path / "a.pcapng", file + enhanced(ONE) + enhanced(ethernet(other), number=1))
    assert [event.stream.interface for event in found if isinstance(event, Opened)] == ["lo", "eth0"]


@pytest.mark.parametrize(
    ("options", "ticks", "time"),
    [
        pytest.param([], 1_700_000_000_250_000, 1_700_000_000.25, id="µs"),
        pytest.param([option(9, b"\x09")], 1_700_000_000_250_000_000, 1_700_000_000.25, id="ns"),
        pytest.param([option(9, b"\x00")], 1_700_000_000, 1_700_000_000.0, id="s"),
        pytest.param([option(9, b"\x8a")], 1536, 1.5, id="1/1024 s"),
        pytest.param([option(9, b"\xff")], 1 << 63, 2.0**-64, id="the finest of all"),
        pytest.param([option(9, b"\x7f")], 0, 0.0, id="the finest with ten"),
        pytest.param([option(14, pack("<q", -10))], 15_000_000, 5.0, id="offset"),
        pytest.param([option(14, pack("<q", 1 << 62))], 0, 2.0**62, id="a lying offset"),
    ],
)
def test_time(tmp_path, options, ticks, time):
    found = events(tmp_path / "a.pcapng", section() + interface(101, *options) + enhanced(ONE, ticks=ticks))
    assert [event.time for event in found] == [time] * 3


def test_a_simple_packet_has_the_time_of_the_one_before(tmp_path):
    found = events(tmp_path / "a.pcapng", section() + interface() + simple(ONE) + enhanced(TWO) + simple(ONE))
    assert [event.time for event in found] == [0.0, 0.0, 5.0, 5.0]


def test_a_simple_packet_ends_where_its_interface_says(tmp_path):
    three = packet(CLIENT, SERVER, 13, b"QUIT")
    file = section() + interface(keep=43) + simple(ONE[:43], length=46) + enhanced(three)
    assert told(events(tmp_path / "a.pcapng", file)) == [
        "0 opened",
        "0 C USE",
        "0 C hole 9",
        "0 C QUIT",
        "0 closed cut",
    ]


def test_comments(tmp_path):
    early = packet(CLIENT, SERVER, 7, b"PASS b")
    old = packet(CLIENT, SERVER, 1, b"USER a")
    nothing = packet(SERVER, CLIENT, 1, flags=ACK, ack=13)
    file = section() + interface()
    file += (
        enhanced(packet(CLIENT, SERVER, 0, b">"), "first", "é")
        + enhanced(early, "early")
        + enhanced(ONE, "now")
    )
    file += enhanced(old, "old") + enhanced(nothing, "nothing")
    assert told(events(tmp_path / "a.pcapng", file)) == [
        "0 opened first é",
        "0 C >",
        "0 noted early",
        "0 C USER aPASS b now",
        "0 noted old",
        "0 noted nothing",
        "0 closed cut",
    ]


def test_a_frame_that_only_counts_keeps_the_numbers_of_others(tmp_path):
    file = section() + interface() + enhanced(b"", "x") + enhanced(ONE) + enhanced(TWO, "y", number=7)
    tally = Tally()
    found = events(tmp_path / "a.pcapng", file, tally)
    assert [event.frame for event in found if isinstance(event, (Octets, Noted))] == [2]
    assert (tally.packets, tally.damaged) == (3, 2)


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        pytest.param(
            enhanced(ONE, number=1), "a packet is of an interface that is not described", id="interface"
        ),
        pytest.param(
            block(6, pack("<IIIII", 0, 0, 0, 1 << 31, 6) + ONE),
            "a packet says that it is longer than its block",
            id="long",
        ),
        pytest.param(
            block(6, pack("<IIIII", 0, 0, 0, len(ONE) + 4, 50) + ONE),
            "a packet says that it is longer than its block",
            id="a little too long",
        ),
        pytest.param(
            block(2, b"short"), "a packet block is too short, or in front of its interface", id="short"
        ),
        pytest.param(
            section() + simple(ONE),
            "a packet block is too short, or in front of its interface",
            id="in front",
        ),
    ],
)
def test_odd_packets_are_counted(tmp_path, odd, note):
    tally = Tally()
    found = events(tmp_path / "a.pcapng", section() + interface() + enhanced(ONE) + odd, tally)
    assert told(found) == [TOLD[0], TOLD[1], TOLD[3]]
    assert tally.notes == [f"{note}: in frame 2"]
    assert (tally.packets, tally.damaged) == (2, 1)


@pytest.mark.parametrize(
    ("odd", "cause"),
    [
        (pack("<II", 6, 0) + b"x" * 40, "a block says that it has 0 octets"),
        (pack("<II", 6, 8) + b"x" * 40, "a block says that it has 8 octets"),
        (pack("<II", 6, 41) + b"x" * 40, "a block says that it has 41 octets"),
        (pack("<II", 6, 0xFFFFFFFC) + b"x" * 40, "a block says that it has 4294967292 octets"),
        (pack("<II", 6, (16 << 20) + 4) + b"x" * 40, "a block says that it has 16777220 octets"),
        (block(6, b"x" * 40)[:-4] + b"\0" * 4, "the two lengths of a block are not the same"),
        (block(0x0A0D0D0A, b"x" * 16), "a section header has no byte order"),
        (block(1, b"x" * 4), "an interface block is too short"),
        (interface() * 10_000, "there are more than 10000 interfaces"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage(tmp_path, odd, cause):
    """What was before it is delivered."""
    path = tmp_path / "a.pcapng"
    file = section() + interface() + enhanced(ONE)
    place = len(file + odd) - 20 if len(odd) > 1000 else len(file)
    with pytest.raises(CaptureError) as caught:
        events(path, file + odd)
    assert str(caught.value) == (
        f"{path}: {cause} at octet {place}; what lies before it can be had with: editcap {path} new.pcapng"
    )


def test_cut_off_anywhere(tmp_path):
    whole = section() + interface() + enhanced(ONE)
    last = enhanced(TWO, "a comment")
    for octets in range(4, len(whole + last)):
        tally = Tally()
        found = events(tmp_path / "a.pcapng", (whole + last)[:octets], tally)
        assert told(found) == ([TOLD[0], TOLD[1], TOLD[3]] if octets >= len(whole) else [])
        blocks = [0, len(section()), len(section() + interface()), len(whole)]
        rest = octets - max(start for start in blocks if start <= octets)
        assert tally.notes == ([CUT.format(rest)] if rest else [])

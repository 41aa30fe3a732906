from __future__ import annotations

from struct import pack

import pytest

from mailproxy.capture.internet import Left, ports, segment, source, way_back
from tests.capture.packets import ACK, CLIENT, CLIENT_6, PSH, SERVER, SERVER_6, ip, packet, tcp

SEGMENT = tcp(CLIENT, SERVER, 7, b"hello", flags=ACK | PSH, ack=9)
SEGMENT_6 = tcp(CLIENT_6, SERVER_6, 7, b"hello", flags=ACK | PSH, ack=9)


def v4(payload: bytes = SEGMENT, **fields) -> bytes:
    return ip(CLIENT[0], SERVER[0], payload, **fields)


def v6(payload: bytes = SEGMENT_6, **fields) -> bytes:
    return ip(CLIENT_6[0], SERVER_6[0], payload, **fields)


def extension(following: int, octets: int = 8) -> bytes:
    return bytes([following, octets // 8 - 1]).ljust(octets, b"\0")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(v4(), id="v4"),
        pytest.param(v4(options=b"\1" * 8), id="v4 with options"),
        pytest.param(
            v4(tcp(CLIENT, SERVER, 7, b"hello", flags=24, ack=9, options=b"\1" * 12)), id="TCP with options"
        ),
        pytest.param(v6(), id="v6"),
        pytest.param(v6(options=extension(6), protocol=0), id="hop by hop"),
        pytest.param(v6(options=extension(60) + extension(6, 24), protocol=43), id="routing, destination"),
        pytest.param(v6(options=b"\6\0" + b"\0" * 6, protocol=44), id="a fragment that is whole"),
        pytest.param(v6(options=b"\6\4" + b"\0" * 22, protocol=51), id="authentication"),
    ],
)
def test_reads_a_segment(octets):
    found = segment(b"before" + octets + b"padding", 6, 6 + len(octets) + 7, 6 + len(octets) + 7)
    assert not isinstance(found, Left)
    key, sequence, acknowledgment, flags, start, end, missing = found
    assert (sequence, acknowledgment, flags, missing) == (7, 9, ACK | PSH, 0)
    assert (b"before" + octets)[start:end] == b"hello"
    assert source(key) in ("192.0.2.1:40000", "[2001:db8::1]:40000")
    assert source(way_back(key)) in ("198.51.100.9:110", "[2001:db8:0:1::9]:110")
    assert way_back(way_back(key)) == key
    assert ports(key) == (40000, 110)


def test_both_directions_have_keys_of_each_other():
    there = segment(packet(CLIENT, SERVER, 1), 0, 40, 40)
    back = segment(packet(SERVER, CLIENT, 1), 0, 40, 40)
    assert not isinstance(there, Left)
    assert not isinstance(back, Left)
    assert way_back(there[0]) == back[0]


@pytest.mark.parametrize(
    ("octets", "left"),
    [
        pytest.param(v4(protocol=17), Left.NOT_TCP, id="UDP"),
        pytest.param(v6(protocol=17), Left.NOT_TCP, id="UDP in v6"),
        pytest.param(v6(protocol=59), Left.NOT_TCP, id="no next header"),
        pytest.param(b"\x50" + v4()[1:], Left.NOT_TCP, id="version 5"),
        pytest.param(v4(fragment=0x2000), Left.FRAGMENT, id="the first fragment"),
        pytest.param(v4(fragment=0x0010), Left.FRAGMENT, id="the last fragment"),
        pytest.param(v6(options=b"\6\0\0\1" + b"\0" * 4, protocol=44), Left.FRAGMENT, id="first of v6"),
        pytest.param(v6(options=b"\6\0\0\x08" + b"\0" * 4, protocol=44), Left.FRAGMENT, id="last of v6"),
        pytest.param(b"\x44" + v4()[1:], Left.DAMAGED, id="IP header too short"),
        pytest.param(b"\x4f" + v4()[1:], Left.DAMAGED, id="IP header too long"),
        pytest.param(v4(SEGMENT[:12] + b"\x40" + SEGMENT[13:]), Left.DAMAGED, id="TCP header too short"),
        pytest.param(v4(SEGMENT[:12] + b"\xf0" + SEGMENT[13:]), Left.DAMAGED, id="TCP header too long"),
        pytest.param(v4()[:2] + b"\0\x27" + v4()[4:], Left.DAMAGED, id="total length inside of the headers"),
        pytest.param(
            v6()[:4] + b"\0\x13" + v6()[6:], Left.DAMAGED, id="payload length inside of the headers"
        ),
        pytest.param(v6(extension(0) * 20, protocol=0), Left.DAMAGED, id="headers without an end"),
        pytest.param(v6(b"\6\xff" + bytes(6), protocol=0), Left.DAMAGED, id="an extension longer than all"),
    ],
)
def test_leaves_out(octets, left):
    assert segment(octets, 0, len(octets), len(octets)) is left


def test_dont_fragment_is_no_fragment():
    assert not isinstance(segment(v4(fragment=0x4000), 0, 45, 45), Left)


@pytest.mark.parametrize(
    "octets", [v4(), v6(), v6(options=extension(6), protocol=0)], ids=["v4", "v6", "extension"]
)
def test_captured_short(octets):
    """What is behind the end belongs to the next packet."""
    headers = len(octets) - 5
    for end in range(len(octets)):
        found = segment(octets + b"next", 0, end, len(octets))
        if end < headers:
            assert found is Left.DAMAGED
        else:
            assert not isinstance(found, Left)
            assert (found[5] - found[4], found[6]) == (end - headers, len(octets) - end)


@pytest.mark.parametrize("octets", [v4(), v6()], ids=["v4", "v6"])
def test_no_length_in_the_header(octets):
    """As network cards leave it that cut segments themselves."""
    at = 2 if octets[0] >> 4 == 4 else 4
    octets = octets[:at] + b"\0\0" + octets[at + 2 :]
    found = segment(octets, 0, len(octets), len(octets) + 100)
    assert not isinstance(found, Left)
    assert found[6] == 100
    assert segment(octets, 0, len(octets), len(octets) + (1 << 31)) is Left.DAMAGED


def test_options_that_were_not_captured():
    octets = v4(pack(">HHIIBBHHH", 1, 2, 7, 9, 0x80, 16, 0, 0, 0) + b"\1" * 12 + b"hello")
    found = segment(octets, 0, 44, len(octets))
    assert not isinstance(found, Left)
    assert found[4] == found[5]
    assert found[6] == 5

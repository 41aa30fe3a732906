from __future__ import annotations

from struct import pack

import pytest

from mailproxy.capture.model import CaptureError, Octets, Tally
from tests.capture.packets import CLIENT, SERVER, ethernet, events, packet, pcap, told

FRAMES = [packet(CLIENT, SERVER, 1, b"USER a"), packet(CLIENT, SERVER, 7, b"PASS b")]
TOLD = ["0 opened", "0 C USER a", "0 C PASS b", "0 closed cut"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34], ids=["µs", "ns", "modified"])
def test_kinds(tmp_path, magic, order):
    found = events(tmp_path / "a.pcap", pcap(FRAMES, magic=magic, order=order))
    assert told(found) == TOLD
    assert [(event.time, event.frame) for event in found if isinstance(event, Octets)] == [
        (1001.5, 1),
        (1002.5, 2),
    ]


def test_the_length_of_a_checksum_is_not_of_the_link_type(tmp_path):
    file = bytearray(pcap(map(ethernet, FRAMES), link=1))
    file[23] |= 0x44
    assert told(events(tmp_path / "a.pcap", bytes(file))) == TOLD


@pytest.mark.parametrize("cut", [1, 13, 16, 55, 56, 61])
def test_cut_off(tmp_path, cut):
    tally = Tally()
    found = events(tmp_path / "a.pcap", pcap(FRAMES)[:-cut], tally)
    rest = 16 + len(FRAMES[1]) - cut
    assert told(found) == [TOLD[0], TOLD[1], TOLD[3]]
    assert tally.notes == [f"the file is cut off, or still growing: its last {rest} octets were left out"]


def test_ends_in_its_header(tmp_path):
    tally = Tally()
    assert events(tmp_path / "a.pcap", pcap([])[:20], tally) == []
    assert tally.notes == ["the file is cut off, or still growing: its last 20 octets were left out"]


@pytest.mark.parametrize("length", [(16 << 20) + 1, 1 << 31, (1 << 32) - 1])
def test_a_lying_length(tmp_path, length):
    path = tmp_path / "a.pcap"
    with pytest.raises(CaptureError) as caught:
        events(path, pcap(FRAMES) + pack("<IIII", 1, 1, length, length) + b"x" * 1000)
    assert str(caught.value) == (
        f"{path}: a packet says that it has {length} octets at octet 148; "
        f"what lies before it can be had with: editcap {path} new.pcapng"
    )


def test_the_longest_packet(tmp_path):
    """It is longer than one piece of the file that is read at a time."""
    tally = Tally()
    found = events(
        tmp_path / "a.pcap", pcap([FRAMES[0], b"\xff" * (3 << 20), FRAMES[1]], keep=16 << 20), tally
    )
    assert told(found) == TOLD
    assert tally.not_tcp == 1

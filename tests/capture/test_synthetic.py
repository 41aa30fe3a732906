"""Packets of a connection that never was, in the eyes of Wireshark."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.synthetic import LARGEST_PAYLOAD, Packet, SyntheticTCP
from mailproxy.proto.tokens import Side
from tests.capture.said import events
from tests.capture.tshark import fields, messages, tshark, warnings

FOUR = (("192.0.2.1", 40_000), ("192.0.2.2", 110))
SIX = (("2001:db8::1", 40_000), ("2001:db8::2", 110))
MIXED = (("192.0.2.1", 40_000), ("2001:db8::2", 110))
MAIL = b"Subject: large\r\n\r\n" + b"".join(b"%d octets of a line\r\n" % number for number in range(9_000))


def written(path: Path, packets: list[Packet]) -> Path:
    with path.open("wb") as file:
        file.write(blocks.section_header("test") + blocks.interface("client side"))
        for number, packet in enumerate(packets):
            before, behind = blocks.packet(0, number * 10**6, packet.headers, packet.octets)
            file.writelines((before, *packet.pieces, behind))
    return path


def pop3(connection: SyntheticTCP) -> list[Packet]:
    packets = connection.open()
    packets += connection.data(Side.SERVER, [b"+OK hello\r\n"])
    packets += connection.data(Side.CLIENT, [b"RE", b"TR 1\r\n"])
    packets += connection.data(Side.SERVER, [b"+OK %d octets\r\n" % len(MAIL)])
    packets += connection.data(Side.SERVER, [MAIL[:70_000], MAIL[70_000:]])
    packets += connection.data(Side.SERVER, [b".\r\n"])
    return packets + connection.close()


@pytest.mark.parametrize(
    ("ends", "sequence"),
    [(FOUR, 0), (FOUR, 2**32 - 1), (FOUR, 2**32 + 5), (SIX, 2**32 - 100_000), (MIXED, 7)],
)
def test_a_session_without_a_complaint(
    tmp_path: Path, ends: tuple[tuple[str, int], tuple[str, int]], sequence: int
) -> None:
    file = written(tmp_path / "a.pcapng", pop3(SyntheticTCP(*ends, sequence)))
    assert warnings(file) == ""
    assert MAIL in messages(file)
    told = events(file)
    assert told[1:] == [
        "SERVER +OK hello\r\n",
        "CLIENT RETR 1\r\n",
        f"SERVER +OK {len(MAIL)} octets\r\n{MAIL.decode()}.\r\n",
        "closed fin",
    ]


def test_ip_checksums_are_right(tmp_path: Path) -> None:
    file = written(tmp_path / "a.pcapng", pop3(SyntheticTCP(*FOUR)))
    said = tshark(file, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-e", "ip.checksum.status")
    assert set(said.split()) == {"1"}


def test_two_families_are_made_one(tmp_path: Path) -> None:
    file = written(tmp_path / "a.pcapng", SyntheticTCP(*MIXED).open())
    assert fields(file, "ipv6.src", "ipv6.dst")[0] == ["::ffff:192.0.2.1", "2001:db8::2"]


@pytest.mark.parametrize(
    ("text", "source"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("no address", "0.0.0.0"), ("", "0.0.0.0")],
)
def test_odd_addresses(tmp_path: Path, text: str, source: str) -> None:
    file = written(tmp_path / "a.pcapng", SyntheticTCP((text, 1), FOUR[1]).open())
    assert fields(file, "ip.src")[0] == [source]


def test_a_zone_is_left_out(tmp_path: Path) -> None:
    file = written(tmp_path / "a.pcapng", SyntheticTCP(("fe80::1%eth0", 1), SIX[1]).open())
    assert fields(file, "ipv6.src")[0] == ["fe80::1"]


def test_what_was_lost_is_a_gap(tmp_path: Path) -> None:
    connection = SyntheticTCP(*FOUR)
    packets = connection.open()
    connection.data(Side.SERVER, [bytes(1_000)])  # and they do not reach the file
    packets += connection.data(Side.SERVER, [b"xyz\r\n"]) + connection.close()
    assert events(written(tmp_path / "a.pcapng", packets))[1] == "hole SERVER 1000"
    assert "Previous segment(s) not captured" in warnings(tmp_path / "a.pcapng")


def test_a_reset(tmp_path: Path) -> None:
    connection = SyntheticTCP(*FOUR)
    file = written(tmp_path / "a.pcapng", connection.open() + connection.reset())
    assert events(file)[1:] == ["closed rst"]


def test_no_packet_is_too_large_and_none_is_empty() -> None:
    pieces = [b"", b"a" * (LARGEST_PAYLOAD - 1), b"bb", b"", b"c" * (3 * LARGEST_PAYLOAD)]
    packets = SyntheticTCP(*SIX).data(Side.SERVER, pieces)
    said = b"".join(bytes(piece) for packet in packets for piece in packet.pieces)
    assert said == b"".join(pieces)
    assert [packet.octets for packet in packets] == [60_000, 60_000, 60_000, 60_000, 1]


@pytest.mark.parametrize("reply", [b"+OK", b"-ERR"])
@pytest.mark.parametrize("before", range(59_996, 60_003))
def test_no_packet_in_a_run_begins_like_a_reply(reply: bytes, before: int) -> None:
    run = b"x" * before + reply + b" and so on"
    first, second = (b"".join(packet.pieces) for packet in SyntheticTCP(*FOUR).data(Side.SERVER, [run]))
    assert first + second == run
    assert not second.startswith(reply)


def test_pieces_that_fit_are_not_copied() -> None:
    piece = b"x" * LARGEST_PAYLOAD
    [packet] = SyntheticTCP(*FOUR).data(Side.SERVER, [piece])
    assert packet.pieces[0] is piece


def test_a_large_download_is_acknowledged_on_its_way(tmp_path: Path) -> None:
    connection = SyntheticTCP(*FOUR)
    packets = connection.open() + connection.data(Side.SERVER, [bytes(60_000)] * 100)
    file = written(tmp_path / "a.pcapng", packets)
    under_way = [int(row[0]) for row in fields(file, "tcp.analysis.bytes_in_flight") if row[0]]
    assert max(under_way) == 16 * 60_000

"""Blocks as Wireshark reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.synthetic import SyntheticTCP
from tests.capture.tshark import fields, tshark

MOMENT = 1_700_000_000_123_456_789


def file(path: Path, comments: list[str]) -> Path:
    packet = SyntheticTCP(("192.0.2.1", 40_000), ("192.0.2.2", 110)).open()[0]
    before, behind = blocks.packet(1, MOMENT, packet.headers, 0, comments)
    heads = blocks.section_header("mailproxy 1.2") + blocks.interface("client side")
    path.write_bytes(heads + blocks.interface("server side") + before + behind)
    return path


@pytest.mark.parametrize("comments", [["one"], ["", "mailproxy end {}"], ["ä" * 3, "b", "c" * 8000]])
def test_comments_and_interface_of_a_packet(tmp_path: Path, comments: list[str]) -> None:
    names = ("frame.time_epoch", "frame.interface_name", "frame.comment")
    [[moment, interface, said]] = fields(file(tmp_path / "a.pcapng", comments), *names)
    assert (moment, interface) == ("1700000000.123456789", "server side")
    assert said == ",".join(comments)


def test_the_program_is_named(tmp_path: Path) -> None:
    assert "mailproxy 1.2" in file(tmp_path / "a.pcapng", []).read_bytes().decode("latin-1")
    assert tshark(tmp_path / "a.pcapng", "-V").count("Encapsulation type: Raw IP (7)") == 1


@pytest.mark.parametrize("octets", range(9))
def test_blocks_are_whole_words(octets: int) -> None:
    before, behind = blocks.packet(0, 0, b"", octets, ["x" * octets])
    whole = len(before) + octets + len(behind)
    assert whole % 4 == 0
    assert before[4:8] == behind[-4:] == whole.to_bytes(4, "little")


def test_a_comment_too_long_for_an_option_is_cut() -> None:
    before, behind = blocks.packet(0, 0, b"", 0, ["x" * 70_000])
    assert behind.count(b"x") == 65_535
    assert len(before) + len(behind) == int.from_bytes(before[4:8], "little")

"""What is left out of a file is told, and nobody takes it for lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.left_out import left_out
from mailproxy.capture.synthetic import SyntheticTCP
from mailproxy.proto.tokens import Side
from tests.capture.said import events
from tests.capture.test_synthetic import FOUR, SIX, written
from tests.capture.tshark import warnings


@pytest.mark.parametrize("ends", [FOUR, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("octets", [1, 60_000, 60_001, 1_000_000])
def test_what_is_left_out_is_told_and_nobody_complains(
    tmp_path: Path, octets: int, ends: tuple[tuple[str, int], tuple[str, int]]
) -> None:
    connection = SyntheticTCP(*ends, 2**32 - 10)
    file = written(tmp_path / "a.pcapng", connection.open() + connection.data(Side.SERVER, [b"+OK abc"]))
    with file.open("ab") as more:
        more.writelines(left_out(connection, Side.SERVER, octets, 0, 10**9))
        for packet in connection.data(Side.SERVER, [b"xyz\r\n"]) + connection.close():
            before, behind = blocks.packet(0, 2 * 10**9, packet.headers, packet.octets)
            more.writelines((before, *packet.pieces, behind))
    assert events(file)[1:] == [
        "SERVER +OK abc", f"hole SERVER {octets}", "SERVER xyz\r\n", "closed fin",
    ]  # fmt: skip
    assert warnings(file) == ""

"""A file that was cut anywhere ends with its last whole block again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.whole_blocks import end_of_whole_blocks
from tests.capture.tshark import fields

HEAD = blocks.section_header("mailproxy 1") + blocks.interface("client side")


def one(comment: str) -> bytes:
    return b"".join(blocks.packet(0, 0, bytes.fromhex("45000014000040004006"), 0, [comment]))


def end(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return end_of_whole_blocks(descriptor)
    finally:
        os.close(descriptor)


def test_cut_at_every_octet(tmp_path: Path) -> None:
    parts = [
        HEAD[: -len(blocks.interface("client side"))],
        blocks.interface("client side"),
        one("a"),
        one("bb"),
    ]
    whole = b"".join(parts)
    ends = {sum(map(len, parts[:count])) for count in range(len(parts) + 1)}
    for octets in range(len(whole) + 1):
        (tmp_path / "a").write_bytes(whole[:octets])
        assert end(tmp_path / "a") == max(place for place in ends if place <= octets)


@pytest.mark.parametrize("garbage", [bytes(100), b"\xff" * 100, b"\x06\0\0\0\x10\0\0\0" + b"x" * 50])
def test_garbage_behind_whole_blocks(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "a").write_bytes(HEAD + one("a") + garbage)
    assert end(tmp_path / "a") == len(HEAD + one("a"))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1_000), one("a")])
def test_none_of_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert end(tmp_path / "a") == 0


def test_wireshark_agrees(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes((HEAD + one("a") + one("b"))[:-5])
    os.truncate(path, end(path))
    assert fields(path, "frame.comment") == [["a"]]

"""Finished files are packed, and removed in time; what a crash left is finished first."""

from __future__ import annotations

import fcntl
import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.finished import Finished
from tests.capture.tshark import fields

NOW = 1_800_000_000.0
DAY = 86_400.0
HEAD = blocks.section_header("mailproxy 1") + blocks.interface("client side")
PACKET = b"".join(blocks.packet(0, 0, bytes.fromhex("45000014000040004006"), 0, ["one"]))


def finished(folder: Path, total: int = 10**9, compress: bool = False) -> Finished:
    return Finished(folder, total, 7, compress, lambda: NOW)


def name(number: int, rest: str = ".pcapng") -> str:
    return f"mailproxy-20261122T125130Z-{number:04d}{rest}"


def make(path: Path, content: bytes = HEAD + PACKET, age: float = 100.0) -> Path:
    path.write_bytes(content)
    os.utime(path, (NOW - age, NOW - age))
    return path


@contextmanager
def written_by_another(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("cut", range(0, len(PACKET), 4))
def test_a_file_cut_off_by_a_crash(tmp_path: Path, cut: int) -> None:
    path = make(tmp_path / name(1), HEAD + PACKET + PACKET[:cut])
    finished(tmp_path).recover()
    assert path.read_bytes() == HEAD + PACKET


def test_packed_files_are_the_same_file(tmp_path: Path) -> None:
    make(tmp_path / name(1), HEAD + PACKET + b"x")
    finished(tmp_path, compress=True).recover()
    packed = tmp_path / name(1, ".pcapng.gz")
    assert names(tmp_path) == [packed.name]
    assert gzip.decompress(packed.read_bytes()) == HEAD + PACKET
    assert packed.stat().st_mode & 0o777 == 0o600
    assert fields(packed, "frame.comment") == [["one"]]


def test_packing_does_not_make_a_file_younger(tmp_path: Path) -> None:
    path = make(tmp_path / name(1), age=50_000.0)
    descriptor = os.open(path, os.O_RDWR)
    finished(tmp_path, compress=True).finish(path, descriptor)
    os.close(descriptor)
    assert (tmp_path / name(1, ".pcapng.gz")).stat().st_mtime == NOW - 50_000.0


def test_what_packing_left_in_a_crash_is_removed(tmp_path: Path) -> None:
    make(tmp_path / name(1, ".pcapng.gz.part"), b"half")
    make(tmp_path / name(1))
    finished(tmp_path).recover()
    assert names(tmp_path) == [name(1)]


def test_files_of_a_living_process_are_left_alone(tmp_path: Path) -> None:
    path = make(tmp_path / name(1), HEAD + PACKET[:5], age=30 * DAY)
    part = make(tmp_path / name(2, ".pcapng.gz.part"), b"half", age=30 * DAY)
    with written_by_another(path), written_by_another(part):
        finished(tmp_path, total=1).recover()
        assert finished(tmp_path, total=1).expire() > 0
    assert path.read_bytes() == HEAD + PACKET[:5]
    assert part.exists()


@pytest.mark.parametrize("content", [b"", b"no capture", HEAD[:20]])
def test_files_without_a_block_are_removed(tmp_path: Path, content: bytes) -> None:
    make(tmp_path / name(1), content)
    finished(tmp_path).recover()
    assert names(tmp_path) == []


def test_an_empty_file_may_be_somebodys_new_one(tmp_path: Path) -> None:
    make(tmp_path / name(1), b"", age=1.0)
    finished(tmp_path).recover()
    finished(tmp_path, total=0).expire()
    assert names(tmp_path) == [name(1)]


def test_the_oldest_are_removed_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    for number in range(1, 6):
        make(tmp_path / name(number), bytes(100))
    assert finished(tmp_path, total=299).expire() == 0
    assert names(tmp_path) == [name(4), name(5)]


def test_octets_that_are_being_written_count_but_stay(tmp_path: Path) -> None:
    make(tmp_path / name(1), bytes(500))
    make(tmp_path / name(2), bytes(100))
    with written_by_another(tmp_path / name(1)):
        assert finished(tmp_path, total=300).expire() == 200
    assert names(tmp_path) == [name(1)]


def test_old_files_are_removed(tmp_path: Path) -> None:
    make(tmp_path / name(1, ".pcapng.gz"), age=7 * DAY + 1)
    make(tmp_path / name(2, "-pop3-x.pcapng"), age=7 * DAY - 1)
    finished(tmp_path).expire()
    assert names(tmp_path) == [name(2, "-pop3-x.pcapng")]


@pytest.mark.parametrize("other", ["notes.txt", "mine.pcapng", "mailproxy-1.pcapng", name(1, ".pcapng.bak")])
def test_files_of_others_are_left_alone(tmp_path: Path, other: str) -> None:
    make(tmp_path / other, age=99 * DAY)
    finished(tmp_path, total=0, compress=True).recover()
    finished(tmp_path, total=0).expire()
    assert names(tmp_path) == [other]


def test_links_are_left_alone(tmp_path: Path) -> None:
    target = make(tmp_path / "target", b"no capture")
    (tmp_path / name(1)).symlink_to(target)
    finished(tmp_path, total=0).recover()
    finished(tmp_path, total=0).expire()
    assert target.read_bytes() == b"no capture"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    finished(tmp_path / "none").recover()
    assert finished(tmp_path / "none").expire() == 0


def test_a_file_that_cannot_be_packed_stays(tmp_path: Path) -> None:
    path = make(tmp_path / name(1))
    (tmp_path / name(1, ".pcapng.gz.part")).mkdir()
    finished(tmp_path, compress=True).recover()
    assert path.read_bytes() == HEAD + PACKET

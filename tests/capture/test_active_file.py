"""Whole blocks in a file, whatever the disk does."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailproxy.capture.active_file import ActiveFile, FolderGone, Write
from mailproxy.capture.synthetic import Payload
from mailproxy.capture.waiting import Blocks

HEAD = b"head"


def block(*buffers: bytes) -> Blocks:
    return Blocks("s", "pop3", buffers, sum(map(len, buffers)), 0)


class Disk:
    """A disk with room for so many octets, that takes a few of them at a time."""

    def __init__(self, room: int, step: int) -> None:
        self.room = room
        self.step = step

    def write(self, descriptor: int, buffers: Sequence[Payload]) -> int:
        octets = b"".join(buffers)[: min(self.step, self.room)]
        if not octets:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(octets)
        return os.write(descriptor, octets)


def new(folder: Path, label: str = "", write: Write = os.writev) -> ActiveFile:
    return ActiveFile(folder, 1_795_351_890.0, 1, label, HEAD, write)


def test_name_and_modes(tmp_path: Path) -> None:
    file = new(tmp_path / "a" / "b")
    try:
        assert file.path == tmp_path / "a" / "b" / "mailproxy-20261122T125130Z-0001.pcapng"
        assert file.path.stat().st_mode & 0o777 == 0o600
        assert file.path.parent.stat().st_mode & 0o777 == 0o700
    finally:
        file.close()


def test_no_name_is_taken_twice(tmp_path: Path) -> None:
    (tmp_path / "mailproxy-20261122T125130Z-0002.pcapng.gz").touch()
    files = [new(tmp_path) for _ in range(3)]
    for file in files:
        file.close()
    assert [file.number for file in files] == [1, 3, 4]


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mailproxy-20261122T125130Z-0001.pcapng").symlink_to(tmp_path / "elsewhere")
    new(tmp_path).close()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("label", ["pop3-../../etc/passwd", "pop3-\n", "pop3-" + "x" * 5_000])
def test_no_label_leads_out_of_the_folder(tmp_path: Path, label: str) -> None:
    file = new(tmp_path, label)
    file.close()
    assert file.path.parent == tmp_path
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
def test_short_writes_are_gone_on_with(tmp_path: Path, step: int) -> None:
    file = new(tmp_path, write=Disk(10**6, step).write)
    assert file.write([block(b"ab", b"", b"cdef"), block(b"gh")]) == 2
    file.close()
    assert file.path.read_bytes() == HEAD + b"abcdefgh"


@pytest.mark.parametrize("room", range(12))
@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_full_disk_leaves_whole_blocks(tmp_path: Path, room: int, step: int) -> None:
    disk = Disk(room + len(HEAD), step)
    file = new(tmp_path, write=disk.write)
    blocks = [block(b"ab", b"cd"), block(b"efgh"), block(b"ijkl")]
    written = file.write(blocks)
    assert written == room // 4
    assert file.trouble is not None
    assert not file.broken
    assert file.path.read_bytes() == HEAD + b"abcdefghijkl"[: 4 * written]
    disk.room = 1_000
    assert file.write(blocks[written:]) == 3 - written
    file.close()
    assert file.path.read_bytes() == HEAD + b"abcdefghijkl"
    assert file.octets == len(HEAD) + 12


def test_an_end_that_cannot_be_cut_off_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int, octets: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    file = new(tmp_path, write=Disk(10, 100).write)
    monkeypatch.setattr(os, "ftruncate", fails)
    assert file.write([block(b"abcd"), block(b"efgh")]) == 1
    assert file.broken
    file.close()


def test_more_buffers_than_one_write_takes(tmp_path: Path) -> None:
    file = new(tmp_path)
    assert file.write([block(b"a", b"b", b"c")] * 3_000 + [block(*[b"x"] * 3_000)]) == 3_001
    file.close()
    assert file.path.read_bytes() == HEAD + b"abc" * 3_000 + b"x" * 3_000


def test_a_file_that_takes_nothing_does_not_stay(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        new(tmp_path, write=Disk(2, 1).write)
    assert list(tmp_path.iterdir()) == []


def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    file = new(tmp_path)
    file.check()
    file.path.unlink()
    with pytest.raises(FolderGone, match="was removed"):
        file.check()
    file.close()

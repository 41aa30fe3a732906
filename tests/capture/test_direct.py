"""Much at once goes past the page cache in whole sectors; a file says the same, either way it was written."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.active_file import ActiveFile
from mailproxy.capture.direct import LEAST, MOST, SECTOR, DirectIO
from mailproxy.capture.synthetic import Payload, SyntheticTCP
from mailproxy.capture.waiting import Blocks
from mailproxy.capture.whole_blocks import end_of_whole_blocks
from mailproxy.proto.tokens import Side
from tests.capture.tshark import fields

HEAD = blocks.section_header("mailproxy") + blocks.interface("client side") + blocks.interface("server side")


class Disk:
    """Takes writes, and checks those that go past the cache as the kernel would.

    ``refused``: such are refused with this error. ``short``: they take so many octets less. ``room``: of all
    writes. It works on file systems without direct I/O, too: what is checked is what they are asked for.
    """

    def __init__(self, refused: int = 0, short: int = 0, room: int = 1 << 40) -> None:
        self.refused = refused
        self.short = short
        self.room = room
        self.direct: list[int] = []  # octets of each write past the cache

    def write(self, descriptor: int, buffers: Sequence[Payload]) -> int:
        octets = b"".join(buffers)
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        if flags & os.O_DIRECT:
            assert len(octets) % SECTOR == os.fstat(descriptor).st_size % SECTOR == 0
            assert len(buffers) == 1
            self.direct.append(len(octets))
            if self.refused:
                raise OSError(self.refused, os.strerror(self.refused))
            octets = octets[: len(octets) - self.short]
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        octets = octets[: self.room]
        if not octets:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(octets)
        return os.write(descriptor, octets)


@pytest.fixture(autouse=True)
def direct_io(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "try", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_DIRECT)
    except OSError:
        pytest.skip("the file system of the temporary folder has no direct I/O")
    finally:
        os.close(descriptor)


def said(seed: int) -> Iterator[list[Blocks]]:
    """Runs of packets, of some octets or of some million, and at the end none that is large."""
    random = Random(seed)
    tcp = SyntheticTCP(("192.0.2.1", 40_000), ("192.0.2.2", 110))
    for octets in [*random.sample([10, 5_000, LEAST // 2, LEAST, 3 * LEAST, MOST, MOST + LEAST], 7), 10]:
        run = []
        for packet in tcp.data(Side.SERVER, [random.randbytes(octets + random.randrange(8))]):
            before, behind = blocks.packet(1, 0, packet.headers, packet.octets)
            buffers = (before, *packet.pieces, behind)
            run.append(Blocks("s", "pop3", buffers, sum(map(len, buffers)), packet.octets))
        yield run


def without_fillers(octets: bytes) -> bytes:
    kept, at = [], 0
    while at < len(octets):
        length = int.from_bytes(octets[at + 4 : at + 8], "little")
        if octets[at] != 4:
            kept.append(octets[at : at + length])
        at += length
    return b"".join(kept)


def written(folder: Path, disk: Disk, direct: DirectIO, seed: int, hurry: bool = False) -> int:
    """Writes all, as often as it takes; how many times the disk was full. The file must hold all of it."""
    file = ActiveFile(folder, 0.0, 1, "", HEAD, disk.write, direct)
    whole, full = [HEAD], 0
    for run in said(seed):
        done = file.write(run, hurry)
        while done < len(run):
            assert not file.broken
            assert file.octets == file.path.stat().st_size == end_of_whole_blocks(file.descriptor)
            full += 1
            disk.room += MOST
            done += file.write(run[done:], hurry)
        whole += [bytes(buffer) for block in run for buffer in block.buffers]
    file.close()
    octets = file.path.read_bytes()
    assert len(octets) == file.octets
    assert without_fillers(octets) == b"".join(whole)
    return full


@pytest.mark.parametrize("seed", range(4))
def test_what_is_large_goes_past_the_cache(tmp_path: Path, seed: int) -> None:
    disk, direct = Disk(), DirectIO()
    assert written(tmp_path, disk, direct, seed) == 0
    assert direct.works
    assert len(disk.direct) >= 5
    assert all(LEAST <= octets <= MOST for octets in disk.direct)


@pytest.mark.parametrize("seed", range(4))
def test_with_the_kernel_itself(tmp_path: Path, seed: int) -> None:
    class Kernel(Disk):
        def write(self, descriptor: int, buffers: Sequence[Payload]) -> int:
            return os.writev(descriptor, buffers)

    assert written(tmp_path, Kernel(), DirectIO(), seed) == 0


def test_a_hurry_leaves_it_to_the_cache(tmp_path: Path) -> None:
    disk = Disk()
    assert written(tmp_path, disk, DirectIO(), 1, hurry=True) == 0
    assert disk.direct == []


@pytest.mark.parametrize("refused", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_system_without_it_is_asked_once(tmp_path: Path, refused: int) -> None:
    disk, direct = Disk(refused), DirectIO()
    assert written(tmp_path, disk, direct, 1) == 0
    assert not direct.works
    assert len(disk.direct) == 1


def test_an_error_of_the_disk_is_left_to_the_usual_way(tmp_path: Path) -> None:
    disk, direct = Disk(errno.EIO), DirectIO()
    assert written(tmp_path, disk, direct, 1) == 0
    assert direct.works
    assert len(disk.direct) >= 5


@pytest.mark.parametrize("short", [512, 4096, 100_000])
def test_what_was_written_in_part_is_written_again(tmp_path: Path, short: int) -> None:
    assert written(tmp_path, Disk(short=short), DirectIO(), 1) == 0


@pytest.mark.parametrize("room", [0, 5_000, LEAST, 2 * LEAST + 4096])
def test_a_full_disk(tmp_path: Path, room: int) -> None:
    assert written(tmp_path, Disk(room=room + len(HEAD)), DirectIO(), 2) > 0


def test_an_end_that_cannot_be_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to be written is there, and nothing else of which somebody would think so."""

    def fails(descriptor: int, octets: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    run = next(run for run in said(1) if LEAST < sum(block.octets for block in run) < MOST)
    file = ActiveFile(tmp_path, 0.0, 1, "", HEAD, Disk(room=len(HEAD) + LEAST).write, DirectIO())
    monkeypatch.setattr(os, "ftruncate", fails)
    done = file.write(run)
    assert 10 < done < len(run)
    assert file.broken
    end = end_of_whole_blocks(file.descriptor)
    file.close()
    whole = without_fillers(file.path.read_bytes()[:end])
    assert whole == HEAD + b"".join(bytes(buffer) for block in run[:done] for buffer in block.buffers)


@pytest.mark.parametrize("octets", [0, *range(4, 200, 4), 4092, 4096])
def test_a_filler_is_as_long_as_it_has_to_be(octets: int) -> None:
    filler = blocks.filler(octets, SECTOR)
    assert len(filler) % SECTOR == octets % SECTOR
    assert len(filler) <= octets + (SECTOR if octets < 16 else 0)
    if filler:
        assert filler[4:8] == filler[-4:] == len(filler).to_bytes(4, "little")


def test_wireshark_passes_over_fillers(tmp_path: Path) -> None:
    packets = SyntheticTCP(("192.0.2.1", 40_000), ("192.0.2.2", 110)).open()
    file = HEAD
    for octets in range(0, SECTOR, 4):
        packet = packets[octets // 4 % 3]
        file += b"".join(blocks.packet(0, octets, packet.headers, 0)) + blocks.filler(octets, SECTOR)
    path = tmp_path / "fillers.pcapng"
    path.write_bytes(file)
    assert fields(path, "frame.number") == [[str(number + 1)] for number in range(SECTOR // 4)]

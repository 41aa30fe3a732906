"""Which file a block goes to, and when a new one begins."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.files import CHECKED_EVERY, Files, Options
from mailproxy.capture.synthetic import Payload
from mailproxy.capture.waiting import Blocks, Item, SessionOver
from mailproxy.capture.whole_blocks import end_of_whole_blocks

HEAD = len(
    blocks.section_header("mailproxy") + blocks.interface("client side") + blocks.interface("server side")
)
MOMENT = 1_795_351_890.0


def block(session: str, octets: int = 100) -> Blocks:
    length = octets.to_bytes(4, "little")
    return Blocks(session, "pop3", (b"\6\0\0\0", length, bytes(octets - 12), length), octets, 0)


@dataclass
class Bench:
    folder: Path
    time: float = 0.0
    full: bool = False
    torn: bool = False  # full in the middle of the next block
    made: list[Files] = field(default_factory=list)

    def files(self, **options: object) -> Files:
        chosen = Options(**{"folder": self.folder, "compress": False, **options})  # type: ignore[arg-type]
        files = Files(chosen, lambda: self.time, lambda: MOMENT + self.time, self.write)
        self.made.append(files)
        return files

    def write(self, descriptor: int, buffers: Sequence[Payload]) -> int:
        if self.torn:
            self.torn, self.full = False, True
            return os.write(descriptor, bytes(buffers[0])[:3])
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.writev(descriptor, buffers)

    def sizes(self) -> list[int]:
        """Octets of blocks in each file, without its head, in the order of the names."""
        return [path.stat().st_size - HEAD for path in sorted(self.folder.iterdir())]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "captures")
    yield bench
    for files in bench.made:
        files.close(30)


def put(files: Files, *items: Item) -> None:
    assert files.write(items) == (len(items), None)


def test_all_sessions_in_one_file(bench: Bench) -> None:
    files = bench.files()
    put(files, block("a"), block("b"), SessionOver("a"))
    put(files, block("b"))
    assert bench.names() == ["mailproxy-20261122T125130Z-0001.pcapng"]
    assert bench.sizes() == [300]


def test_a_file_for_each_session(bench: Bench) -> None:
    files = bench.files(per_session=True)
    put(files, block("a"), block("b"), block("b"), block("a"))
    assert bench.names() == [
        "mailproxy-20261122T125130Z-0001-pop3-a.pcapng",
        "mailproxy-20261122T125130Z-0002-pop3-b.pcapng",
    ]
    assert bench.sizes() == [200, 200]
    put(files, SessionOver("a"), block("a"))
    assert bench.sizes() == [200, 200, 100]


def test_no_file_grows_over_its_limit(bench: Bench) -> None:
    files = bench.files(file_octets=HEAD + 312)
    put(files, *[block("a")] * 7)
    put(files, block("a", 1_000), block("a"))
    assert bench.sizes() == [300, 300, 100, 1_000, 100]


def test_a_file_ends_with_its_time(bench: Bench) -> None:
    files = bench.files(file_seconds=60.0)
    put(files, block("a"))
    bench.time = 59.0
    put(files, block("a"))
    bench.time = 60.0
    put(files, block("a"))
    assert bench.sizes() == [200, 100]


def test_a_file_ends_with_its_time_though_nothing_comes(bench: Bench) -> None:
    files = bench.files(file_seconds=60.0, compress=True)
    put(files, block("a"))
    bench.time = 60.0
    files.tick()
    files.close(30)
    bench.made.clear()
    assert bench.names() == ["mailproxy-20261122T125130Z-0001.pcapng.gz"]


def test_a_full_disk_is_gone_on_with_in_the_same_file(bench: Bench) -> None:
    files = bench.files()
    put(files, block("a"))
    bench.full = True
    done, trouble = files.write([block("a"), block("a")])
    assert done == 0
    assert trouble is not None
    assert trouble.errno == errno.ENOSPC
    bench.full = False
    put(files, block("a"), block("a"))
    assert bench.sizes() == [300]


def test_a_disk_that_is_full_from_the_start(bench: Bench) -> None:
    files = bench.files()
    bench.full = True
    assert files.write([block("a")])[0] == 0
    bench.full = False
    put(files, block("a"))
    assert bench.sizes() == [100]


@pytest.mark.parametrize("per_session", [False, True])
def test_a_removed_folder_is_made_again(bench: Bench, per_session: bool) -> None:
    files = bench.files(per_session=per_session)
    put(files, block("a"))
    shutil.rmtree(bench.folder)
    bench.time = CHECKED_EVERY
    put(files, block("a"))
    assert bench.sizes() == [100]


def test_a_folder_that_cannot_be_made(bench: Bench) -> None:
    files = bench.files()
    bench.folder.write_text("no folder")
    done, trouble = files.write([block("a")])
    assert done == 0
    assert trouble is not None
    bench.folder.unlink()
    put(files, block("a"))
    assert bench.sizes() == [100]


def test_an_end_that_is_no_whole_block_is_not_gone_on_from(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int, octets: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    files = bench.files()
    put(files, block("a"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", fails)
        bench.torn = True
        assert files.write([block("a")])[0] == 0
    bench.full = False
    put(files, block("a"))
    files.close(30)
    bench.made.clear()
    assert len(bench.names()) == 2
    for name in bench.names():
        with (bench.folder / name).open("rb") as file:
            assert end_of_whole_blocks(file.fileno()) == os.fstat(file.fileno()).st_size


def test_when_all_files_are_being_written_the_oldest_is_given_up(bench: Bench) -> None:
    files = bench.files(per_session=True)
    put(files, block("a"), block("b"))
    files._keeper.over = 1
    files.tick()
    put(files, block("a"), block("b"))
    assert bench.sizes() == [100, 200, 100]

"""Files are finished in a thread of its own."""

from __future__ import annotations

from pathlib import Path

from mailproxy.capture import blocks
from mailproxy.capture.active_file import ActiveFile
from mailproxy.capture.finished import Finished
from mailproxy.capture.keeper import Keeper
from tests.capture.test_finished import names

HEAD = blocks.section_header("mailproxy 1")


def new(folder: Path, moment: float) -> ActiveFile:
    return ActiveFile(folder, moment, 1, "", HEAD)


def test_files_are_finished_and_limits_held(tmp_path: Path) -> None:
    keeper = Keeper(Finished(tmp_path, 2 * len(HEAD), 7, compress=False))
    for moment in range(4):
        keeper.finish(new(tmp_path, float(moment)))
    keeper.close(30)
    assert names(tmp_path) == [
        "mailproxy-19700101T000002Z-0001.pcapng",
        "mailproxy-19700101T000003Z-0001.pcapng",
    ]


def test_closing_packs_what_was_handed_over(tmp_path: Path) -> None:
    keeper = Keeper(Finished(tmp_path, 10**6, 7, compress=True))
    keeper.finish(new(tmp_path, 0.0))
    keeper.close(30)
    assert names(tmp_path) == ["mailproxy-19700101T000000Z-0001.pcapng.gz"]


def test_a_crash_is_cleared_up_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "mailproxy-20200101T000000Z-0001.pcapng").write_bytes(HEAD + b"half a block")
    Keeper(Finished(tmp_path, 10**6, 1_000_000, compress=False)).close(30)
    assert (tmp_path / "mailproxy-20200101T000000Z-0001.pcapng").read_bytes() == HEAD

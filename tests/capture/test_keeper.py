"""Files are finished in a thread of its own."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.active_file import ActiveFile
from mailproxy.capture.finished import Finished
from mailproxy.capture.keeper import Keeper
from tests.capture.test_finished import names
from tests.waiting import until

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


def test_files_that_wait_do_not_use_up_all_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished, may = Finished(tmp_path, 10**9, 1_000_000, compress=True), threading.Event()
    finish = finished.finish

    def slow(path: Path, descriptor: int, broken: bool = False) -> None:
        assert may.wait(30)
        finish(path, descriptor, broken)

    monkeypatch.setattr(finished, "finish", slow)
    monkeypatch.setattr("mailproxy.capture.keeper._TICK", 0.01)
    keeper = Keeper(finished)
    files = [new(tmp_path, float(moment)) for moment in range(100)]
    for file in files:
        keeper.finish(file)
    assert sum(_is_open(file) for file in files) < 50
    may.set()
    until(lambda: all(name.endswith(".gz") for name in names(tmp_path)), "packed files")
    keeper.close(30)
    assert len(names(tmp_path)) == 100


def _is_open(file: ActiveFile) -> bool:
    try:
        return os.fstat(file.descriptor).st_ino == os.stat(file.path).st_ino
    except OSError:
        return False


def test_a_flaw_in_finishing_one_file_leaves_the_others_to_be_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = Finished(tmp_path, 10**9, 1_000_000, compress=True)
    finish = finished.finish

    def flawed(path: Path, descriptor: int, broken: bool = False) -> None:
        if "T000000Z" in path.name:
            raise ValueError
        finish(path, descriptor, broken)

    monkeypatch.setattr(finished, "finish", flawed)
    keeper = Keeper(finished)
    for moment in range(2):
        keeper.finish(new(tmp_path, float(moment)))
    keeper.close(30)
    assert names(tmp_path) == [
        "mailproxy-19700101T000000Z-0001.pcapng",
        "mailproxy-19700101T000001Z-0001.pcapng.gz",
    ]

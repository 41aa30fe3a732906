"""mailproxy.record.sink: a log that cannot be written costs lines, and never a session."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

import pytest

from mailproxy.record.log import Log
from mailproxy.record.sink import BATCH, LARGEST_BACKLOG, Sink


class Disk:
    """Stands in for os.write: takes at most ``room`` octets, then fails."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if descriptor == 2:
            return self.write(descriptor, data)
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = self.write(descriptor, data[: self.room])
        self.room -= done
        return done


@pytest.fixture
def sink(tmp_path):
    told = []
    sink = Sink(str(tmp_path / "log"), lambda *counts: told.append(counts))
    sink.told = told
    yield sink
    sink.close()


def content(sink: Sink) -> bytes:
    with open(sink.file, "rb") as file:
        return file.read()


def test_modes(sink):
    assert stat.S_IMODE(os.stat(sink.file).st_mode) & 0o137 == 0


def test_written_in_batches(sink):
    line = b"x" * 1023 + b"\n"
    for _ in range(BATCH // 1024 - 1):
        sink.write(line)
    assert content(sink) == b""
    sink.write(line)
    assert len(content(sink)) == BATCH


def test_a_full_disk_is_said_once_and_made_up_for(sink, monkeypatch, capfd):
    disk = Disk()
    monkeypatch.setattr(os, "write", disk)
    for number in range(5):
        sink.urgent(b"%d\n" % number)
        sink.flush()
    said = capfd.readouterr().err
    assert (
        said
        == f"mailproxy: cannot write the log {sink.file}: No space left on device; mail goes on without\n"
    )
    assert (sink.failures, content(sink)) == (6, b"")
    disk.room = 1000
    sink.flush()
    assert content(sink) == b"0\n1\n2\n3\n4\n"
    assert sink.told == [(6, 0)]
    sink.urgent(b"5\n")
    assert sink.told == [(6, 0)]


@pytest.mark.parametrize("room", range(1, 12))
def test_lines_written_in_part_go_on_where_they_stopped(sink, room, monkeypatch):
    disk = Disk(room)
    monkeypatch.setattr(os, "write", disk)
    for line in (b"abc\n", b"de\n", b"fgh\n"):
        sink.write(line)
    sink.flush()
    assert content(sink) == b"abc\nde\nfgh\n"[:room]
    sink.flush()
    disk.room = 2
    sink.flush()
    disk.room = 100
    sink.write(b"i\n")
    sink.flush()
    assert content(sink) == b"abc\nde\nfgh\ni\n"


def test_the_backlog_is_bounded(sink, monkeypatch):
    disk = Disk(3)
    monkeypatch.setattr(os, "write", disk)
    count = 3 * LARGEST_BACKLOG // 1024
    for number in range(count):
        sink.write(b"%06d %s\n" % (number, b"x" * 1016))
    assert sink._octets <= LARGEST_BACKLOG
    disk.room = 1 << 30
    sink.flush()
    lines = content(sink).splitlines()
    assert lines[0].startswith(b"000000 ")  # it was begun, so it is finished
    assert lines[-1].startswith(b"%06d " % (count - 1))
    assert all(len(line) == 1023 for line in lines)
    [(failures, dropped)] = sink.told
    assert (failures, dropped > 0) == (0, True)  # nobody tried again in between
    assert len(lines) + dropped == count


def test_the_log_itself_says_what_is_missing(tmp_path, monkeypatch):
    log = Log(str(tmp_path / "log"))
    disk = Disk()
    monkeypatch.setattr(os, "write", disk)
    log.say("one", "error")
    disk.room = 10_000
    log.say("two")
    log.flush()
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split('"')[11] for line in lines] == ["one", "two", "log_write_failed"]
    assert '"failures":1,"lines_lost":0' in lines[2]


def test_a_pipe_that_nobody_reads_does_not_block(monkeypatch, tmp_path):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    monkeypatch.setattr("mailproxy.record.sink._open", lambda file: os.dup(writing))
    told = []
    sink = Sink("-", lambda *counts: told.append(counts))
    lines = [b"%04d%s\n" % (number, b"x" * 1000) for number in range(2000)]
    for line in lines:
        sink.urgent(line)
    os.close(writing)
    got = b""
    while sink._lines or sink._rest:
        got += os.read(reading, 65536)
        sink.flush()
    os.set_blocking(reading, False)
    got += os.read(reading, 65536)
    assert set(got.splitlines(keepends=True)) <= set(lines)
    assert got.endswith(lines[-1])
    assert told == [(0, len(lines) - got.count(b"\n"))]
    os.close(reading)
    os.close(sink._descriptor)


def test_a_pipe_that_nobody_holds_is_a_failure(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr("mailproxy.record.sink._open", lambda file: writing)
    sink = Sink("-", lambda *counts: None)
    sink.urgent(b"x\n")
    assert sink.failures == 1
    os.close(writing)


def test_a_file_that_cannot_be_opened_is_said_at_the_start(tmp_path):
    with pytest.raises(IsADirectoryError):
        Sink(str(tmp_path), lambda *counts: None)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe"):  # and not a wait for its reader
        Sink(str(tmp_path / "pipe"), lambda *counts: None)


def test_rotation_in_the_middle_of_a_line(sink, monkeypatch):
    disk = Disk(2)
    monkeypatch.setattr(os, "write", disk)
    sink.urgent(b"abc\n")
    os.rename(sink.file, sink.file + ".1")
    sink.reopen()
    disk.room = 100
    sink.urgent(b"de\n")
    assert content(sink) == b"de\n"
    assert sink.told == [(1, 1)]

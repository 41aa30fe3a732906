"""Captures that the proxy's thread puts and another one writes: a bad disk costs captures alone."""

from __future__ import annotations

import errno
import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailproxy.capture.captured import SLOW, Connection
from mailproxy.capture.comments import write
from mailproxy.capture.leg import BODY_OCTETS
from mailproxy.capture.model import Octets
from mailproxy.capture.reading import read_streams
from mailproxy.capture.synthetic import Payload
from mailproxy.capture.waiting import SMALLEST_LIMIT
from mailproxy.capture.writer import RETRY, CaptureWriter, Options
from mailproxy.proto.tokens import Side
from tests.capture.said import events
from tests.capture.tshark import fields, messages, warnings

HERE, THERE = ("192.0.2.1", 40_000), ("192.0.2.2", 1_110)
NOON = 1_795_348_800.0
PATIENCE = 60.0  # seconds until a test fails; none takes them when all is well


class Disk:
    """A disk that can be made full, or so slow that it takes nothing."""

    def __init__(self) -> None:
        self.full = False
        self.free = threading.Event()
        self.free.set()
        self.waits = threading.Event()
        self.refused = threading.Semaphore(0)

    def write(self, descriptor: int, buffers: Sequence[Payload]) -> int:
        if not self.free.is_set():
            self.waits.set()
            assert self.free.wait(PATIENCE)
        if self.full:
            self.refused.release()
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.writev(descriptor, buffers)


@dataclass
class Bench:
    folder: Path
    disk: Disk = field(default_factory=Disk)
    time: float = 0.0
    failed: list[str] = field(default_factory=list)
    recovered: list[int] = field(default_factory=list)
    fails: threading.Event = field(default_factory=threading.Event)
    again: threading.Event = field(default_factory=threading.Event)
    writers: list[CaptureWriter] = field(default_factory=list)

    def writer(self, **options: Any) -> CaptureWriter:
        chosen = Options(**{"folder": self.folder, "compress": False, **options})
        writer = CaptureWriter(chosen, self._fails, self._works, lambda: self.time, self.disk.write)
        self.writers.append(writer)
        return writer

    def _fails(self, why: str) -> None:
        self.failed.append(why)
        self.fails.set()

    def _works(self, lost: int) -> None:
        self.recovered.append(lost)
        self.again.set()

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def end(self) -> list[list[str]]:
        """What our reader finds in each file."""
        for writer in self.writers:
            writer.close(PATIENCE)
        self.writers.clear()
        return [events(path) for path in self.files()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "captures")
    yield bench
    bench.disk.free.set()
    for writer in bench.writers:
        writer.close(PATIENCE)


def leg(writer: CaptureWriter, session: str = "s1", name: Any = "client") -> Connection:
    return writer.connection(session, "pop3", name, HERE, THERE)


def test_a_session_as_wireshark_sees_it(bench: Bench) -> None:
    mail = b"Subject: hello\r\n\r\n" + b"a line of a message\r\n" * 5_000
    writer = bench.writer()
    client, server = leg(writer), leg(writer, name="server")
    client.open(NOON, [write("session", id="s1", leg="client")])
    server.open(NOON, [write("session", id="s1", leg="server")])
    for connection in (client, server):
        connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
        connection.data(Side.CLIENT, [b"RETR 1\r\n"], NOON + 1)
        connection.data(Side.SERVER, [b"+OK %d octets\r\n" % len(mail)], NOON + 2, ["mailproxy verdict {}"])
        connection.data(Side.SERVER, [mail], NOON + 2)
        connection.data(Side.SERVER, [b".\r\n"], NOON + 2)
        connection.close(NOON + 3, "fin")
    bench.end()
    [path] = bench.files()
    assert warnings(path) == ""
    assert messages(path).count(mail) == 2
    rows = fields(path, "frame.interface_name", "pop.request.command", "frame.comment")
    assert [row[0] for row in rows if row[1] == "RETR"] == ["client side", "server side"]
    assert [row[2] for row in rows].count("mailproxy verdict {}") == 2


@pytest.mark.parametrize("octets", [262_144, 60_000, 999_983, 3_000_000])
def test_a_long_message_in_any_pieces(bench: Bench, octets: int) -> None:
    mail = b"Subject: long\r\n\r\n" + b"".join(b"line %d of a message\r\n" % n for n in range(300_000))
    pieces = [mail[start : start + octets] for start in range(0, len(mail), octets)]
    connection = leg(bench.writer())
    connection.open(NOON, [])
    for data in ([b"+OK\r\n"], [b"+OK %d octets\r\n" % len(mail)]):
        connection.data(Side.SERVER, data, NOON)
    for start in range(0, len(pieces), 3):
        connection.data(Side.SERVER, pieces[start : start + 3], NOON + 1)
    connection.data(Side.SERVER, [b".\r\n"], NOON + 2)
    connection.close(NOON + 3, "fin")
    for writer in bench.writers:
        writer.close(PATIENCE)
    bench.writers.clear()
    [path] = bench.files()
    said = b"".join(event.data for event in read_streams(path) if isinstance(event, Octets))
    assert said == b"+OK\r\n+OK %d octets\r\n" % len(mail) + mail + b".\r\n"
    assert warnings(path) == ""
    assert connection.lost_octets == 0


def test_two_clients_that_would_be_one_are_two(bench: Bench) -> None:
    writer = bench.writer()
    for session in ("a", "b"):
        leg(writer, session).open(NOON, [])
    [told] = bench.end()
    assert [text.split()[1] for text in told if text.startswith("open")] == [
        "192.0.2.1:40000",
        "192.0.2.1:40001",
    ]


def test_times_never_run_backwards(bench: Bench) -> None:
    connection = leg(bench.writer())
    connection.open(NOON, [])
    connection.note(NOON - 3_600, [])
    connection.note(NOON + 1, [])
    bench.end()
    times = [float(time) for [time] in fields(bench.files()[0], "frame.time_epoch")]
    assert times == sorted(times)
    assert times[0] == NOON


def test_both_legs_of_a_session_in_one_file(bench: Bench) -> None:
    writer = bench.writer(per_session=True, compress=True)
    for session in ("a", "b"):
        legs = [leg(writer, session), leg(writer, session, "server")]
        for connection in legs:
            connection.open(NOON, [session])
        for connection in legs:
            connection.close(NOON, "fin")
    told = bench.end()
    assert [path.name.partition("Z-")[2] for path in bench.files()] == [
        "0001-pop3-a.pcapng.gz",
        "0002-pop3-b.pcapng.gz",
    ]
    assert [[text for text in one if text.startswith("comment")] for one in told] == [
        ["comment a"] * 2,
        ["comment b"] * 2,
    ]
    assert gzip.decompress(bench.files()[0].read_bytes())


def test_a_full_disk_loses_nothing_that_waits(bench: Bench) -> None:
    writer = bench.writer()
    connection = leg(writer)
    bench.disk.full = True
    connection.open(NOON, ["first"])
    assert bench.fails.wait(PATIENCE)
    connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
    bench.disk.full = False
    bench.time = RETRY
    assert bench.again.wait(PATIENCE)
    connection.close(NOON, "fin")
    [told] = bench.end()
    assert told[1:] == ["comment first", "SERVER +OK\r\n", "closed fin"]
    assert bench.failed == ["No space left on device"]
    assert bench.recovered == [0]
    assert (writer.why, writer.lost_octets) == ("", 0)
    assert writer.failures >= 1


def test_a_full_disk_is_tried_again_after_some_time_only(bench: Bench) -> None:
    writer = bench.writer()
    connection = leg(writer)
    bench.disk.full = True
    connection.open(NOON, [])
    assert bench.fails.wait(PATIENCE)
    assert bench.disk.refused.acquire(timeout=PATIENCE)
    connection.note(NOON, [])
    bench.time = RETRY
    assert bench.disk.refused.acquire(timeout=PATIENCE)
    assert not bench.disk.refused.acquire(blocking=False)
    assert bench.failed == ["No space left on device"]
    bench.disk.full = False


def test_octets_lost_while_the_disk_is_full_are_told(bench: Bench) -> None:
    writer = bench.writer(queue_octets=0)
    connection = leg(writer)
    bench.disk.full = True
    connection.open(NOON, [])
    assert bench.fails.wait(PATIENCE)
    for _ in range(100):
        connection.data(Side.SERVER, [b"x" * 60_000], NOON)
    lost = connection.lost_octets
    assert lost == writer.lost_octets > 5_000_000
    bench.disk.full = False
    bench.time = RETRY
    while not bench.again.wait(0.1):  # the octets dropped must have been seen by the writer before
        bench.time += RETRY
        assert bench.time < 1e4
    connection.data(Side.SERVER, [b"+OK\r\n"], NOON, ["next"])
    [told] = bench.end()
    why = "No space left on device"
    assert [text for text in told if text.startswith("hole")] == [f"hole SERVER {lost}"]
    assert told[told.index("comment next") + 1] == f"comment {write('lost', octets=lost, why=why)}"
    assert bench.failed == [why]
    assert bench.recovered == [lost]


def test_a_slow_disk_is_not_waited_for(bench: Bench) -> None:
    writer = bench.writer(queue_octets=SMALLEST_LIMIT)
    connection = leg(writer)
    bench.disk.free.clear()
    connection.open(NOON, [])
    assert bench.disk.waits.wait(PATIENCE)
    for _ in range(1_000):
        connection.data(Side.SERVER, [b"x" * 60_000], NOON)
    connection.close(NOON, "fin", ["end"])
    assert writer._waiting.octets < 2 * SMALLEST_LIMIT
    assert writer.lost_octets > 59_000_000
    bench.disk.free.set()
    [told] = bench.end()
    assert {"comment end", f"comment {write('lost', octets=writer.lost_octets, why=SLOW)}"} <= set(told)
    assert bench.failed == [SLOW]


def test_closing_does_not_wait_for_a_hung_disk(bench: Bench) -> None:
    writer = bench.writer()
    connection = leg(writer)
    bench.disk.free.clear()
    connection.open(NOON, [])
    assert bench.disk.waits.wait(PATIENCE)
    connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
    writer.close(0.0)
    assert writer.lost_octets == 5
    assert writer.why


def test_what_a_broken_disk_never_took_is_counted_at_the_end(bench: Bench) -> None:
    writer = bench.writer()
    connection = leg(writer)
    bench.disk.full = True
    connection.open(NOON, [])
    connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
    connection.close(NOON, "fin")
    writer.close(PATIENCE)
    assert writer.lost_octets == 5
    assert bench.failed == ["No space left on device"]


def test_after_the_end_nothing_is_taken(bench: Bench) -> None:
    writer = bench.writer()
    connection = leg(writer)
    connection.open(NOON, [])
    writer.close(PATIENCE)
    connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
    connection.close(NOON, "fin")
    assert writer.lost_octets == 5


def test_a_flaw_does_not_end_the_thread(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = bench.writer()
    connection = leg(writer)
    with monkeypatch.context() as patched:
        seen = threading.Event()

        def fails(items: object, hurry: bool) -> None:
            seen.set()
            raise ValueError("secret")

        patched.setattr(writer._files, "write", fails)
        connection.open(NOON, [])
        connection.data(Side.SERVER, [b"+OK\r\n"], NOON)
        assert seen.wait(PATIENCE)
        connection.data(Side.SERVER, [b""], NOON)
    assert bench.fails.wait(PATIENCE)
    connection.close(NOON, "fin", ["end"])
    [told] = bench.end()
    assert "comment end" in told
    assert bench.failed == ["a flaw of mailproxy: ValueError"]


def test_rolling_over_keeps_the_order(bench: Bench) -> None:
    writer = bench.writer(file_octets=65_536, total_octets=10**9)
    connection = leg(writer)
    connection.open(NOON, [])
    sent = [b"%08d\r\n" % number * 2_000 for number in range(30)]
    for octets in sent:
        connection.data(Side.SERVER, [octets], NOON)
    connection.close(NOON, "fin")
    told = bench.end()
    said = [text.removeprefix("SERVER ") for one in told for text in one if text.startswith("SERVER")]
    assert "".join(said).encode() == b"".join(sent)
    assert len(told) == 10
    assert max(path.stat().st_size for path in bench.files()) <= 65_536


def test_all_files_together_stay_below_the_limit(bench: Bench) -> None:
    writer = bench.writer(file_octets=65_536, total_octets=200_000)
    connection = leg(writer)
    connection.open(NOON, [])
    for _ in range(30):
        connection.data(Side.SERVER, [b"x" * 20_000], NOON)
    bench.end()
    assert 100_000 < sum(path.stat().st_size for path in bench.files()) <= 200_000


PROCESS = """
import sys, time
from pathlib import Path
from mailproxy.capture.writer import CaptureWriter, Options
from mailproxy.proto.tokens import Side
{before}
writer = CaptureWriter(Options(Path(sys.argv[1]), compress=False), lambda why: print(why, flush=True), print)
connection = writer.connection("s1", "pop3", "client", ("192.0.2.1", 40000), ("192.0.2.2", 110))
connection.open(time.time(), ["first"])
for number in {count}:
    connection.data(Side.SERVER, [b"+OK %d\\r\\n" % number + bytes(1000)], time.time())
{after}
"""


def run(folder: Path, before: str, count: str, after: str) -> subprocess.Popen[str]:
    code = PROCESS.format(before=before, count=count, after=after)
    words = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not what():
        assert process.poll() is None


def test_a_killed_process_leaves_a_file_that_opens(bench: Bench) -> None:
    def has_grown() -> bool:
        return bench.folder.is_dir() and any(path.stat().st_size > 10**6 for path in bench.files())

    with run(bench.folder, "import itertools", "itertools.count()", "") as process:
        wait_for(has_grown, process)
        process.send_signal(signal.SIGKILL)
    bench.writer()
    bench.end()
    [path] = bench.files()
    [first, *_] = fields(path, "frame.comment")
    assert first == ["first"]
    assert warnings(path) == ""


def test_a_file_size_limit_is_a_full_disk(bench: Bench) -> None:
    before = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, 100_001))"
    )
    with run(bench.folder, before, "range(1000)", "writer.close(30)\nprint(writer.lost_octets)") as process:
        said, _ = process.communicate(timeout=PATIENCE)
    why, lost = said.splitlines()
    assert why == "File too large"
    [path] = bench.files()
    [told] = bench.end()
    assert 90_000 < path.stat().st_size <= 100_001
    written = sum(len(text) - len("SERVER ") for text in told if text.startswith("SERVER"))
    assert written + int(lost) == sum(len(b"+OK %d\r\n" % number) + 1_000 for number in range(1_000))


def test_the_more_are_recorded_the_less_each_may_hold_back(bench: Bench) -> None:
    writer = bench.writer()
    connections = []
    told = []
    for number in range(1000):
        connection = writer.connection(str(number), "pop3", "client", ("192.0.2.1", number + 1), THERE)
        connection.open(1.0, [])
        connections.append(connection)
        told.append(connection.patience)
    assert told == sorted(told, reverse=True)
    assert (told[0], told[-1]) == (1_000_000, BODY_OCTETS)
    for connection in connections[1:]:
        connection.close(2.0, "fin")
    assert connections[0].patience == 1_000_000

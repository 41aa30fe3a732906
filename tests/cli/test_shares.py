"""Several processes print what one would have printed, whatever is in the file, and none of them stays."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from mailproxy.capture.choosing import Choice
from mailproxy.capture.conversations import FileTally, conversations
from mailproxy.capture.dialogue import Dialogue
from mailproxy.capture.model import CaptureError
from mailproxy.capture.snapshot import Snapshot
from mailproxy.cli import shares
from mailproxy.cli.dialogue_lines import Lines
from mailproxy.cli.shares import Numbered, Share, in_shares, shares_of
from tests.capture.talks import Talk, capture_file
from tests.cli.calling import ROOT, call_process

MANY = """
    S: +OK ready
    C: USER {0}
    S: +OK
    C: PASS geheim
    S: +OK
    C: RETR 1
    S: +OK
    S: Subject: {0}
    S:
    S: some text
    S: .
    C: NOOP
    S: -ERR
    ! verdict {{"verb": "NOOP", "verdict": "block", "rule": "x"}}
    C: QUIT
"""


@pytest.fixture(scope="module")
def interleaved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions side by side; of some both legs were recorded, and one is no mail."""
    talks = [Talk("pop3", MANY.format(f"user{n}"), client=("192.0.2.1", 40_000 + n)) for n in range(40)]
    for n in range(10):
        for leg, client in (("client", "192.0.2.2"), ("server", "192.0.2.3")):
            talks.append(
                Talk("pop3", MANY.format(f"own{n}"), session=f"s{n}", leg=leg, client=(client, 50_000 + n))
            )
    talks.append(Talk("smtp", "C: GET / HTTP/1.1\nS: HTTP/1.1 200 OK", server=("198.51.100.9", 8080)))
    return capture_file(tmp_path_factory.mktemp("shares") / "many.pcapng", *talks)


def printed(*arguments: str | Path) -> tuple[int, str, str]:
    done = call_process("capture", "show", *arguments)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("jobs", ["2", "3"])
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--json"],
        ["--full", "--leg", "both"],
        ["--user", "user7"],
        ["--grep", "e"],
        ["--grep", "user3", "--json"],
        ["--grep", "nowhere"],
    ],
    ids=" ".join,
)
def test_it_is_the_same(interleaved: Path, options: list[str], jobs: str) -> None:
    alone = printed(interleaved, "-j", "1", *options)
    assert printed(interleaved, "-j", jobs, *options) == alone
    assert alone[0] == (1 if "nowhere" in options else 0)


@pytest.mark.parametrize("file", sorted((ROOT / "captures").glob("*.pcapng")), ids=lambda path: path.stem)
def test_the_shipped_captures(file: Path) -> None:
    assert printed(file, "-j", "3", "--leg", "both") == printed(file, "-j", "1", "--leg", "both")


@pytest.mark.parametrize("octets", [10, 30, 2_000, 20_001])
def test_a_file_that_ends_too_early(interleaved: Path, tmp_path: Path, octets: int) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(interleaved.read_bytes()[:octets])
    assert printed(cut, "-j", "3") == printed(cut, "-j", "1")


@pytest.mark.parametrize("octets", [2_000, 20_000])
def test_a_file_that_is_damaged(interleaved: Path, tmp_path: Path, octets: int) -> None:
    damaged = tmp_path / "damaged.pcapng"
    whole = interleaved.read_bytes()
    damaged.write_bytes(whole[:octets] + b"\xff" * 64 + whole[octets + 64 :])
    alone = printed(damaged, "-j", "1")
    assert alone[0] == 1
    assert printed(damaged, "-j", "3") == alone


def test_no_file() -> None:
    assert printed("nowhere.pcapng", "-j", "2") == printed("nowhere.pcapng", "-j", "1")


# -- the shares themselves -------------------------------------------------------------------


def numbers(share: Share) -> Iterator[Numbered]:
    for number in range(1, 1_000):
        if share.has(number):
            yield number, f"{number} by {share.number}"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_in_order(count: int) -> None:
    found = [each for several in in_shares(numbers, count) for each in several]
    assert found == [f"{number} by {number % count}" for number in range(1, 1_000)]
    assert multiprocessing.active_children() == []


def test_whoever_has_enough_ends_all() -> None:
    results = in_shares(numbers, 3)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_a_process_that_dies() -> None:
    def work(share: Share) -> Iterator[Numbered]:
        for number, text in numbers(share):
            if share.number == 1 and number > 700:
                os._exit(3)
            yield number, text

    found: list[str] = []
    with pytest.raises(CaptureError, match="ended too early"):
        found.extend(chain.from_iterable(in_shares(work, 2)))
    assert found == [f"{number} by {number % 2}" for number in range(1, len(found) + 1)]
    assert len(found) < 700
    assert multiprocessing.active_children() == []


def test_what_came_before_an_error_is_given() -> None:
    def work(share: Share) -> Iterator[Numbered]:
        for number, text in numbers(share):
            if number > 770:
                raise CaptureError("damaged")
            yield number, text

    found: list[str] = []
    with pytest.raises(CaptureError, match="damaged"):
        found.extend(chain.from_iterable(in_shares(work, 3)))
    assert found == [f"{number} by {number % 3}" for number in range(1, 771)]


def test_what_was_printed_before_is_printed_once() -> None:
    text = "from tests.cli.test_shares import numbers; from mailproxy.cli.shares import in_shares;"
    text += "print('once'); print(sum(map(len, in_shares(numbers, 3))))"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "once\n999\n"


def test_an_error_that_only_another_process_meets() -> None:
    def work(share: Share) -> Iterator[Numbered]:
        yield from numbers(share)
        if share.number == 1:
            raise CaptureError("Input/output error")

    found: list[str] = []
    with pytest.raises(CaptureError, match="Input/output error"):
        found.extend(chain.from_iterable(in_shares(work, 2)))
    assert len(found) == 999


def test_a_process_that_is_killed_amid_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(self: object, octets: bytes) -> None:
        assert isinstance(self, Connection)
        os.write(self.fileno(), len(octets).to_bytes(4, "big") + octets[: len(octets) // 2])
        os._exit(9)

    monkeypatch.setattr(Connection, "send_bytes", torn)
    with pytest.raises(CaptureError, match="ended too early"):
        list(in_shares(numbers, 2))


def test_without_other_processes_one_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    real, forks = os.fork, []

    def fork() -> int:
        forks.append(1)
        if len(forks) > 1:
            raise BlockingIOError("Resource temporarily unavailable")
        return real()

    monkeypatch.setattr(os, "fork", fork)
    found = list(chain.from_iterable(in_shares(numbers, 3)))
    assert found == [f"{number} by 0" for number in range(1, 1_000)]
    assert len(forks) == 2
    assert multiprocessing.active_children() == []


def test_a_process_for_which_nobody_prints_ends() -> None:
    Share(1, 2, os.getppid()).has_read(1)
    with pytest.raises(SystemExit):
        Share(1, 2, 1 << 30).has_read(1)


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_pipe_is_read_by_one(interleaved: Path, tmp_path: Path, jobs: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["sh", "-c", 'cat "$0" > "$1"', interleaved, pipe])
    assert printed(pipe, "-j", jobs)[:2] == printed(interleaved)[:2]
    assert writer.wait() == 0


def test_all_read_a_growing_file_up_to_the_same_place(interleaved: Path, tmp_path: Path) -> None:
    whole = interleaved.read_bytes()
    path = tmp_path / "growing.pcapng"
    path.write_bytes(whole[:20_000])
    snapshot = Snapshot(path)

    def lines(share: Share) -> Iterator[Numbered]:
        with path.open("r+b") as file:  # it grows while each of them reads
            file.write(whole)
        tally, choice = FileTally(), Choice()
        items = conversations(
            snapshot, tally, wanted=lambda each: choice.wants(each) and share.has(choice.found)
        )
        for line in Lines(Dialogue().lines(items), whole=False).printed():
            yield tally.events, line

    several = list(chain.from_iterable(in_shares(lines, 3)))
    snapshot.close()
    path.write_bytes(whole[:20_000])
    assert several == printed(path)[1].splitlines()


def test_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(100))
    assert shares_of(file, None) == shares_of(tmp_path, 3) == shares_of(tmp_path / "none", 3) == 1
    assert shares_of(file, 3) == 3
    monkeypatch.setattr(shares, "SHORT", 99)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)))
    assert shares_of(file, None) == 3
    assert shares_of(file, 2) == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(30)))
    assert shares_of(file, None) == 4
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert shares_of(file, 3) == 1

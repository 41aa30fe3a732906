"""What does not fit is lost, and the next packet that fits says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailproxy.capture import blocks
from mailproxy.capture.captured import SLOW, Address, Connection
from mailproxy.capture.comments import write
from mailproxy.capture.waiting import SMALLEST_LIMIT, Blocks, Waiting
from mailproxy.proto.tokens import Side
from tests.capture.said import events

HERE, THERE = ("192.0.2.1", 40_000), ("192.0.2.2", 110)


@dataclass
class Book:
    why: str = ""
    octets: int = 0
    open: list[str] = field(default_factory=list)

    def moment(self, time: float) -> int:
        return int(time * 1e9)

    def lost(self, octets: int) -> None:
        self.octets += octets

    def opened(self, session: str, client: Address, server: Address) -> Address:
        self.open.append(session)
        return client

    def closed(self, session: str, client: Address, server: Address) -> None:
        self.open.remove(session)


class Bench:
    def __init__(self) -> None:
        self.waiting = Waiting(SMALLEST_LIMIT)
        self.book = Book()
        self.connection = Connection(self.book, self.waiting, "s1", "pop3", 1, HERE, THERE)
        self._written = blocks.section_header("test") + b"".join(map(blocks.interface, ("a", "b")))

    def disk_works(self) -> None:
        """What waits is written."""
        if self.waiting.octets:
            items = self.waiting.take(0)
            self.waiting.written(items)
            self._written += b"".join(
                bytes(buffer) for item in items if isinstance(item, Blocks) for buffer in item.buffers
            )

    def told(self, path: Path) -> list[str]:
        self.disk_works()
        path.write_bytes(self._written)
        return events(path)


def test_each_call_in_its_place(tmp_path: Path) -> None:
    bench = Bench()
    connection = bench.connection
    connection.open(1.0, ["first"])
    connection.data(Side.SERVER, [b"+OK", b" hello\r\n"], 2.0, ["greeting"])
    connection.hole(Side.SERVER, 7)
    connection.note(3.0, ["between"])
    connection.data(Side.CLIENT, [b"QUIT\r\n"], 4.0)
    connection.data(Side.SERVER, [b"+OK\r\n"], 4.0)
    connection.close(5.0, "fin", ["last"])
    assert bench.told(tmp_path / "a.pcapng") == [
        "open 192.0.2.1:40000 192.0.2.2:110 b", "comment first",
        "SERVER +OK hello\r\n", "comment greeting", "comment between",
        "hole SERVER 7", "CLIENT QUIT\r\n", "SERVER +OK\r\n", "comment last", "closed fin",
    ]  # fmt: skip
    assert bench.book.open == []


def test_lost_octets_are_a_gap_with_a_comment(tmp_path: Path) -> None:
    bench = Bench()
    connection = bench.connection
    connection.open(1.0, [])
    sent = 0
    while not connection.lost_octets:
        connection.data(Side.SERVER, [b"x" * 10_000], 2.0)
        sent += 10_000
    connection.data(Side.SERVER, [b"y" * 20_000], 2.0, ["of what was lost"])
    bench.disk_works()
    connection.data(Side.SERVER, [b"z\r\n"], 3.0, ["own"])
    connection.close(4.0, "rst")
    told = bench.told(tmp_path / "a.pcapng")
    assert connection.lost_octets == bench.book.octets == 30_000
    assert [text for text in told[1:] if not text.startswith("comment")] == [
        "SERVER " + "x" * (sent - 10_000), "hole SERVER 30000", "SERVER z\r\n", "closed rst",
    ]  # fmt: skip
    lost = write("lost", octets=30_000, why=SLOW)
    said = [text for text in told if text.startswith("comment")]
    assert said == ["comment of what was lost", "comment own", f"comment {lost}"]


def test_the_end_fits_though_the_queue_is_full(tmp_path: Path) -> None:
    bench = Bench()
    bench.connection.open(1.0, [])
    bench.book.why = "No space left on device"
    while not bench.connection.lost_octets:
        bench.connection.data(Side.SERVER, [b"x" * 500], 2.0)
    bench.book.why = ""
    bench.connection.close(3.0, "fin", ["end"])
    told = bench.told(tmp_path / "a.pcapng")
    lost = write("lost", octets=500, why="No space left on device")
    assert {"hole SERVER 500", "comment end", f"comment {lost}", "closed fin"} <= set(told)


def test_memory_is_bounded_whatever_comes() -> None:
    bench = Bench()
    bench.connection.open(1.0, [])
    for _ in range(1_000):
        bench.connection.data(Side.CLIENT, [b"x" * 5_000], 1.0, ["c" * 8_000] * 3)
        bench.connection.note(1.0, ["c" * 8_000])
    assert bench.waiting.octets < 2 * SMALLEST_LIMIT
    assert len(bench.connection._comments) <= 64


def test_nothing_before_open_and_nothing_after_close() -> None:
    bench = Bench()
    connection = bench.connection

    def say_all() -> None:
        connection.data(Side.CLIENT, [b"x"], 1.0)
        connection.hole(Side.CLIENT, 1)
        connection.note(1.0, ["x"])
        connection.close(1.0, "fin")

    say_all()
    assert bench.waiting.octets == 0
    connection.open(1.0, [])
    connection.open(1.0, [])
    connection.close(1.0, "fin")
    bench.disk_works()
    say_all()
    assert bench.waiting.octets == 0


def test_two_connections_with_the_same_ends_are_two(tmp_path: Path) -> None:
    bench = Bench()
    bench.connection.open(1_000.0, [])
    bench.connection.close(1_001.0, "rst")
    bench.connection.open(1_002.0, [])
    bench.connection.close(1_003.0, "rst")
    assert [text.split()[0] for text in bench.told(tmp_path / "a.pcapng")] == ["open", "closed"] * 2


def test_more_than_anybody_waits_for_is_a_gap(tmp_path: Path) -> None:
    bench = Bench()
    bench.connection.open(1.0, [])
    before = bench.waiting.octets
    bench.connection.hole(Side.SERVER, 500_000_000)
    assert bench.waiting.octets == before
    bench.connection.data(Side.SERVER, [b"+OK\r\n"], 2.0)
    bench.connection.close(3.0, "fin")
    assert "hole SERVER 500000000" in bench.told(tmp_path / "a.pcapng")


def test_very_many_pieces_are_joined() -> None:
    bench = Bench()
    bench.connection.open(1.0, [])
    before = bench.waiting.octets
    bench.connection.data(Side.SERVER, [b"* OK\r\n"] * 8_000, 2.0)
    assert 48_000 < bench.waiting.octets - before < 50_000


@pytest.mark.parametrize("pieces", [1, 7, 64])
def test_whatever_room_there_is_nothing_is_lost_without_a_word(pieces: int) -> None:
    octets = b"x" * (125_000 // pieces)
    for filled in range(SMALLEST_LIMIT - 140_000, SMALLEST_LIMIT - 120_000, 64):
        bench = Bench()
        bench.connection.open(0.0, [])
        bench.waiting.put(Blocks("other", "pop3", (b"",), filled - bench.waiting.octets, 0))
        before = bench.waiting.left()
        bench.connection.data(Side.SERVER, [octets] * pieces, 1.0)
        put = bench.waiting.left() - before
        assert put + bench.connection.lost_octets == len(octets) * pieces
        assert bench.book.octets == bench.connection.lost_octets

"""How fast a large capture is listed, shown and searched, beside ``tshark -q -z conv,tcp`` on the same file.

Run it with ``python bench/capture_reading.py [GIGABYTES]`` (0.2 by default, about two minutes); it needs
tshark, and room for the file. Three shapes: a few long messages in large packets, as mailproxy writes them;
the same in packets of 1,448 octets, as tcpdump sees them; and many small sessions side by side, in such
packets too (a quarter of the octets, since each of these costs so much more). All are run in turn. The
speed in relation to tshark's is printed twice: by the clock, and by the processor time (user and system),
which other programs on the machine disturb less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from mailproxy.capture import blocks
from mailproxy.capture.synthetic import Packet, SyntheticTCP
from mailproxy.proto.tokens import Side

ROUNDS = 3
LINE = b"An ordinary line of text, as long as such lines are in a message.....\r\n"
# tshark's time for a message grows with the square of its packets, so larger ones would flatter us.
MESSAGE = b"Subject: large\r\n\r\n" + LINE * (256 * 1024 // len(LINE))
SMALL_MESSAGE = b"Subject: small\r\n\r\n" + LINE * (5_000 // len(LINE))
SEGMENT = 1448  # octets of a packet on Ethernet
SESSION = 6_750  # octets that a small session takes in the file
AT_ONCE = 50  # small sessions that are open at the same time
SERVER = ("192.0.2.2", 110)


def main() -> None:
    octets = int(float(sys.argv[1]) * 1e9) if len(sys.argv) > 1 else 200_000_000
    shapes: dict[str, Callable[[], Iterable[Packet]]] = {
        "60 kB packets": lambda: long_session(octets, 60_000),
        "1448 octets": lambda: long_session(octets, SEGMENT),
        "small sessions": lambda: small_sessions(octets // 4 // SESSION),
    }
    with TemporaryDirectory(prefix="mailproxy-bench-") as name:
        for shape, packets in shapes.items():
            file = Path(name) / "capture.pcapng"
            write(file, packets())
            capture = [sys.executable, "-m", "mailproxy", "capture"]
            works = {
                "tshark": ["tshark", "-q", "-z", "conv,tcp", "-r", str(file)],
                "list": [*capture, "list", str(file)],
                "show": [*capture, "show", str(file)],
                "show --grep": [*capture, "show", "--grep", "no such words", str(file)],
            }
            report(shape, file, works)
            file.unlink()


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, seconds of the processor, and the largest resident memory in KiB."""

    wall: float
    processor: float
    memory: int


def report(shape: str, file: Path, works: dict[str, list[str]]) -> None:
    runs: dict[str, list[Spent]] = {label: [] for label in works}
    for _ in range(ROUNDS):
        for label, command in works.items():
            runs[label].append(run(command))
    print(f"{shape}, {file.stat().st_size / 1e9:.2f} GB; speed to tshark's by the clock, by processor time")
    base = middle(runs["tshark"])
    for label in works:
        spent = middle(runs[label])
        print(
            f"  {label:<14}{spent.wall:>8.1f} s{spent.processor:>8.1f} s{spent.memory / 1024:>8.0f} MiB"
            f"{base.wall / spent.wall:>8.2f}{base.processor / spent.processor:>8.2f}",
            flush=True,
        )


def middle(runs: list[Spent]) -> Spent:
    """The medians; of memory, the most."""
    return Spent(
        median(each.wall for each in runs),
        median(each.processor for each in runs),
        max(each.memory for each in runs),
    )


def run(command: list[str]) -> Spent:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), f"{command} ended with {process.returncode}"
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def write(file: Path, packets: Iterable[Packet]) -> None:
    """A capture with these packets."""
    nanoseconds = 1_700_000_000_000_000_000
    with file.open("wb") as out:
        out.write(
            blocks.section_header("bench") + blocks.interface("client side") + blocks.interface("server side")
        )
        for packet in packets:
            nanoseconds += 10_000
            before, behind = blocks.packet(0, nanoseconds, packet.headers, packet.octets)
            out.writelines((before, *packet.pieces, behind))


def long_session(octets: int, payload: int) -> Iterator[Packet]:
    """So many octets: one POP3 session that fetches large messages."""
    tcp = SyntheticTCP(("192.0.2.1", 40_000), SERVER)
    yield from opening(tcp)
    view = memoryview(MESSAGE)
    for number in range(1, octets // len(MESSAGE) + 2):
        yield from tcp.data(Side.CLIENT, [b"RETR %d\r\n" % number])
        yield from tcp.data(Side.SERVER, [b"+OK %d octets\r\n" % len(MESSAGE)])
        for start in range(0, len(MESSAGE), payload):
            yield from tcp.data(Side.SERVER, [view[start : start + payload]])
        yield from tcp.data(Side.SERVER, [b".\r\n"])
    yield from ending(tcp)


def small_sessions(count: int) -> Iterator[Packet]:
    """So many POP3 sessions, some side by side, packet by packet; each fetches one message."""
    for first in range(0, count, AT_ONCE):
        together = [small_session(number) for number in range(first, first + AT_ONCE)]
        for packets in zip_longest(*together):
            yield from (packet for packet in packets if packet is not None)


def small_session(number: int) -> Iterator[Packet]:
    port, host = 1024 + number % 60_000, number // 60_000
    tcp = SyntheticTCP((f"10.0.{host // 256}.{host % 256}", port), SERVER, number * 77_777)
    yield from opening(tcp)
    yield from tcp.data(Side.CLIENT, [b"LIST\r\n"])
    yield from tcp.data(Side.SERVER, [b"+OK 1 message\r\n1 %d\r\n.\r\n" % len(SMALL_MESSAGE)])
    yield from tcp.data(Side.CLIENT, [b"RETR 1\r\n"])
    reply = b"+OK %d octets\r\n" % len(SMALL_MESSAGE) + SMALL_MESSAGE + b".\r\n"
    for nth, start in enumerate(range(0, len(reply), SEGMENT)):
        yield from tcp.data(Side.SERVER, [reply[start : start + SEGMENT]])
        if nth % 2:  # RFC 9293 §3.8.6.3: every second segment at least
            yield tcp.acknowledgement(Side.CLIENT)
    yield from ending(tcp)


def opening(tcp: SyntheticTCP) -> Iterator[Packet]:
    yield from tcp.open()
    for side, line in (
        (Side.SERVER, b"+OK ready\r\n"),
        (Side.CLIENT, b"USER alice\r\n"),
        (Side.SERVER, b"+OK\r\n"),
        (Side.CLIENT, b"PASS secret\r\n"),
        (Side.SERVER, b"+OK\r\n"),
    ):
        yield from tcp.data(side, [line])


def ending(tcp: SyntheticTCP) -> Iterator[Packet]:
    yield from tcp.data(Side.CLIENT, [b"QUIT\r\n"])
    yield from tcp.data(Side.SERVER, [b"+OK\r\n"])
    yield from tcp.close()


if __name__ == "__main__":
    main()

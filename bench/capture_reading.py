"""How fast a large capture is listed, shown and searched, beside ``tshark -q -z conv,tcp`` on the same file.

Run it with ``python bench/capture_reading.py [GIGABYTES]`` (2 by default); it needs tshark, and room for
the file. Two shapes: a few long messages in large packets, as mailproxy writes them, and the same in
packets of 1,448 octets, as tcpdump sees them. All are run in turn; ratios and memory are what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
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
SHAPES = {"60 kB packets": 60_000, "1448 octets": 1448}


def main() -> None:
    octets = int(float(sys.argv[1]) * 1e9) if len(sys.argv) > 1 else 2_000_000_000
    with TemporaryDirectory(prefix="mailproxy-bench-") as name:
        for shape, payload in SHAPES.items():
            file = Path(name) / "capture.pcapng"
            write(file, octets, payload)
            capture = [sys.executable, "-m", "mailproxy", "capture"]
            works = {
                "tshark": ["tshark", "-q", "-z", "conv,tcp", "-r", str(file)],
                "list": [*capture, "list", str(file)],
                "show": [*capture, "show", str(file)],
                "show --grep": [*capture, "show", "--grep", "no such words", str(file)],
            }
            report(shape, file, works)
            file.unlink()


def report(shape: str, file: Path, works: dict[str, list[str]]) -> None:
    taken: dict[str, list[float]] = {label: [] for label in works}
    memory: dict[str, int] = dict.fromkeys(works, 0)
    for _ in range(ROUNDS):
        for label, command in works.items():
            seconds, kibibytes = run(command)
            taken[label].append(seconds)
            memory[label] = max(memory[label], kibibytes)
    print(f"{shape}, {file.stat().st_size / 1e9:.2f} GB")
    base = median(taken["tshark"])
    for label in works:
        seconds = median(taken[label])
        speed, mebibytes = base / seconds, memory[label] / 1024
        print(f"  {label:<14}{seconds:>8.1f} s{mebibytes:>8.0f} MiB   speed to tshark's {speed:.2f}")


def run(command: list[str]) -> tuple[float, int]:
    """Seconds, and the largest resident memory in KiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), f"{command} ended with {process.returncode}"
    return time.perf_counter() - start, usage.ru_maxrss


def write(file: Path, octets: int, payload: int) -> None:
    """A capture of so many octets: one POP3 session that fetches large messages."""
    tcp = SyntheticTCP(("192.0.2.1", 40_000), ("192.0.2.2", 110))
    nanoseconds = 1_700_000_000_000_000_000
    with file.open("wb") as out:
        out.write(
            blocks.section_header("bench") + blocks.interface("client side") + blocks.interface("server side")
        )
        for packet in packets(tcp, octets, payload):
            nanoseconds += 10_000
            before, behind = blocks.packet(0, nanoseconds, packet.headers, packet.octets)
            out.writelines((before, *packet.pieces, behind))


def packets(tcp: SyntheticTCP, octets: int, payload: int) -> Iterator[Packet]:
    yield from tcp.open()
    for side, line in (
        (Side.SERVER, b"+OK ready\r\n"),
        (Side.CLIENT, b"USER alice\r\n"),
        (Side.SERVER, b"+OK\r\n"),
        (Side.CLIENT, b"PASS secret\r\n"),
        (Side.SERVER, b"+OK\r\n"),
    ):
        yield from tcp.data(side, [line])
    view = memoryview(MESSAGE)
    for number in range(1, octets // len(MESSAGE) + 2):
        yield from tcp.data(Side.CLIENT, [b"RETR %d\r\n" % number])
        yield from tcp.data(Side.SERVER, [b"+OK %d octets\r\n" % len(MESSAGE)])
        for start in range(0, len(MESSAGE), payload):
            yield from tcp.data(Side.SERVER, [view[start : start + payload]])
        yield from tcp.data(Side.SERVER, [b".\r\n"])
    yield from tcp.data(Side.CLIENT, [b"QUIT\r\n"])
    yield from tcp.data(Side.SERVER, [b"+OK\r\n"])
    yield from tcp.close()


if __name__ == "__main__":
    main()

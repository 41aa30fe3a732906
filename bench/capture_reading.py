"""How fast a large capture is listed, shown and searched, beside ``tshark -q -z conv,tcp`` on the same file.

Run it with ``python bench/capture_reading.py [GIGABYTES]`` (0.2 by default, about two minutes); it needs
tshark, and room for the file. Four shapes: a few long messages in large packets, as mailproxy writes them;
the same in packets of 1,448 octets, as tcpdump sees them; and many small sessions side by side, in such
packets too, and as mailproxy records them, with both legs and remarks (a quarter of the octets, since each
of these costs so much more). All are run in turn. The speed in relation to tshark's is printed twice: by the
clock, and by the processor time (user and system), which other programs on the machine disturb less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.capture_shapes import SEGMENT, Block, long_session, recorded_sessions, small_sessions, write

ROUNDS = 3
SESSION = 6_750  # octets that a small session takes in the file, on each leg


def main() -> None:
    octets = int(float(sys.argv[1]) * 1e9) if len(sys.argv) > 1 else 200_000_000
    shapes: dict[str, Callable[[], Iterator[Block]]] = {
        "60 kB packets": lambda: long_session(octets, 60_000),
        "1448 octets": lambda: long_session(octets, SEGMENT),
        "small sessions": lambda: small_sessions(octets // 4 // SESSION),
        "recorded sessions": lambda: recorded_sessions(octets // 4 // (2 * SESSION)),
    }
    with TemporaryDirectory(prefix="mailproxy-bench-") as name:
        for shape, blocks in shapes.items():
            file = Path(name) / "capture.pcapng"
            write(file, blocks())
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


if __name__ == "__main__":
    main()

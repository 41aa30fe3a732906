"""A kill in the middle of what SQLite writes: its write-ahead log may end anywhere.

The format of the log: https://sqlite.org/fileformat2.html#walformat
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.crash.losses import state_of
from tests.crash.scene import read_store

HEADER, FRAME_HEADER, PAGE = 32, 24, 4096
"""Octets of the log's header, and of the two parts of each frame behind it."""


def cuts(log: bytes) -> Iterator[int]:
    """Where writing may have ended: between the pieces that SQLite writes, and inside of them."""
    yield from (0, HEADER // 2, HEADER)
    for frame in range(HEADER, len(log), FRAME_HEADER + PAGE):
        page = frame + FRAME_HEADER
        yield from (page, page + PAGE // 2, page + PAGE)


def states(store: Path, folder: Path) -> list[str]:
    """What the store says with each part of its log: :func:`state_of`, or what is wrong with it."""
    log = Path(f"{store}-wal").read_bytes()
    seen: list[str] = []
    for end in cuts(log):
        part = folder / f"{end}.db"
        shutil.copy(store, part)
        Path(f"{part}-wal").write_bytes(log[:end])
        problems, kept = read_store(part)
        seen.append(", ".join(problems) or state_of(kept))
    return seen

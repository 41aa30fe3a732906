"""The files that captures go to: one for all that rolls over, or one for each session."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailproxy.capture import blocks
from mailproxy.capture.active_file import ActiveFile, FolderGone
from mailproxy.capture.direct import LEAST, DirectIO, Write
from mailproxy.capture.finished import Finished
from mailproxy.capture.keeper import Keeper
from mailproxy.capture.waiting import Blocks, Item, SessionOver

CHECKED_EVERY = 2.0  # seconds: so long octets may go to a file that somebody removed
INTERFACES = ("client side", "server side")


@dataclass(frozen=True, slots=True)
class Options:
    """``application`` is the program's name and version, as they stand in the files.

    ``file_octets`` and ``total_octets`` are octets on disk; ``queue_octets`` wait in memory at most.
    """

    folder: Path
    per_session: bool = False
    file_octets: int = 100_000_000
    file_seconds: float = 3600.0
    total_octets: int = 1_000_000_000
    keep_days: float = 7.0
    compress: bool = True
    queue_octets: int = 32 * 1024 * 1024
    application: str = "mailproxy"


@dataclass(slots=True)
class _Open:
    file: ActiveFile
    since: float
    checked: float


class Files:
    """Used by the writer's thread alone. ``clock`` as time.monotonic, ``now`` as time.time."""

    def __init__(
        self,
        options: Options,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        write: Write = os.writev,
    ) -> None:
        self._options = options
        self._clock = clock
        self._now = now
        self._write = write
        self._direct = DirectIO()
        self._open: dict[str, _Open] = {}  # by session; one for all is that of ""
        self._number = 1
        self._head = blocks.section_header(options.application) + b"".join(map(blocks.interface, INTERFACES))
        finished = Finished(options.folder, options.total_octets, options.keep_days, options.compress, now)
        self._keeper = Keeper(finished)

    def write(self, items: Sequence[Item], hurry: bool = False) -> tuple[int, OSError | None]:
        """How many of the items were written, and why not all. To be called again with the rest.

        ``hurry``: many more wait.
        """
        done = 0
        while done < len(items):
            item = items[done]
            if isinstance(item, SessionOver):
                self._finish(item.session)
                done += 1
                continue
            key = item.session if self._options.per_session else ""
            try:
                opened = self._file(key, item)
            except OSError as error:
                return done, error
            run = self._run(items, done, opened.file)
            written = opened.file.write(run, hurry)
            done += written
            if written < len(run):
                if opened.file.broken:
                    self._finish(key)
                return done, opened.file.trouble
        return done, None

    def tick(self) -> None:
        """Finishes the files whose time is over, and the oldest one if all together are too large."""
        now = self._clock()
        for key, opened in list(self._open.items()):
            if now - opened.since >= self._options.file_seconds:
                self._finish(key)
        if self._keeper.over and self._open:
            self._keeper.over = 0  # until it has looked again
            self._finish(next(iter(self._open)))

    def close(self, seconds: float) -> None:
        """Finishes all files, and waits for that up to ``seconds``."""
        for key in list(self._open):
            self._finish(key)
        self._keeper.close(seconds)

    def _run(self, items: Sequence[Item], start: int, file: ActiveFile) -> list[Blocks]:
        """The blocks from there on that go to the same file, and have room in it; one always has."""
        first = items[start]
        room = self._options.file_octets - file.octets
        if room > LEAST:
            room -= room // 100  # what fills sectors up is less than that
        run: list[Blocks] = []
        for index in range(start, len(items)):
            item = items[index]
            if not isinstance(item, Blocks):
                break
            if self._options.per_session and isinstance(first, Blocks) and item.session != first.session:
                break
            room -= item.octets
            if run and room < 0:
                break
            run.append(item)
        return run

    def _file(self, key: str, block: Blocks) -> _Open:
        now = self._clock()
        opened = self._open.get(key)
        if opened is not None and now - opened.checked >= CHECKED_EVERY:
            opened.checked = now
            try:
                opened.file.check()
            except FolderGone:
                self._open.pop(key).file.close()
                opened = None
        if opened is not None and self._is_full(opened, block, now):
            self._finish(key)
            opened = None
        if opened is None:
            opened = self._open[key] = _Open(self._new(block), now, now)
        return opened

    def _is_full(self, opened: _Open, block: Blocks, now: float) -> bool:
        octets = opened.file.octets
        if now - opened.since >= self._options.file_seconds:
            return True
        return octets > len(self._head) and octets + block.octets > self._options.file_octets

    def _new(self, block: Blocks) -> ActiveFile:
        label = f"{block.protocol}-{block.session}" if self._options.per_session else ""
        file = ActiveFile(
            self._options.folder, self._now(), self._number, label, self._head, self._write, self._direct
        )
        self._number = file.number + 1
        return file

    def _finish(self, key: str) -> None:
        if (opened := self._open.pop(key, None)) is not None:
            self._keeper.finish(opened.file)

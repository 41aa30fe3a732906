"""How far a long file is read: a bar on standard error, where a person sees it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 0.5  # seconds without a bar: most files are read by then
_EVERY = 0.1  # seconds between two looks of the bar


class Reading:
    """One file while it is read. Call it with the octets of the file that were read since the last call."""

    def __init__(self, path: Path, clock: Callable[[], float], screen: TextIO, quiet: bool) -> None:
        self._path = path
        self._clock = clock
        self._screen = screen
        self._shown = screen.isatty() and not quiet
        self._due = clock() + PATIENCE
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._total = 0
        self._done = 0

    def __call__(self, octets: int) -> None:
        """Costs a look at the clock."""
        self._done += octets
        if self._shown and self._clock() >= self._due:
            self._due = self._clock() + _EVERY
            self._draw()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """No bar while something is printed on the same terminal."""
        self.close()
        yield

    def close(self) -> None:
        """Wipes the bar; the next call draws it again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = self._started()
        assert self._task is not None
        if self._done > self._total:  # it grows: nobody knows how much is left
            self._bar.tasks[0].total = None
        self._bar.update(self._task, completed=self._done, refresh=True)

    def _started(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        try:
            self._total = self._path.stat().st_size
        except OSError:  # the reader says so
            self._total = 0
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(file=self._screen),
            transient=True,
            auto_refresh=False,  # no thread
            redirect_stdout=False,  # else what goes into a pipe would go to the terminal
            redirect_stderr=False,
        )
        self._task = bar.add_task(printable(self._path.name), total=self._total)
        bar.start()
        return bar


@contextmanager
def reading(
    path: Path,
    clock: Callable[[], float] = time.monotonic,
    screen: TextIO | None = None,
    *,
    printing: bool = False,
) -> Iterator[Reading]:
    """``with reading(path) as progress: conversations(path, tally, progress)``.

    The bar comes when half a second has passed, only where ``screen`` (standard error) is a
    terminal, and is gone in the end. Print to the same terminal within ``progress.aside()``; or say
    ``printing`` when lines go to standard output all the time: on a terminal there is no bar then.
    """
    progress = Reading(path, clock, screen or sys.stderr, quiet=printing and sys.stdout.isatty())
    try:
        yield progress
    finally:
        progress.close()

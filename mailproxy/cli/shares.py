"""A long file, read by several processes at once: each parses its share of the sessions, and one prints all.

To find where sessions begin and end costs a sixth of what it costs to parse and to print them, so
each process does that for the whole file. They count the same events, and by these numbers what
they have to say is put in order again: it is what one process would have said.
"""

from __future__ import annotations

import marshal
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailproxy.capture.model import CaptureError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

SHORT = 16_000_000  # octets: a file that is not longer is read as fast by one process
_MOST = 4  # processes; each has some 50 MB
_WINDOW = 100  # events, of which all that is to be printed is put in order at once

Numbered = tuple[int, Any]
"""The number of the event that brought it, and what is to be printed: what :mod:`marshal` can take."""

_Window = tuple[int, list[Numbered]]
_LAST: _Window = (-1, [])
_FIRST = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Share:
    """One of ``of``, ``number`` counts from 0."""

    number: int = 0
    of: int = 1

    def has(self, chosen: int) -> bool:
        """Is the conversation in it that was chosen as the so manieth?"""
        return chosen % self.of == self.number


def shares_of(path: Path) -> int:
    """In how many processes it is worth to read the file."""
    if "fork" not in multiprocessing.get_all_start_methods() or not hasattr(os, "sched_getaffinity"):
        return 1
    try:
        worth = path.is_file() and path.stat().st_size > SHORT
    except OSError:  # whoever reads it says so
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST) if worth else 1


def in_shares(work: Callable[[Share], Iterator[Numbered]], shares: int) -> Iterator[Sequence[Any]]:
    """What ``work`` gives for all shares, by their numbers, some of it at a time.

    The share 0 is this process's own.

    Raises:
        CaptureError: the file cannot be read any further; or a process has ended before its work.
    """
    if shares == 1:
        for _, result in work(Share()):
            yield (result,)
        return
    sys.stdout.flush()  # what waits there would be printed by each process
    others = [_Process(work, Share(number, shares)) for number in range(1, shares)]
    errors: list[CaptureError] = []
    try:
        windows = merge(
            _windows(work(Share(0, shares)), errors), *(other.windows() for other in others), key=_FIRST
        )
        for _, together in groupby(windows, key=_FIRST):
            numbered = sorted(chain.from_iterable(found for _, found in together), key=_FIRST)
            yield [result for _, result in numbered]
        if errors:  # the others have met it at the same place
            raise errors[0]
    finally:
        for other in others:
            other.stop()


class _Process:
    """Does one share."""

    def __init__(self, work: Callable[[Share], Iterator[Numbered]], share: Share) -> None:
        context = multiprocessing.get_context("fork")
        self._results, results = context.Pipe(duplex=False)
        self._process: ForkProcess = context.Process(
            target=_do, args=(work, share, self._results, results), daemon=True
        )
        self._process.start()
        results.close()

    def windows(self) -> Iterator[_Window]:
        while True:
            try:
                window: _Window = marshal.loads(self._results.recv_bytes())  # noqa: S302 - from our own process
            except EOFError:
                raise CaptureError("a process that read a share of the file has ended too early") from None
            if window == _LAST:
                return
            yield window

    def stop(self) -> None:
        self._results.close()
        self._process.terminate()
        self._process.join()


def _do(
    work: Callable[[Share], Iterator[Numbered]], share: Share, theirs: Connection, results: Connection
) -> None:
    """In the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears of it, and ends this one
    theirs.close()
    with suppress(BrokenPipeError):  # nobody wants more
        for window in _windows(work(share), []):
            results.send_bytes(marshal.dumps(window))
        results.send_bytes(marshal.dumps(_LAST))


def _windows(numbered: Iterator[Numbered], errors: list[CaptureError]) -> Iterator[_Window]:
    """What belongs together; at an error, what came before it."""
    window = 0
    found: list[Numbered] = []
    try:
        for each in numbered:
            if each[0] >= window:
                if found:
                    yield window, found
                window, found = each[0] - each[0] % _WINDOW + _WINDOW, []
            found.append(each)
    except CaptureError as error:
        errors.append(error)
    if found:
        yield window, found

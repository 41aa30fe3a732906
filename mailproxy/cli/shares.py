"""A long file, read by several processes at once: each parses its share of the sessions, and one prints all.

To find where sessions begin and end costs a sixth to a quarter of what all costs, so each process
does that for the whole file. They count the same events, and by these numbers what
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
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailproxy.capture.model import CaptureError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

SHORT = 16_000_000  # octets: one process reads a file that is not longer in a second or two
_MOST = 4  # processes; each has some 50 MB
_WINDOW = 100  # events, of which all that is to be printed is put in order at once

Numbered = tuple[int, Any]
"""The number of the event that brought it, and what is to be printed: what :mod:`marshal` can take."""

_Window = tuple[int, list[Numbered]]
_LAST = -1  # the number of the message behind all windows; what is in it are errors
_FIRST = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Share:
    """One of ``of``, ``number`` counts from 0: that one is the share of the process that prints."""

    number: int = 0
    of: int = 1
    printing: int = field(default_factory=os.getpid)

    def has(self, chosen: int) -> bool:
        """Is a conversation in it, if so many were chosen until then, with it?"""
        return chosen % self.of == self.number

    def has_read(self, octets: int) -> None:
        """To be called now and then while another process reads: it ends when nobody prints any more."""
        if os.getppid() != self.printing:
            raise SystemExit(1)


def shares_of(path: Path, jobs: int | None) -> int:
    """In how many processes the file is to be read: ``jobs``, or as many as are worth it.

    One, where several could not read it: a pipe, or a system without fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods() or not path.is_file():
        return 1
    if jobs is not None or path.stat().st_size <= SHORT or not hasattr(os, "sched_getaffinity"):
        return jobs or 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def in_shares(work: Callable[[Share], Iterator[Numbered]], shares: int) -> Iterator[Sequence[Any]]:
    """What ``work`` gives for all shares, by their numbers, some of it at a time.

    The share 0 is this process's own. Where no other process can be started, it has all of them.

    Raises:
        CaptureError: the file cannot be read any further; or a process has ended before its work.
    """
    sys.stdout.flush()  # what waits there would be printed by each process
    others: list[_Process] = []
    try:
        with suppress(OSError):
            for number in range(1, shares):
                others.append(_Process(work, Share(number, shares)))
        if len(others) == shares - 1 > 0:
            yield from _merged(work(Share(0, shares)), others)
            return
    finally:
        for other in others:
            other.stop()
    for _, result in work(Share()):
        yield (result,)


def _merged(own: Iterator[Numbered], others: Sequence[_Process]) -> Iterator[Sequence[Any]]:
    errors: list[str] = []
    windows = merge(_windows(own, errors), *(other.windows() for other in others), key=_FIRST)
    for _, together in groupby(windows, key=_FIRST):
        numbered = sorted(chain.from_iterable(found for _, found in together), key=_FIRST)
        yield [result for _, result in numbered]
    for other in others:
        errors += other.errors
    if errors:  # most likely all have met the same one
        raise CaptureError(errors[0])


class _Process:
    """Does one share."""

    def __init__(self, work: Callable[[Share], Iterator[Numbered]], share: Share) -> None:
        context = multiprocessing.get_context("fork")
        self.errors: list[str] = []
        self._results, results = context.Pipe(duplex=False)
        self._process: ForkProcess = context.Process(
            target=_do, args=(work, share, self._results, results), daemon=True
        )
        self._process.start()
        results.close()

    def windows(self) -> Iterator[_Window]:
        """What it has found. Raises CaptureError when it was ended before its work was done."""
        while True:
            try:
                number, found = marshal.loads(self._results.recv_bytes())  # noqa: S302 - from our own process
            except (EOFError, OSError):
                raise CaptureError("a process that read a share of the file has ended too early") from None
            if number == _LAST:
                self.errors = found
                return
            yield number, found

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
    errors: list[str] = []
    with suppress(BrokenPipeError):  # nobody wants more
        for window in _windows(work(share), errors):
            results.send_bytes(marshal.dumps(window))
        results.send_bytes(marshal.dumps((_LAST, errors)))


def _windows(numbered: Iterator[Numbered], errors: list[str]) -> Iterator[_Window]:
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
        errors.append(str(error))
    if found:
        yield window, found

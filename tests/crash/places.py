"""Moments in the life of a process, told by the lines that it executes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

Line = tuple[str, int]
"""A source file as Python names it, and the number of a line in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The moment before a line is executed for the ``time``-th time, whatever other threads do meanwhile."""

    file: str
    line: int
    time: int

    def __str__(self) -> str:
        return f"{'/'.join(self.file.split('/')[-3:])}:{self.line}, time {self.time}"


def places(lines: Iterable[Line]) -> Iterator[Place]:
    """The moments of a process that has executed these lines, in order."""
    seen: Counter[Line] = Counter()
    for line in lines:
        seen[line] += 1
        yield Place(*line, seen[line])


def evenly(moments: Sequence[Place], count: int) -> list[Place]:
    """So many of them, at equal distances, or all."""
    if len(moments) <= count:
        return list(moments)
    return [moments[number * len(moments) // count] for number in range(count)]


class Tracer:
    """Calls ``step`` for each line that any thread executes, once it is armed.

    ``file`` is the only source file to be followed, if it is given. To be made before there are
    threads. Their frames that are older than the arming are not followed, those of
    the thread that arms it are.
    """

    def __init__(self, step: Callable[[Line], None], file: str = "") -> None:
        self._step = step
        self._file = file
        self._armed = False
        threading.settrace(self)

    def arm(self) -> None:
        """From here on. Does nothing the second time."""
        if self._armed:
            return
        self._armed = True
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            frame.f_trace = self._followed(frame.f_code.co_filename)
            frame = frame.f_back
        sys.settrace(self)

    def stop(self) -> None:
        """No more steps."""
        self._armed = False
        sys.settrace(None)

    def _followed(self, file: str) -> Tracer | None:
        follow = file == self._file if self._file else file != __file__
        return self if follow and self._armed else None

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Tracer | None:
        if event == "call":
            return self._followed(frame.f_code.co_filename)
        if event == "line" and self._armed:
            self._step((frame.f_code.co_filename, frame.f_lineno))
        return self


class Killer:
    """Takes the steps of a process, and ends it at a place as ``kill -9`` does."""

    def __init__(self, place: Place) -> None:
        self._aim = (place.file, place.line)
        self._left = place.time

    def __call__(self, line: Line) -> None:
        if line == self._aim:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)

"""What was done lately, so that it is not done again too soon."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Recent:
    """Remembers the last ``limit`` things that were done, each for ``every`` seconds.

    What is forgotten because there is too much of it counts as not done: it is done once more.
    """

    __slots__ = ("_done", "_every", "_limit")

    def __init__(self, every: float, limit: int = 10_000) -> None:
        self._every = every
        self._limit = limit
        self._done: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._done)

    def due(self, key: Hashable, now: float, value: object = None) -> bool:
        """Was it not done within the time, or with another ``value``?"""
        done = self._done.get(key)
        # A clock that was set back would else put it off for as long.
        return done is None or done[1] != value or not 0 <= now - done[0] < self._every

    def note(self, key: Hashable, now: float, value: object = None) -> None:
        """It is done."""
        self._done[key] = now, value
        self._done.move_to_end(key)
        if len(self._done) > self._limit:
            self._done.popitem(last=False)

"""What waits to be written: bounded in octets, filled by one thread that never waits, emptied by another.

Invariant: only the thread that fills makes the queue longer. What fits therefore still fits
when it is put.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailproxy.capture.synthetic import Payload

SMALLEST_LIMIT = 256 * 1024  # octets: a packet always fits into an empty queue
BATCH = 4 * 1024 * 1024  # octets that wake the writer before its time
LINGER = 0.1  # seconds in which small packets gather, so that they are written together
_SPARE = 8  # the room kept is the limit's eighth
_OVERHEAD = 512  # octets of memory for an item without octets, roughly
_BUFFER = 64  # octets of memory for a buffer, beside its own


class Blocks(NamedTuple):
    """The blocks of some packets. ``octets`` are those in the file, ``payload`` those of the dialogue."""

    session: str
    protocol: str
    buffers: Sequence[Payload]
    octets: int
    payload: int


@dataclass(frozen=True, slots=True)
class SessionOver:
    """Both legs are closed."""

    session: str


Item = Blocks | SessionOver


def weight(item: Item) -> int:
    """Octets of memory that the item is counted for."""
    return _OVERHEAD + (item.octets + _BUFFER * len(item.buffers) if isinstance(item, Blocks) else 0)


class Waiting:
    """The queue. ``limit`` in octets, but never less than ``SMALLEST_LIMIT``."""

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, SMALLEST_LIMIT)
        self._batch = min(BATCH, self._limit // 4)
        self._items: deque[Item] = deque()
        self._octets = 0  # of what waits and of what was taken and is not written yet
        self._fresh = 0  # octets that came since the writer took
        self._closed = False
        self._idle = False  # the writer waits for the first packet, not for more of them
        self._changed = threading.Condition(threading.Lock())

    @property
    def octets(self) -> int:
        """Octets of memory that are in use."""
        return self._octets

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def crowded(self) -> bool:
        """Is there little room left?"""
        return self._octets > self._limit // 4 * 3

    def fits(self, octets: int, spare: bool = False) -> bool:
        """Whether the block of a packet with that many octets may be put; ``spare``: into the room that is
        kept for the few packets without payload, as those that say what was lost.
        """
        return self._has_room(_OVERHEAD + octets + 3 * _BUFFER, spare)

    def _has_room(self, weight: int, spare: bool) -> bool:
        limit = self._limit + self._limit // _SPARE if spare else self._limit
        return not self._closed and self._octets + weight <= limit

    def put(self, blocks: Blocks, spare: bool = False) -> bool:
        """Adds them if all of them fit; else none, and returns False."""
        added = weight(blocks)
        if not self._has_room(added, spare):
            return False
        self._add(blocks, added)
        return True

    def over(self, session: str) -> None:
        """Adds word of a session's end, which always fits."""
        item = SessionOver(session)
        self._add(item, weight(item))

    def _add(self, item: Item, added: int) -> None:
        with self._changed:
            wake = self._idle or self._fresh < self._batch <= self._fresh + added
            self._idle = False
            self._items.append(item)
            self._octets += added
            self._fresh += added
            if wake:
                self._changed.notify()

    def take(self, seconds: float) -> list[Item]:
        """All that waits. Waits a moment for a batch of it, and up to ``seconds`` if there is nothing at all.

        Where much comes, this thread wakes once for each batch: to wake costs the other thread, too, which
        has to let go of the interpreter for it.
        """
        with self._changed:
            self._gather()
            if not self._items and not self._closed:
                self._idle = True
                self._changed.wait(seconds)
                self._idle = False
                self._gather()
            taken = list(self._items)
            self._items.clear()
            self._fresh = 0
            return taken

    def _gather(self) -> None:
        if self._fresh < self._batch and not self._closed:
            self._changed.wait_for(lambda: self._fresh >= self._batch or self._closed, LINGER)

    def written(self, items: Sequence[Item]) -> None:
        """Taken items that need no memory any more."""
        octets = sum(map(weight, items))
        with self._changed:
            self._octets -= octets

    def pause(self, seconds: float) -> bool:
        """Waits for something to be put or for the end, up to ``seconds``."""
        with self._changed:
            return self._closed or self._changed.wait(seconds)

    def left(self) -> int:
        """Octets of payload that wait and were not taken."""
        with self._changed:
            return sum(item.payload for item in self._items if isinstance(item, Blocks))

    def close(self) -> None:
        """Nothing more will be put."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

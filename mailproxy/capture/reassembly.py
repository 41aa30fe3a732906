"""One direction of a TCP connection: segments in any order become octets in order (RFC 9293 §3.4, §3.10.7.4).

Sequence numbers wrap at 2^32, so they are only ever compared with what is wanted next. A segment that starts
there is delivered; one that starts before it brings what is new in it; one that starts behind it waits.
What is said first is believed: octets that were delivered are not looked at again.

A mark is a segment without octets. It waits where octets are known to end that were not captured, or at
FIN, so that a hole in front of it is found as any other.
"""

from __future__ import annotations

from bisect import bisect_right

from mailproxy.capture.model import Stream
from mailproxy.proto.tokens import Side

SEQUENCES = 1 << 32
_HALF = SEQUENCES // 2
MOST_SEGMENTS = 1000  # that wait in one direction
MOST_OCTETS = 1 << 20  # … and their size, each with _OVERHEAD
_OVERHEAD = 200  # octets that Python needs for a segment, about
_WINDOW = 1 << 30  # RFC 7323 §2.3: no sender is further ahead


class Room:
    """What may wait in all directions together, in octets."""

    def __init__(self, octets: int = 64 << 20) -> None:
        self.free = octets


class Waiting:
    """Segments that came before what they follow. Positions do not wrap; ``passed`` is wanted next."""

    __slots__ = ("cost", "passed", "segments")

    def __init__(self) -> None:
        self.passed = 0
        self.segments: list[tuple[int, bytes]] = []  # by position; they may overlap
        self.cost = 0

    def add(self, ahead: int, data: bytes) -> bool:
        """Keeps a segment; False when all of it waits already."""
        position = self.passed + ahead
        end = position + len(data)
        at = bisect_right(self.segments, position, key=_position)
        if at and self.segments[at - 1][0] + len(self.segments[at - 1][1]) >= end:
            return False
        self.segments.insert(at, (position, data))
        self.cost += len(data) + _OVERHEAD
        return True

    def move_mark(self, start: int, end: int) -> bool:
        """Moves the last mark to the end of a hole that begins there. False when it stands elsewhere."""
        if self.segments[-1] != (self.passed + start, b"") or start >= end:
            return False
        self.segments[-1] = (self.passed + end, b"")
        return True

    def ready(self) -> list[bytes]:
        """Takes out what can be delivered, up to the next hole."""
        pieces, taken = [], 0
        for position, data in self.segments:
            if position > self.passed:
                break
            taken += 1
            self.cost -= len(data) + _OVERHEAD
            new = data[self.passed - position :]
            if new:
                pieces.append(new)
                self.passed += len(new)
        del self.segments[:taken]
        return pieces


class Direction:
    """What ``side`` of ``stream`` sends.

    ``wanted`` is the sequence number of the octet that is delivered next, ``acknowledged`` the highest one
    that the other side has acknowledged, ``isn`` that of SYN, ``fin`` that of FIN; -1 stands for unknown.
    ``calm`` says that nothing waits in either direction and no FIN was seen: what is wanted next is simply
    delivered. ``heard`` is the frame of the last packet.
    """

    __slots__ = (
        "acknowledged",
        "calm",
        "fin",
        "heard",
        "isn",
        "room",
        "side",
        "stream",
        "waiting",
        "wanted",
    )

    def __init__(self, stream: Stream, side: Side, room: Room) -> None:
        self.stream = stream
        self.side = side
        self.room = room
        self.wanted = self.acknowledged = self.isn = self.fin = -1
        self.calm = True
        self.heard = 0
        self.waiting: Waiting | None = None

    def is_far(self, sequence: int) -> bool:
        """Is this further away than any window reaches?"""
        return self.wanted >= 0 and abs(distance(self.wanted, sequence)) > _WINDOW

    def add(self, sequence: int, data: bytes) -> tuple[bytes, bool]:
        """What this segment makes complete; and did it bring anything that was not there?

        ``sequence`` is not far.
        """
        if self.wanted < 0:
            self.wanted = sequence
        ahead = distance(self.wanted, sequence)
        if ahead > 0:
            return b"", self._wait(ahead, data)
        new = data[-ahead:]
        if not new and self.waiting is None:
            return b"", False
        return self._deliver([new]), bool(new)

    def mark(self, start: int, end: int) -> None:
        """Octets from ``start`` up to ``end`` were sent, and not captured."""
        ahead = distance(self.wanted, end)
        if ahead <= 0:
            return
        if self.waiting is not None and self.waiting.move_mark(distance(self.wanted, start), ahead):
            return
        self._wait(ahead, b"")

    def hole(self) -> int:
        """How many octets are missing before what waits; 0 when nothing waits."""
        return self.waiting.segments[0][0] - self.waiting.passed if self.waiting is not None else 0

    def hole_is_sure(self) -> bool:
        """Has the other side all of it, or waits too much behind it?"""
        waiting = self.waiting
        if waiting is None:
            return False
        hole = self.hole()
        if self.acknowledged >= 0 and distance(self.wanted, self.acknowledged) >= hole:
            return True
        if hole > _WINDOW // 2:  # if it grew, what follows would be out of reach
            return True
        return len(waiting.segments) > MOST_SEGMENTS or waiting.cost > MOST_OCTETS or self.room.free < 0

    def skip_hole(self) -> bytes:
        """What waits behind the hole, which is given up."""
        assert self.waiting is not None
        missing = self.hole()
        self.waiting.passed += missing
        self.wanted += missing
        return self._deliver([])

    def is_done(self) -> bool:
        """FIN was seen, and all before it."""
        return self.fin >= 0 and distance(self.fin, self.wanted) >= 0

    def _wait(self, ahead: int, data: bytes) -> bool:
        if self.waiting is None:
            self.waiting = Waiting()
        before = self.waiting.cost
        is_new = self.waiting.add(ahead, data)
        self.room.free -= self.waiting.cost - before
        return is_new

    def _deliver(self, pieces: list[bytes]) -> bytes:
        waiting = self.waiting
        octets = sum(map(len, pieces))
        if waiting is not None:
            before = waiting.cost
            waiting.passed += octets
            more = waiting.ready()
            self.room.free += before - waiting.cost
            octets += sum(map(len, more))
            pieces += more
            if not waiting.segments:
                self.waiting = None
        self.wanted = (self.wanted + octets) % SEQUENCES
        return b"".join(pieces)


def distance(start: int, end: int) -> int:
    """From one sequence number to another, forward or back, whichever is nearer."""
    return (end - start + _HALF) % SEQUENCES - _HALF


def _position(segment: tuple[int, bytes]) -> int:
    return segment[0]

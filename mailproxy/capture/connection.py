"""A TCP connection: what each packet of it means for both directions.

A hole is given up only when it is sure that nothing fills it: the other side has acknowledged all of it;
RST or the end of the file came; or more waits behind it than may. FIN alone proves nothing, it may have
overtaken what is missing.
"""

from __future__ import annotations

from mailproxy.capture.internet import ACK, FIN, RST, SYN, Segment
from mailproxy.capture.model import Closed, Hole, Noted, Octets, Stream, StreamEvent, Tally
from mailproxy.capture.notes import Notes
from mailproxy.capture.reassembly import SEQUENCES, Direction, Room, distance
from mailproxy.proto.tokens import Side


class End(Direction):
    """A direction that knows its connection and the ``other`` end."""

    __slots__ = ("connection", "other")

    connection: Connection
    other: End


class Connection:
    """Both directions of ``stream``. When ``is_closed``, what still comes for it is only counted."""

    __slots__ = ("client", "is_closed", "notes", "server", "stream")

    def __init__(self, stream: Stream, room: Room, notes: Notes) -> None:
        self.stream = stream
        self.notes = notes
        self.client, self.server = End(stream, Side.CLIENT, room), End(stream, Side.SERVER, room)
        self.client.other, self.server.other = self.server, self.client
        self.client.connection = self.server.connection = self
        self.is_closed = False

    def is_replaced_by(self, direction: End, flags: int, sequence: int) -> bool:
        """Does this packet begin another connection between the same ports?"""
        if not flags & SYN:
            return False
        if direction.isn >= 0:
            return direction.isn != sequence or (not flags & ACK and self._was_answered(direction))
        if self.is_closed:
            return True
        if direction.wanted >= 0:
            return (sequence + 1) % SEQUENCES != direction.wanted
        # Not heard yet, this side may well answer, or open it at the same time (RFC 9293 §3.5).
        return not flags & ACK and direction.other.isn < 0

    def take(
        self,
        direction: End,
        segment: Segment,
        data: bytes,
        time: float,
        frame: int,
        comments: tuple[str, ...],
    ) -> list[StreamEvent]:
        """What a packet of this connection brings."""
        _, sequence, acknowledgment, flags, _, _, missing = segment
        events: list[StreamEvent] = []
        if self.is_closed:
            self._count_late(direction, sequence, data, flags, frame, comments)
            return events
        if flags & SYN:
            sequence = _begin(direction, sequence, acknowledgment, flags)
        if flags & ACK:
            _acknowledge(direction.other, acknowledgment)
            if direction.other.waiting is not None:
                events += self._give_up_holes(direction.other, time, frame)
                self._calm()
        if flags & RST:
            if comments:
                events.append(Noted(self.stream, time, frame, comments))
            return events + self.close("rst", time, frame)
        if not (data or missing or flags & FIN):
            pass  # it acknowledges, or opens, and brings nothing
        elif sequence != direction.wanted and direction.is_far(sequence):
            if data or flags & FIN:
                self.notes.tally.damaged += 1
                self.notes.add("a segment lies outside of any window of its stream, and was left out", frame)
        else:
            new = _add(direction, sequence, data, flags, missing, self.notes.tally)
            if new:
                events.append(Octets(self.stream, direction.side, new, time, frame, comments))
                comments = ()
            if direction.waiting is not None:
                events += self._give_up_holes(direction, time, frame)
            self._calm()
        if comments:
            events.append(Noted(self.stream, time, frame, comments))
        if self.client.fin >= 0 <= self.server.fin and _is_over(self.client) and _is_over(self.server):
            events += self.close("fin", time, frame)
        return events

    def close(self, how: str, time: float, frame: int) -> list[StreamEvent]:
        """Gives out what waits, and ends the stream."""
        events: list[StreamEvent] = []
        for direction in (self.client, self.server):
            if direction.waiting is not None:
                events += self._give_up_holes(direction, time, frame, unsure=True)
        self.is_closed = True
        self._calm()
        if how != "fin" and self.client.is_done() and self.server.is_done():
            how = "fin"
        events.append(Closed(self.stream, time, how))
        return events

    def _was_answered(self, direction: End) -> bool:
        """Is it over, and was there more than an attempt to connect, which may be repeated as it is?"""
        first = (direction.isn + 1) % SEQUENCES
        return self.is_closed and (direction.other.isn >= 0 or direction.wanted != first)

    def _give_up_holes(
        self, direction: End, time: float, frame: int, *, unsure: bool = False
    ) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        missing = 0
        while direction.waiting is not None and (unsure or direction.hole_is_sure()):
            missing += direction.hole()
            data = direction.skip_hole()
            if data:  # else a mark stood there, and another hole follows
                events.append(Hole(self.stream, direction.side, missing, time, frame))
                events.append(Octets(self.stream, direction.side, data, time, frame))
                missing = 0
        if missing:
            events.append(Hole(self.stream, direction.side, missing, time, frame))
        return events

    def _count_late(
        self, direction: End, sequence: int, data: bytes, flags: int, frame: int, comments: tuple[str, ...]
    ) -> None:
        if data and not flags & RST:
            if direction.wanted < 0 or distance(direction.wanted, sequence) + len(data) > 0:
                self.notes.add("octets behind the end of a stream were left out", frame)
            else:
                self.notes.tally.retransmitted += 1
        if comments:
            self.notes.add("comments behind the end of a stream were left out", frame)

    def _calm(self) -> None:
        client, server = self.client, self.server
        client.calm = server.calm = (
            client.waiting is server.waiting is None and client.fin == server.fin == -1 and not self.is_closed
        )


def _begin(direction: End, sequence: int, acknowledgment: int, flags: int) -> int:
    """Takes note of SYN; returns the sequence number of the first octet."""
    first = (sequence + 1) % SEQUENCES
    direction.isn = sequence
    if direction.wanted < 0:
        direction.wanted = first
    if flags & ACK and direction.other.wanted < 0:
        direction.other.wanted = acknowledgment
    return first


def _acknowledge(direction: End, acknowledgment: int) -> None:
    if direction.acknowledged < 0 or distance(direction.acknowledged, acknowledgment) > 0:
        direction.acknowledged = acknowledgment


def _add(direction: End, sequence: int, data: bytes, flags: int, missing: int, tally: Tally) -> bytes:
    """What this segment makes complete."""
    if sequence == direction.wanted and direction.waiting is None and not missing:
        # What is wanted next, as nearly always; what follows would do the same.
        direction.wanted = (sequence + len(data)) % SEQUENCES
        if flags & FIN:
            direction.fin = direction.wanted
        return data
    if _is_keep_alive(direction, sequence, data):
        tally.retransmitted += 1
        return b""
    new = b""
    if data:
        new, is_new = direction.add(sequence, data)
        tally.retransmitted += not is_new
    end = (sequence + len(data) + missing) % SEQUENCES
    if missing or flags & FIN:
        if direction.wanted < 0:
            direction.wanted = sequence
        direction.mark((sequence + len(data)) % SEQUENCES, end)
    if flags & FIN and distance(direction.wanted, end) >= 0:
        direction.fin = end
    return new


def _is_keep_alive(direction: End, sequence: int, data: bytes) -> bool:
    """RFC 9293 §3.8.4 in front of all octets that were captured; later ones bring nothing new anyway."""
    return direction.wanted < 0 and len(data) == 1 and direction.acknowledged == (sequence + 1) % SEQUENCES


def _is_over(direction: End) -> bool:
    """Did all arrive, FIN too?"""
    return direction.is_done() and distance(direction.fin, direction.acknowledged) > 0

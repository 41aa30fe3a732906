"""What would be written of a session's connections, kept until it is known whether anybody wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailproxy.capture.comments import write
from mailproxy.capture.leg import BODY_OCTETS, How, Sink
from mailproxy.proto.tokens import Side

MOST_OCTETS = 65_536  # of data and remarks; a login is a tenth of it, and thousands of sessions may wait
_CALL_OCTETS = 300  # what a call costs beside its data
_WHY = "the session was long before a rule wanted it"

Call = Callable[[Sink], None]


class Deferral:
    """The calls for all connections of one session, in order. What does not fit any more is a gap."""

    __slots__ = ("_calls", "_connections", "_full", "_octets", "_released")

    def __init__(self) -> None:
        self._calls: list[tuple[Deferred, Call]] = []
        self._connections: list[Deferred] = []
        self._octets = 0
        self._full = False
        self._released = False

    def connection(self, make: Callable[[], Sink]) -> Deferred:
        """A connection that is made when it is wanted."""
        connection = Deferred(self, make)
        self._connections.append(connection)
        return connection

    def keep(self, connection: Deferred, call: Call, octets: int) -> bool:
        """Do this later; False when there is no room for it."""
        self._octets += _CALL_OCTETS + octets
        self._full = self._full or self._octets > MOST_OCTETS  # behind a gap nothing is kept
        if not self._full:
            self._calls.append((connection, call))
        return not self._full

    def keep_opening(self, connection: Deferred, call: Call) -> None:
        """The same of a connection's first call, for which there is always room."""
        self._calls.append((connection, call))

    def release(self) -> None:
        """Somebody wants it: all is done now, and from here on at once."""
        if self._released:
            return
        self._released = True
        for connection in self._connections:
            connection.begin()
        calls, self._calls = self._calls, []
        for connection, call in calls:
            call(connection.sink)
        for connection in self._connections:
            connection.tell_lost()


class Deferred:
    """A :class:`~mailproxy.capture.leg.Sink` of a :class:`Deferral`. ``sink`` is there once released."""

    __slots__ = ("_deferral", "_lost", "_make", "_released", "_untold", "sink")

    sink: Sink

    def __init__(self, deferral: Deferral, make: Callable[[], Sink]) -> None:
        self._deferral = deferral
        self._make = make
        self._lost = [0, 0]  # octets of each side
        self._untold = 0
        self._released = False

    def begin(self) -> None:
        self.sink = self._make()
        self._released = True

    def tell_lost(self) -> None:
        for side in Side:
            if self._lost[side]:
                self.sink.hole(side, self._lost[side])
        self._untold = sum(self._lost)

    @property
    def patience(self) -> int:
        return self.sink.patience if self._released else BODY_OCTETS

    def open(self, time: float, comments: Sequence[str]) -> None:
        if self._released:
            self.sink.open(time, comments)
        else:
            self._deferral.keep_opening(self, lambda sink: sink.open(time, comments))

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        if self._released:
            self.sink.data(side, pieces, time, self._with_lost(comments))
            return
        octets = sum(map(len, pieces))
        room = octets + _octets(comments)
        if not self._deferral.keep(self, lambda sink: sink.data(side, pieces, time, comments), room):
            self._lost[side] += octets

    def hole(self, side: Side, octets: int) -> None:
        if self._released:
            self.sink.hole(side, octets)
        elif not self._deferral.keep(self, lambda sink: sink.hole(side, octets), 0):
            self._lost[side] += octets

    def note(self, time: float, comments: Sequence[str]) -> None:
        if self._released:
            self.sink.note(time, self._with_lost(comments))
        else:
            self._deferral.keep(self, lambda sink: sink.note(time, comments), _octets(comments))

    def close(self, time: float, how: How, comments: Sequence[str] = ()) -> None:
        if self._released:
            self.sink.close(time, how, self._with_lost(comments))

    def _with_lost(self, comments: Sequence[str]) -> Sequence[str]:
        octets, self._untold = self._untold, 0
        return [*comments, write("lost", octets=octets, why=_WHY)] if octets else comments


def _octets(comments: Sequence[str]) -> int:
    return sum(map(len, comments))

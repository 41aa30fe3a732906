"""All TCP connections of a file that are open, and which packet belongs to which.

At most ``most_open`` are open at a time: for another one, the one that was silent longest is closed. Of those
that are closed, some are remembered, so that late packets do not open them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from mailproxy.capture.connection import Connection, End
from mailproxy.capture.internet import ACK, SYN, Segment, ports, source, way_back
from mailproxy.capture.model import Opened, Stream, StreamEvent
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import Interface
from mailproxy.capture.reassembly import Room

MOST_OPEN = 100_000
MOST_CLOSED = 10_000
# Interfaces on which equal addresses and ports are not one connection: both sides of a proxy on one machine.
# On others, a packet may be seen twice, or each direction on an interface of its own.
SIDES = ("client side", "server side")

Table = dict[bytes, End]


# A connection, its table, and its two keys there: of what the client sends, and of what the server does.
_Entry: TypeAlias = tuple[Connection, Table, bytes, bytes]


class Connections:
    """The connections of one file."""

    def __init__(self, notes: Notes, most_open: int = MOST_OPEN, most_closed: int = MOST_CLOSED) -> None:
        self._notes = notes
        self._most_open = most_open
        self._most_closed = most_closed
        self._tables: dict[str, Table] = {name: {} for name in ("", *SIDES)}
        self._room = Room()
        self._opened = 0
        self._open: dict[int, _Entry] = {}  # by number of the stream
        self._closed: deque[_Entry] = deque()
        self._silent: list[
            tuple[int, int]
        ] = []  # frame last heard, and number, as they once were; latest first

    def table(self, interface: Interface) -> Table:
        """Which direction has which key, on this interface."""
        return self._tables[interface.name if interface.name in SIDES else ""]

    def take(
        self,
        interface: Interface,
        end: End | None,
        segment: Segment,
        data: bytes,
        time: float,
        frame: int,
        comments: tuple[str, ...],
    ) -> list[StreamEvent]:
        """What a packet brings. ``end`` is what the table has for its key."""
        key, sequence, _, flags, _, _, _ = segment
        events: list[StreamEvent] = []
        if end is None or (flags & SYN and end.connection.is_replaced_by(end, flags, sequence)):
            if end is not None and not end.connection.is_closed:
                events += end.connection.close("cut", time, frame)
                self._bury(end.connection)
            if len(self._open) >= self._most_open:
                events += self._close_longest_silent(time, frame)
            end = self._new(interface, key, flags)
            events.append(Opened(end.stream, time, frame, comments))
            comments = ()
        end.heard = frame
        events += end.connection.take(end, segment, data, time, frame, comments)
        if end.connection.is_closed:
            self._bury(end.connection)
        return events

    def close_all(self, time: float, frame: int) -> Iterator[StreamEvent]:
        """The file ends here."""
        for connection, _, _, _ in self._open.values():
            yield from connection.close("cut", time, frame)
        self._open.clear()

    def _new(self, interface: Interface, key: bytes, flags: int) -> End:
        here, there = ports(key)
        opens = bool(flags & SYN) and not flags & ACK
        from_client = opens or (not flags & SYN and here >= there)
        client_key, server_key = (key, way_back(key)) if from_client else (way_back(key), key)
        stream = Stream(self._opened, source(client_key), source(server_key), interface.name)
        connection = Connection(stream, self._room, self._notes)
        table = self.table(interface)
        table[server_key] = connection.server
        table[client_key] = connection.client  # the last, for who talks to itself has one key
        self._open[self._opened] = connection, table, client_key, server_key
        self._opened += 1
        return connection.client if from_client else connection.server

    def _bury(self, connection: Connection) -> None:
        entry = self._open.pop(connection.stream.number, None)
        if entry is None:
            return
        self._closed.append(entry)
        if len(self._closed) > self._most_closed:
            oldest, table, client_key, server_key = self._closed.popleft()
            for name, end in ((client_key, oldest.client), (server_key, oldest.server)):
                if table.get(name) is end:
                    del table[name]

    def _close_longest_silent(self, time: float, frame: int) -> list[StreamEvent]:
        self._notes.add(
            f"more than {self._most_open} streams were open, and the one silent longest was closed", frame
        )
        connection = self._longest_silent()
        self._bury(connection)
        return connection.close("cut", time, frame)

    def _longest_silent(self) -> Connection:
        """Sorts again when all of those sorted before have spoken since, or are closed."""
        while True:
            while self._silent:
                heard, number = self._silent.pop()
                entry = self._open.get(number)
                if entry is not None and _heard(entry[0]) == heard:
                    return entry[0]
            self._silent = sorted(
                ((_heard(entry[0]), number) for number, entry in self._open.items()), reverse=True
            )


def _heard(connection: Connection) -> int:
    return max(connection.client.heard, connection.server.heard)

"""All TCP connections of a file that are open, and which packet belongs to which.

At most ``most_open`` are open at a time: for another one, the one that was silent longest is closed. Of those that are
closed, some are remembered, so that late packets do not open them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mailproxy.capture.connection import Connection
from mailproxy.capture.internet import ACK, SYN, ports, source, way_back
from mailproxy.capture.model import Opened, Stream, StreamEvent
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import Interface
from mailproxy.capture.reassembly import Direction, Room

MOST_OPEN = 100_000
MOST_CLOSED = 10_000
# Interfaces on which equal addresses and ports are not one connection: the two sides of a proxy on one machine. On others
# a packet may be seen twice, or each direction on another one.
SIDES = ("client side", "server side")

Table = dict[bytes, Direction]


class Connections:
    """The connections of one file."""

    def __init__(self, notes: Notes, most_open: int = MOST_OPEN, most_closed: int = MOST_CLOSED) -> None:
        self._notes = notes
        self._most_open = most_open
        self._most_closed = most_closed
        self._tables: dict[str, Table] = {name: {} for name in ("", *SIDES)}
        self._room = Room()
        self._opened = 0
        self._open: dict[int, tuple[Connection, Table, bytes]] = {}  # by number of the stream
        self._closed: deque[tuple[Connection, Table, bytes]] = deque()
        self._silent: list[tuple[int, int]] = []  # frame last heard and number, as they once were; latest first

    def table(self, interface: Interface) -> Table:
        """Which direction has which key, on this interface."""
        return self._tables[interface.name if interface.name in SIDES else ""]

    def find(self, direction: Direction) -> Connection | None:
        """The connection of a direction, when it is open."""
        entry = self._open.get(direction.stream.number)
        return entry[0] if entry is not None else None

"""What is read out of a capture file: TCP connections, and the octets of their two ends in order.

The words here are those of any capture. What mail programs and servers said in them is
for :mod:`mailproxy.capture.follower`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailproxy.proto.tokens import Side


class CaptureError(Exception):
    """A file cannot be read as a capture, or not any further. The text names file, cause and next step."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One TCP connection.

    ``number`` counts from 0, in the order of the first frames. ``client`` and ``server`` are
    ``address:port``; the client is the end that sent SYN, or without one the end with the
    higher port. ``interface`` is the name that the file gives the interface, most often ``""``.
    """

    number: int
    client: str
    server: str
    interface: str = ""


@dataclass(slots=True)
class Opened:
    """The first frame of a connection. ``time`` is seconds since 1970, everywhere in this module."""

    stream: Stream
    time: float
    frame: int  # the number of the packet in its file, from 1, as Wireshark counts
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Octets:
    """What ``side`` sent next: in order, each octet once.

    ``comments`` are those of the packet that made these octets complete.
    """

    stream: Stream
    side: Side
    data: bytes
    time: float
    frame: int
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Hole:
    """Octets of ``side`` that are not in the capture, though more came behind them."""

    stream: Stream
    side: Side
    octets: int
    time: float
    frame: int


@dataclass(slots=True)
class Noted:
    """Comments on a packet that brought no new octets."""

    stream: Stream
    time: float
    frame: int
    comments: tuple[str, ...]


@dataclass(slots=True)
class Closed:
    """Nothing more of this connection will come. ``how``: ``fin``, ``rst``, or ``cut`` (the file ended)."""

    stream: Stream
    time: float
    how: str


StreamEvent = Opened | Octets | Hole | Noted | Closed


@dataclass(slots=True)
class Tally:
    """What a reader met in a file, beside its streams: nothing is left out without being counted."""

    packets: int = 0
    octets: int = 0  # of the file that were read
    not_tcp: int = 0  # packets that are no TCP, or of a link layer that is not known
    fragments: int = 0  # of IP, which are not put together
    damaged: int = 0  # packets whose headers contradict their length
    retransmitted: int = 0  # segments that brought nothing new
    notes: list[str] = field(default_factory=list)  # for people: what is odd about the file, and where

"""What every capture file has in it: packets, each of an interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MOST = 16 << 20  # octets of one packet or block; a length above this is a lie, or no mail server's packet


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """Where packets were captured.

    ``link`` is the LINKTYPE of the registry that pcap and pcapng share; ``name`` is ``""`` when the file has
    none.
    """

    link: int
    name: str = ""


NOWHERE = Interface(-1)  # of packets whose block is damaged: they only count

# (time, interface, buffer, start, end, length, comments): the captured octets are buffer[start:end],
# ``length`` is how many were on the wire, ``time`` is in seconds since 1970. It is a plain tuple, because
# there is one for every packet of a file of gigabytes; the buffer is shared, and nothing is copied on the way
# to the payload.
Packet: TypeAlias = tuple[float, Interface, bytes, int, int, int, tuple[str, ...]]

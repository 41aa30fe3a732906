"""Octets that were said and are not in the file, as if the capture had a snapshot length.

So nobody takes them for lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailproxy.capture import blocks
from mailproxy.capture.synthetic import LARGEST_PAYLOAD, SyntheticTCP
from mailproxy.proto.tokens import Side

_MOST = 1000  # packets that are made at once


def left_out(tcp: SyntheticTCP, side: Side, octets: int, interface: int, nanoseconds: int) -> Iterator[bytes]:
    """The blocks of packets with so many octets of the side, of which only the headers are in the file."""
    while octets:
        payload = min(octets, LARGEST_PAYLOAD)
        count = min(octets // payload, _MOST)
        before, behind = blocks.around(interface, nanoseconds, tcp.header_octets, left_out=payload)
        yield b"".join(tcp.alike(side, payload, count, before, behind))
        octets -= payload * count

"""pcap, as tcpdump writes it: a header, and packets behind each other."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Literal

from mailproxy.capture.packets import MOST, Interface, Packet
from mailproxy.capture.source import Source

_HEADER = 24
_LINK = 0x03FFFFFF  # above are the length of a checksum behind frames, and bits that are kept free

_ORDERS: tuple[tuple[Literal["big", "little"], str], ...] = (("big", ">"), ("little", "<"))

# What stands first in the file -> byte order, seconds in a unit of the fraction, octets of a packet's header.
# The third kind has 8 octets more of each packet's: its author's patch, and routers that still use it.
_KINDS = {
    magic.to_bytes(4, name): (order, unit, octets)
    for magic, unit, octets in ((0xA1B2C3D4, 1e-6, 16), (0xA1B23C4D, 1e-9, 16), (0xA1B2CD34, 1e-6, 24))
    for name, order in _ORDERS
}
MAGICS = frozenset(_KINDS)


def packets(source: Source, buffer: bytes) -> Iterator[Packet]:
    """The packets of a file that begins with ``buffer``, and that with one of ``MAGICS``.

    Raises:
        CaptureError: a length cannot be true, or the file cannot be read.
    """
    buffer = source.refill(buffer, _HEADER)
    if len(buffer) < _HEADER:
        source.end(len(buffer))
        return
    order, unit, head = _KINDS[buffer[:4]]
    interface = Interface(Struct(order + "I").unpack_from(buffer, 20)[0] & _LINK)
    unpack = Struct(order + "IIII").unpack_from
    at, size = _HEADER, len(buffer)
    while True:
        if at + head > size:
            buffer = source.refill(buffer[at:], head)
            at, size = 0, len(buffer)
            if size < head:
                break
        seconds, fraction, captured, length = unpack(buffer, at)
        end = at + head + captured
        if end > size:
            if captured > MOST:
                raise source.error(
                    size - at,
                    f"a packet says that it has {captured} octets",
                    f"what lies before it can be had with: editcap {source.path} new.pcapng",
                )
            buffer = source.refill(buffer[at:], head + captured)
            at, end, size = 0, head + captured, len(buffer)
            if end > size:
                break
        yield seconds + fraction * unit, interface, buffer, at + head, end, length, ()
        at = end
    source.end(size - at)

"""IPv4 (RFC 791), IPv6 (RFC 8200) and TCP (RFC 9293) headers: where a segment lies, and what it says.

The length in the IP header decides what is payload, so that Ethernet's padding and checksums are none.
Every look into the buffer is checked against ``end`` first: behind it lies the next packet.
"""

from __future__ import annotations

import socket
from enum import Enum
from functools import lru_cache
from struct import Struct
from typing import TypeAlias

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
TCP = 6  # the protocol, in IP
IN_PIECES = 0x3FFF  # of IPv4's field for fragments: more of them follow, or came before

# Both headers at once, where IPv4 has no options: version and header length, total length, fragment,
# protocol, key, sequence, acknowledgment, header length, flags. The last six octets are not looked at.
HEADERS = Struct(">BxHxxHxBxx12sIIBB6x")

# (key, sequence, acknowledgment, flags, start, end, missing): the captured payload is buffer[start:end], and
# ``missing`` octets behind it were not captured. ``key`` is source address, target address, source port,
# target port, as they stand in the headers.
Segment: TypeAlias = tuple[bytes, int, int, int, int, int, int]

_V4 = Struct(">BxHxxHxB").unpack_from  # version and header length, total length, fragment, protocol
_V6 = Struct(">HB").unpack_from  # payload length, next header
_TCP = Struct(">IIBB").unpack_from  # sequence, acknowledgment, header length, flags
_FRAGMENT = 44
_IN_EIGHTS = {0, 43, 60, 135, 139, 140}  # extension headers with a length in units of 8 octets
_AUTHENTICATION = 51  # … of 4
_MOST_HEADERS = 16
_MOST_MISSING = 1 << 24  # only a frame without a length in its IP header can say so much


class Left(Enum):
    """Why a packet is no segment."""

    NOT_TCP = "not TCP"
    FRAGMENT = "a fragment"
    DAMAGED = "damaged"


def segment(buffer: bytes, ip: int, end: int, wire_end: int) -> Segment | Left:
    """The TCP segment in the IP packet that begins at ``ip``.

    ``end`` is behind the last captured octet of the frame, and ``wire_end`` is where it would be,
    had all of the frame been captured.
    """
    if ip + 20 > end:
        return Left.DAMAGED
    first, total, fragment, protocol = _V4(buffer, ip)
    if first >> 4 != 4:
        return _segment_of_v6(buffer, ip, end, wire_end) if first >> 4 == 6 else Left.NOT_TCP
    if fragment & IN_PIECES:
        return Left.FRAGMENT
    if protocol != TCP:
        return Left.NOT_TCP
    tcp = ip + (first & 15) * 4
    if tcp < ip + 20 or tcp + 20 > end:
        return Left.DAMAGED
    sequence, acknowledgment, header, flags = _TCP(buffer, tcp + 4)
    start = tcp + (header >> 4) * 4
    stop = ip + total if total else wire_end  # none: the card was to cut this into packets, and to count
    if start < tcp + 20 or start > stop:
        return Left.DAMAGED
    key = buffer[ip + 12 : ip + 24] if first == 0x45 else buffer[ip + 12 : ip + 20] + buffer[tcp : tcp + 4]
    if stop <= end:
        return key, sequence, acknowledgment, flags, start, stop, 0
    return _cut(key, sequence, acknowledgment, flags, start, end, stop)


def _segment_of_v6(buffer: bytes, ip: int, end: int, wire_end: int) -> Segment | Left:
    total, protocol = _V6(buffer, ip + 4)
    stop = ip + 40 + total if total else wire_end
    found = _behind_extensions(buffer, ip + 40, end, protocol)
    if isinstance(found, Left):
        return found
    tcp = found
    if tcp + 20 > end:
        return Left.DAMAGED
    sequence, acknowledgment, header, flags = _TCP(buffer, tcp + 4)
    start = tcp + (header >> 4) * 4
    if start < tcp + 20 or start > stop:
        return Left.DAMAGED
    key = buffer[ip + 8 : ip + 40] + buffer[tcp : tcp + 4]
    return _cut(key, sequence, acknowledgment, flags, start, end, stop)


def _behind_extensions(buffer: bytes, at: int, end: int, protocol: int) -> int | Left:
    for _ in range(_MOST_HEADERS):
        if protocol == TCP:
            return at
        if at + 8 > end:
            return Left.DAMAGED
        if protocol == _FRAGMENT:
            if (
                buffer[at + 2] or buffer[at + 3] & 0xF9
            ):  # an offset, or more of them (RFC 6946: neither is whole)
                return Left.FRAGMENT
            protocol, at = buffer[at], at + 8
        elif protocol in _IN_EIGHTS:
            protocol, at = buffer[at], at + 8 + buffer[at + 1] * 8
        elif protocol == _AUTHENTICATION:
            protocol, at = buffer[at], at + 8 + buffer[at + 1] * 4
        else:
            return Left.NOT_TCP
    return Left.DAMAGED


def _cut(
    key: bytes, sequence: int, acknowledgment: int, flags: int, start: int, end: int, stop: int
) -> Segment | Left:
    """A segment that may not be captured whole."""
    captured = max(min(end, stop), start)
    missing = stop - captured
    if missing > _MOST_MISSING:
        return Left.DAMAGED
    return key, sequence, acknowledgment, flags, start, captured, missing


def way_back(key: bytes) -> bytes:
    """The key of the other direction."""
    address = len(key) // 2 - 2
    return key[address:-4] + key[:address] + key[-2:] + key[-4:-2]


def ports(key: bytes) -> tuple[int, int]:
    """Of source and target."""
    return key[-4] << 8 | key[-3], key[-2] << 8 | key[-1]


def source(key: bytes) -> str:
    """``address:port`` of the sender, with brackets around an address of IPv6."""
    return f"{_host(key[: len(key) // 2 - 2])}:{key[-4] << 8 | key[-3]}"


@lru_cache(maxsize=1024)  # most connections of a file are between few addresses
def _host(address: bytes) -> str:
    if len(address) == 4:
        return socket.inet_ntop(socket.AF_INET, address)
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]"

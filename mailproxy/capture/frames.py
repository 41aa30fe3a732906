"""Link layers: where in a frame the IP packet begins.

Each function takes a buffer and the bounds of the frame in it, and returns the place of the IP header, or -1
when the frame holds something else. A frame too short for its own header gives a place at or behind ``end``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mailproxy.capture.packets import NOWHERE

Strip: TypeAlias = Callable[[bytes, int, int], int]

_IP = (0x0800, 0x86DD)
_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200)  # 802.1Q, 802.1ad, and what was there before it
_MOST_TAGS = 8
# AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD, macOS. They are in the byte order of whoever captured.
_FAMILIES = {family.to_bytes(4, order) for family in (2, 10, 24, 28, 30) for order in ("big", "little")}


def ethernet(buffer: bytes, start: int, end: int) -> int:
    """IEEE 802.3 with any VLAN tags."""
    if start + 14 <= end and buffer[start + 12] == 8 and buffer[start + 13] == 0:
        return start + 14  # IPv4 without tags is the usual; what follows would find the same
    return _behind_tags(buffer, start + 12, end)


def cooked(buffer: bytes, start: int, end: int) -> int:
    """LINKTYPE_LINUX_SLL."""
    return _behind_tags(buffer, start + 14, end)


def cooked_2(buffer: bytes, start: int, end: int) -> int:
    """LINKTYPE_LINUX_SLL2: the protocol is in front."""
    if end - start < 20:
        return end
    kind = buffer[start] << 8 | buffer[start + 1]
    if kind in _IP:
        return start + 20
    return _behind_tags(buffer, start + 22, end) if kind in _VLAN else -1


def loopback(buffer: bytes, start: int, end: int) -> int:
    """LINKTYPE_NULL and LINKTYPE_LOOP: four octets with the address family."""
    if end - start < 4:
        return end
    return start + 4 if buffer[start : start + 4] in _FAMILIES else -1


def raw(buffer: bytes, start: int, end: int) -> int:
    """The frame is the packet."""
    return start


def damaged(buffer: bytes, start: int, end: int) -> int:
    """A packet that its file contradicts."""
    return end


def _behind_tags(buffer: bytes, at: int, end: int) -> int:
    for _ in range(_MOST_TAGS + 1):
        if at + 2 > end:
            return end
        kind = buffer[at] << 8 | buffer[at + 1]
        if kind in _IP:
            return at + 2
        if kind not in _VLAN:
            return -1
        at += 4
    return -1


STRIP: dict[int, Strip] = {
    NOWHERE.link: damaged,
    0: loopback,
    1: ethernet,
    12: raw,  # DLT_RAW, of most systems
    14: raw,  # DLT_RAW, of OpenBSD
    101: raw,
    108: loopback,
    113: cooked,
    228: raw,
    229: raw,
    276: cooked_2,
}

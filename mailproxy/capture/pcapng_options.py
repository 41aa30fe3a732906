"""Options at the end of pcapng's blocks: pairs of code and value, padded to four octets.

A length that leads out of its block ends the list, and what was found before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

_PAIR = {order: Struct(order + "HH").unpack_from for order in "<>"}
_OFFSET = {order: Struct(order + "q").unpack_from for order in "<>"}
_COMMENT, _NAME, _RESOLUTION, _TIME_OFFSET = 1, 2, 9, 14
_LONGEST_NAME = 256  # octets
_MICROSECONDS = 10**6


def comments(order: str, buffer: bytes, at: int, end: int) -> tuple[str, ...]:
    """What ``opt_comment`` says of a packet."""
    if at + 8 <= end:
        code, length = _PAIR[order](buffer, at)
        behind = at + 4 + length + (-length & 3)
        if code == _COMMENT and behind + 4 == end and not _PAIR[order](buffer, behind)[0]:
            return (buffer[at + 4 : at + 4 + length].decode(errors="replace"),)  # one, as nearly always
    return tuple(
        value.decode(errors="replace") for code, value in _options(order, buffer, at, end) if code == _COMMENT
    )


def resolution(order: str, buffer: bytes, at: int, end: int) -> tuple[str, int, int]:
    """Of an interface: name, units of time in a second, seconds to add."""
    name, units, offset = "", _MICROSECONDS, 0
    for code, value in _options(order, buffer, at, end):
        if code == _NAME:
            name = value[:_LONGEST_NAME].decode(errors="replace")
        elif code == _RESOLUTION and len(value) == 1:
            units = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _TIME_OFFSET and len(value) == 8:
            offset = _OFFSET[order](value)[0]
    return name, units, offset


def _options(order: str, buffer: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    pair = _PAIR[order]
    while at + 4 <= end:
        code, length = pair(buffer, at)
        at += 4
        if code == 0 or at + length > end:
            return
        yield code, buffer[at : at + length]
        at += length + (-length & 3)

"""Where the last whole block of a pcapng file ends: what a crash left behind it is no block."""

from __future__ import annotations

import os
import struct

from mailproxy.capture.blocks import BYTE_ORDER, SECTION_HEADER, SHORTEST

_HEADER = struct.Struct("<II")
_LENGTH = struct.Struct("<I")


def end_of_whole_blocks(descriptor: int) -> int:
    """The offset behind the last whole block; 0 for what does not begin as a file of ours.

    Reads the two lengths of each block and nothing else.

    Raises:
        OSError: the file cannot be read.
    """
    size = os.fstat(descriptor).st_size
    first = os.pread(descriptor, 12, 0)
    if first[:4] + first[8:] != _HEADER.pack(SECTION_HEADER, BYTE_ORDER):
        return 0
    offset = 0
    while length := _block_at(descriptor, offset, size):
        offset += length
    return offset


def _block_at(descriptor: int, offset: int, size: int) -> int:
    """The length of the block there, or 0."""
    if size - offset < SHORTEST:
        return 0
    _, length = _HEADER.unpack(os.pread(descriptor, _HEADER.size, offset))
    if length < SHORTEST or length % 4 or length > size - offset:
        return 0
    behind = os.pread(descriptor, _LENGTH.size, offset + length - _LENGTH.size)
    return length if behind == _LENGTH.pack(length) else 0

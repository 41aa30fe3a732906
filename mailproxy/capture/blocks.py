"""The blocks of a pcapng file as octets (draft-ietf-opsawg-pcapng), in the writer's byte order: little.

A packet's block is made in two pieces, what stands before the payload and what stands behind
it, so that the payload goes to the file without being copied.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

SECTION_HEADER = 0x0A0D0D0A
INTERFACE = 1
ENHANCED_PACKET = 6
BYTE_ORDER = 0x1A2B3C4D
LINK_RAW = 101  # packets begin with the IP header
SHORTEST = 12  # octets of a block: type, length, length

_NAME_RESOLUTION = 4
_NO_NAMES = bytes(4)  # nrb_record_end
_SHB_USERAPPL = 4
_IF_NAME = 2
_IF_TSRESOL = 9
_COMMENT = 1
_LARGEST_OPTION = 0xFFFF
_NANOSECONDS = 9  # 10^-9 seconds
_LENGTH = struct.Struct("<I")
_OPTION = struct.Struct("<HH")
_PACKET = struct.Struct("<IIIIIII")
_END = bytes(4)  # opt_endofopt


def section_header(application: str) -> bytes:
    """The first block of a file; ``application`` names the program that wrote it."""
    body = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)  # version 1.0, length not known
    return _block(SECTION_HEADER, body + _option(_SHB_USERAPPL, application.encode()) + _END)


def interface(name: str) -> bytes:
    """An interface of raw IP packets without a limit on their length, with times in nanoseconds."""
    options = _option(_IF_NAME, name.encode()) + _option(_IF_TSRESOL, bytes([_NANOSECONDS])) + _END
    return _block(INTERFACE, struct.pack("<HHI", LINK_RAW, 0, 0) + options)


def packet(
    number: int, nanoseconds: int, headers: bytes, payload: int, comments: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """What stands before and behind a payload of ``payload`` octets in the block of one packet.

    ``headers`` are the packet's own; else as :func:`around`.
    """
    before, behind = around(number, nanoseconds, len(headers) + payload, comments)
    return before + headers, behind


def around(
    number: int, nanoseconds: int, octets: int, comments: Sequence[str] = (), left_out: int = 0
) -> tuple[bytes, bytes]:
    """What stands before and behind the octets of a packet in its block.

    ``number`` is the interface's, ``nanoseconds`` counts from 1970. The packet had ``left_out`` octets
    more, which are not in the file.
    """
    behind = bytes(-octets % 4)
    if comments:
        behind += b"".join(_option(_COMMENT, comment.encode("utf-8", "replace")) for comment in comments)
        behind += _END
    length = _PACKET.size + octets + len(behind) + _LENGTH.size
    before = _PACKET.pack(
        ENHANCED_PACKET,
        length,
        number,
        nanoseconds >> 32 & 0xFFFFFFFF,
        nanoseconds & 0xFFFFFFFF,
        octets,
        octets + left_out,
    )
    return before, behind + _LENGTH.pack(length)


def filler(octets: int, more: int) -> bytes:
    """A block without meaning, so many octets long; ``more`` is added if none is so short. Nothing for 0.

    It is a Name Resolution Block without names: every reader passes over it.
    """
    if octets and octets < SHORTEST + len(_NO_NAMES):
        octets += more
    blanks = octets - SHORTEST - len(_NO_NAMES) - _OPTION.size - len(_END)
    if blanks < 0:  # no room for a comment
        return _block(_NAME_RESOLUTION, _NO_NAMES.ljust(octets - SHORTEST, b"\0")) if octets else b""
    return _block(_NAME_RESOLUTION, _NO_NAMES + _option(_COMMENT, b" " * blanks) + _END)


def _option(code: int, value: bytes) -> bytes:
    value = value[:_LARGEST_OPTION]
    return _OPTION.pack(code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = SHORTEST + len(body)
    return struct.pack("<II", kind, length) + body + _LENGTH.pack(length)

"""Packets and capture files built by hand, field by field, apart from what reads and writes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import pack

from mailproxy.capture.model import Closed, Hole, Noted, Octets, Opened, StreamEvent, Tally
from mailproxy.capture.reading import read_streams

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.9", 110)
CLIENT_6, SERVER_6 = ("2001:db8::1", 40000), ("2001:db8:0:1::9", 110)

End = tuple[str, int]


def tcp(
    source: End,
    target: End,
    sequence: int,
    data: bytes = b"",
    *,
    flags: int = ACK,
    ack: int = 0,
    options: bytes = b"",
) -> bytes:
    words = 5 + len(options) // 4
    ports = pack(">HH", source[1], target[1])
    return ports + pack(">IIBBHHH", sequence, ack, words << 4, flags, 1000, 0, 0) + options + data


def ip(
    source: str, target: str, payload: bytes, *, options: bytes = b"", protocol: int = 6, fragment: int = 0
) -> bytes:
    """IPv4 or IPv6, as the addresses are; IPv6 has extension headers as ``options``."""
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    if len(addresses) == 32:
        return pack(">IHBB", 6 << 28, len(options + payload), protocol, 64) + addresses + options + payload
    first, length = 0x45 + len(options) // 4, 20 + len(options) + len(payload)
    return pack(">BBHHHBBH", first, 0, length, 7, fragment, 64, protocol, 0) + addresses + options + payload


def packet(
    source: End, target: End, sequence: int, data: bytes = b"", *, flags: int = ACK, ack: int = 0
) -> bytes:
    return ip(source[0], target[0], tcp(source, target, sequence, data, flags=flags, ack=ack))


def ethernet(payload: bytes, *tags: int) -> bytes:
    """With VLAN tags of these types, padded to the shortest frame, and with a checksum of four octets."""
    frame = b"\2" * 6 + b"\4" * 6 + b"".join(pack(">HH", tag, 5) for tag in tags) + _kind(payload) + payload
    return frame.ljust(60, b"\0") + b"FCS!"


def cooked(payload: bytes) -> bytes:
    return pack(">HHH", 0, 1, 6) + b"\2" * 8 + _kind(payload) + payload


def cooked_2(payload: bytes) -> bytes:
    return _kind(payload) + pack(">HIHBB", 0, 3, 1, 0, 6) + b"\2" * 8 + payload


def loopback(family: int, order: str) -> Callable[[bytes], bytes]:
    return lambda payload: pack(f"{order}I", family) + payload


def raw(payload: bytes) -> bytes:
    return payload


def _kind(payload: bytes) -> bytes:
    return b"\x86\xdd" if payload[0] >> 4 == 6 else b"\x08\x00"


def pcap(
    frames: Iterable[bytes],
    *,
    link: int = 101,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    keep: int = 1 << 18,
) -> bytes:
    """A file, in which frame n was seen at second 1000 + n and a half; ``keep`` octets of each were kept."""
    half = 500_000_000 if magic == 0xA1B23C4D else 500_000
    more = b"\0" * 8 if magic == 0xA1B2CD34 else b""
    file = pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, keep, link)
    for number, frame in enumerate(frames, 1):
        kept = frame[:keep]
        file += pack(f"{order}IIII", 1000 + number, half, len(kept), len(frame)) + more + kept
    return file


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = pack(f"{order}I", len(body) + 12)
    return pack(f"{order}I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(f"{order}HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(link: int = 101, *options: bytes, order: str = "<", keep: int = 0) -> bytes:
    return block(1, pack(f"{order}HHI", link, 0, keep) + b"".join(options), order)


def enhanced(
    frame: bytes,
    *comments: str,
    number: int = 0,
    ticks: int = 5_000_000,
    order: str = "<",
    length: int | None = None,
) -> bytes:
    body = pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), length or len(frame))
    body += frame + b"\0" * (-len(frame) % 4)
    if comments:
        body += b"".join(option(1, text.encode(), order) for text in comments) + option(0, b"", order)
    return block(6, body, order)


def events(path: Path, file: bytes, tally: Tally | None = None) -> list[StreamEvent]:
    """What is read from a file of these octets, which is written to ``path``."""
    path.write_bytes(file)
    return list(read_streams(path, tally))


def told(found: Iterable[StreamEvent]) -> list[str]:
    """Events as short lines: ``0 opened``, ``0 C octets``, ``0 S hole 5``, ``0 noted``, ``0 closed fin``."""
    return [f"{event.stream.number} {_told(event)}" for event in found]


def _told(event: StreamEvent) -> str:
    said = " ".join(getattr(event, "comments", ()))
    match event:
        case Opened():
            return f"opened {said}".rstrip()
        case Octets():
            return f"{event.side.name[0]} {event.data.decode('latin-1')} {said}".rstrip()
        case Hole():
            return f"{event.side.name[0]} hole {event.octets}"
        case Noted():
            return f"noted {said}"
        case Closed():
            return f"closed {event.how}"

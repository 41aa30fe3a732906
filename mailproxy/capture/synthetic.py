"""One TCP connection that never was: decrypted octets as the packets of a plain one.

Invariants: sequence numbers count every octet, also those that are not in the file, so that
a gap is seen by whoever reads; no acknowledgement is ahead of what was sent; a packet ends
where the octets of one call end, for dissectors look at how packets begin.

IP checksums are right. TCP checksums are those of a sender that leaves the sum to its network
card: the sum of the pseudo-header alone (RFC 9293 §3.1). The whole sum would cost more than
writing the file, and Wireshark verifies it only when told to.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from mailproxy.proto.tokens import Side

LARGEST_PAYLOAD = 60_000  # octets of one packet; IP has room for 65,535 with all headers
ACKNOWLEDGED_EVERY = 16  # packets of one side, so that what is under way stays small

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

Payload = bytes | memoryview
Address = IPv4Address | IPv6Address

_REPLIES = (b"+OK", b"-ERR")  # in the middle of a message, Wireshark would take it for a POP3 reply
_TCP = 6
_HOPS = 64
_WRAP = 0xFFFFFFFF
_WINDOW = 0xFFFF
# MSS 60,000 and a window scale of 14 (RFC 7323 §2.3): with it the window is never full
_SYN_OPTIONS = struct.pack("!BBHBBBB", 2, 4, LARGEST_PAYLOAD, 1, 3, 3, 14)
_UNKNOWN = IPv4Address(0)  # stands for a peer whose address is none of IP
_IP4 = struct.Struct("!BBHHHBBH8s")
_IP6 = struct.Struct("!IHBB32s")
_SEGMENT = struct.Struct("!4sIIBBHHH")


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: IP and TCP headers, the pieces of its payload, and how many octets those have."""

    headers: bytes
    pieces: Sequence[Payload] = ()
    octets: int = 0


@dataclass(slots=True)
class _End:
    """What one side's packets have in common, and how far it got."""

    addresses: bytes  # source, destination
    ports: bytes
    fixed: int  # sum of the IPv4 header without its length
    pseudo: int  # sum of the pseudo-header without the length
    sequence: int  # of its next octet
    unacknowledged: int = 0  # packets


class SyntheticTCP:
    """The packets of one connection, in the order of the calls. Knows no clock and no file.

    ``client`` and ``server`` are address and port. Where they are of two families, IPv4 is
    mapped into IPv6 (RFC 4291 §2.5.5.2). ``sequence`` is the first sequence number of both sides.
    """

    def __init__(self, client: tuple[str, int], server: tuple[str, int], sequence: int = 0) -> None:
        here, there = _one_family(_address(client[0]), _address(server[0]))
        self._six = here.version == 6
        self._ends = (
            _end(here, client[1], there, server[1], sequence & _WRAP),
            _end(there, server[1], here, client[1], sequence & _WRAP),
        )

    def open(self) -> list[Packet]:
        """SYN, SYN with ACK, ACK."""
        client, server = self._ends
        packets = [self._packet(Side.CLIENT, SYN, options=_SYN_OPTIONS)]
        client.sequence = client.sequence + 1 & _WRAP
        packets.append(self._packet(Side.SERVER, SYN | ACK, options=_SYN_OPTIONS))
        server.sequence = server.sequence + 1 & _WRAP
        return [*packets, self.acknowledgement(Side.CLIENT)]

    def data(self, side: Side, pieces: Sequence[Payload]) -> list[Packet]:
        """One run of octets, in as few packets as it fits. The pieces are not copied."""
        packets = []
        for cut in _cut(pieces):
            octets = sum(map(len, cut))
            packets.append(self._packet(side, PSH | ACK, cut, octets))
            end = self._ends[side]
            end.sequence = end.sequence + octets & _WRAP
            end.unacknowledged += 1
            if end.unacknowledged >= ACKNOWLEDGED_EVERY:
                packets.append(self.acknowledgement(side.other))
        return packets

    def hole(self, side: Side, octets: int) -> None:
        """That many octets of the side are not in the file."""
        end = self._ends[side]
        end.sequence = end.sequence + octets & _WRAP

    def acknowledgement(self, side: Side) -> Packet:
        """A packet of the side without octets."""
        return self._packet(side, ACK)

    def close(self) -> list[Packet]:
        """FIN of the client, FIN of the server, ACK."""
        packets = []
        for side in Side:
            packets.append(self._packet(side, FIN | ACK))
            end = self._ends[side]
            end.sequence = end.sequence + 1 & _WRAP
        return [*packets, self.acknowledgement(Side.CLIENT)]

    def reset(self, side: Side = Side.SERVER) -> list[Packet]:
        """RST of one side."""
        return [self._packet(side, RST | ACK)]

    def _packet(
        self, side: Side, flags: int, pieces: Sequence[Payload] = (), octets: int = 0, options: bytes = b""
    ) -> Packet:
        end, peer = self._ends[side], self._ends[side.other]
        segment = _SEGMENT.size + len(options) + octets
        if self._six:
            ip = _IP6.pack(6 << 28, segment, _TCP, _HOPS, end.addresses)
        else:
            total = _IP4.size + segment
            checksum = ~_folded(end.fixed + total) & 0xFFFF
            ip = _IP4.pack(0x45, 0, total, 0, 0x4000, _HOPS, _TCP, checksum, end.addresses)
        if acknowledges := flags & ACK:
            peer.unacknowledged = 0
        tcp = _SEGMENT.pack(
            end.ports,
            end.sequence,
            peer.sequence if acknowledges else 0,
            (_SEGMENT.size + len(options)) // 4 << 4,
            flags,
            _WINDOW,
            _folded(end.pseudo + segment),
            0,
        )
        return Packet(ip + tcp + options, pieces, octets)


def _cut(pieces: Sequence[Payload]) -> list[list[Payload]]:
    """The pieces as runs of at most ``LARGEST_PAYLOAD`` octets, views where a piece is cut."""
    runs: list[list[Payload]] = []
    room = 0
    for piece in pieces:
        start, left = 0, len(piece)
        while left:
            if not room:
                runs.append([])
                room = LARGEST_PAYLOAD
            taken = min(left, room)
            if 1 < taken < left and bytes(memoryview(piece)[start + taken :][:4]).startswith(_REPLIES):
                taken, room = taken - 1, taken - 1
            whole = taken == len(piece)
            runs[-1].append(piece if whole else memoryview(piece)[start : start + taken])
            start, left, room = start + taken, left - taken, room - taken
    return runs


def _address(text: str) -> Address:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return _UNKNOWN
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _one_family(here: Address, there: Address) -> tuple[Address, Address]:
    return (here, there) if here.version == there.version else (_mapped(here), _mapped(there))


def _mapped(address: Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 32 | int(address)) if address.version == 4 else IPv6Address(int(address))


def _end(source: Address, port: int, destination: Address, its_port: int, sequence: int) -> _End:
    addresses = source.packed + destination.packed
    words = sum(struct.unpack(f"!{len(addresses) // 2}H", addresses))
    return _End(
        addresses,
        struct.pack("!HH", port & 0xFFFF, its_port & 0xFFFF),
        words + 0x4500 + 0x4000 + (_HOPS << 8 | _TCP),
        words + _TCP,
        sequence,
    )


def _folded(total: int) -> int:
    """The ones' complement sum of 16-bit words (RFC 1071)."""
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total

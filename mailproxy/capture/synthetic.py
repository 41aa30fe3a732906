"""One TCP connection that never was: decrypted octets as the packets of a plain one.

Invariants: sequence numbers count every octet, also those that are not in the file; no
acknowledgement is ahead of what was sent; a packet ends where the octets of one call end, for
dissectors look at how packets begin.

IP checksums are right. TCP checksums are those of a sender that leaves the sum to its network
card: the sum of the pseudo-header alone (RFC 9293 §3.1). The whole sum would cost more than
writing the file, and Wireshark verifies it only when told to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from mailproxy.proto.tokens import Side

LARGEST_PAYLOAD = 60_000  # octets of one packet; IP has room for 65,535 with all headers
ACKNOWLEDGED_EVERY = 16  # packets of one side, so that what is under way stays small

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

Payload = bytes | memoryview
Address = IPv4Address | IPv6Address

SIGNS = b"+-"  # with which a POP3 reply begins, and in the middle of a message what Wireshark takes for one
_REPLIES = (b"+OK", b"-ERR")
_TCP = 6
_HOPS = 64
_WRAP = 0xFFFFFFFF
_WINDOW = 0xFFFF
# MSS 60,000 and a window scale of 14 (RFC 7323 §2.3): with it the window is never full
_SYN_OPTIONS = struct.pack("!BBHBBBB", 2, 4, LARGEST_PAYLOAD, 1, 3, 3, 14)
_UNKNOWN = IPv4Address(0)  # stands for a peer whose address is none of IP
_IP4 = struct.Struct("!BBHHHBBH8s")
_IP6 = struct.Struct("!IHBB32s")
_NUMBERS = struct.Struct("!II")  # of sequence and acknowledgment
_REST = struct.Struct("!BBHHH")  # of a TCP header without options
_SEGMENT = 20  # octets of it
_MOST_HEADERS = 8  # that are kept of one side


class Packet(NamedTuple):
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
    # By octets, flags and options, which most packets share: what stands before their numbers, and behind.
    headers: dict[tuple[int, int, int], tuple[bytes, bytes]] = field(default_factory=dict)


class SyntheticTCP:
    """The packets of one connection, in the order of the calls. Knows no clock and no file.

    ``client`` and ``server`` are address and port. Where they are of two families, IPv4 is
    mapped into IPv6 (RFC 4291 §2.5.5.2). ``sequence`` is the first sequence number of both sides.
    """

    def __init__(self, client: tuple[str, int], server: tuple[str, int], sequence: int = 0) -> None:
        here, there = _one_family(_address(client[0]), _address(server[0]))
        self._six = here.version == 6
        self.header_octets = (_IP6.size if self._six else _IP4.size) + _SEGMENT  # of a packet with octets
        self._ends = (
            _end(here, client[1], there, server[1], sequence & _WRAP),
            _end(there, server[1], here, client[1], sequence & _WRAP),
        )

    def open(self) -> list[Packet]:
        """SYN, SYN with ACK, ACK."""
        client, server = self._ends
        packets = [Packet(self._headers(Side.CLIENT, SYN, options=_SYN_OPTIONS))]
        client.sequence = client.sequence + 1 & _WRAP
        packets.append(Packet(self._headers(Side.SERVER, SYN | ACK, options=_SYN_OPTIONS)))
        server.sequence = server.sequence + 1 & _WRAP
        return [*packets, self.acknowledgement(Side.CLIENT)]

    def data(self, side: Side, pieces: Sequence[Payload]) -> list[Packet]:
        """One run of octets, in as few packets as it fits. The pieces are not copied."""
        packets = []
        end = self._ends[side]
        for cut, octets in _cut(pieces):
            packets.append(Packet(self._headers(side, PSH | ACK, octets), cut, octets))
            end.sequence = end.sequence + octets & _WRAP
            end.unacknowledged += 1
            if end.unacknowledged >= ACKNOWLEDGED_EVERY:
                packets.append(self.acknowledgement(side.other))
        return packets

    def skip(self, side: Side, octets: int) -> None:
        """That many octets of the side are not in the file, as if they were lost: a gap."""
        end = self._ends[side]
        end.sequence = end.sequence + octets & _WRAP

    def alike(
        self, side: Side, octets: int, count: int, before: bytes = b"", behind: bytes = b""
    ) -> list[bytes]:
        """The headers of so many packets of the side, one behind another, with so many octets each.

        Each stands between ``before`` and ``behind``.
        """
        end, peer = self._ends[side], self._ends[not side]
        start, rest = self._around_numbers(end, octets, PSH | ACK)
        first, acknowledged = end.sequence, peer.sequence
        end.sequence = first + octets * count & _WRAP
        end.unacknowledged += count
        peer.unacknowledged = 0
        before, behind, pack = before + start, rest + behind, _NUMBERS.pack
        numbers = range(first, first + octets * count, octets)
        return [before + pack(number & _WRAP, acknowledged) + behind for number in numbers]

    def is_to_acknowledge(self, side: Side) -> bool:
        """Has the other side sent so much that an acknowledgement is due?"""
        return self._ends[not side].unacknowledged >= ACKNOWLEDGED_EVERY

    def acknowledgement(self, side: Side) -> Packet:
        """A packet of the side without octets."""
        return Packet(self._headers(side, ACK))

    def close(self) -> list[Packet]:
        """FIN of the client, FIN of the server, ACK."""
        packets = []
        for side in Side:
            packets.append(Packet(self._headers(side, FIN | ACK)))
            end = self._ends[side]
            end.sequence = end.sequence + 1 & _WRAP
        return [*packets, self.acknowledgement(Side.CLIENT)]

    def reset(self, side: Side = Side.SERVER) -> list[Packet]:
        """RST of one side."""
        return [Packet(self._headers(side, RST | ACK))]

    def _headers(self, side: Side, flags: int, octets: int = 0, options: bytes = b"") -> bytes:
        """Those of IP and TCP for a packet with so many octets."""
        end, peer = self._ends[side], self._ends[not side]
        before, behind = self._around_numbers(end, octets, flags, options)
        acknowledged = 0
        if flags & ACK:
            acknowledged, peer.unacknowledged = peer.sequence, 0
        return before + _NUMBERS.pack(end.sequence, acknowledged) + behind

    def _around_numbers(
        self, end: _End, octets: int, flags: int, options: bytes = b""
    ) -> tuple[bytes, bytes]:
        kind = octets, flags, len(options)
        found = end.headers.get(kind)
        if found is None:
            if len(end.headers) >= _MOST_HEADERS:
                end.headers.clear()
            header = _SEGMENT + len(options)
            checksum = _folded(end.pseudo + header + octets)
            rest = _REST.pack(header // 4 << 4, flags, _WINDOW, checksum, 0)
            found = end.headers[kind] = self._ip(end, header + octets) + end.ports, rest + options
        return found

    def _ip(self, end: _End, segment: int) -> bytes:
        """The IP header of a segment with so many octets."""
        if self._six:
            return _IP6.pack(6 << 28, segment, _TCP, _HOPS, end.addresses)
        total = _IP4.size + segment
        checksum = ~_folded(end.fixed + total) & 0xFFFF
        return _IP4.pack(0x45, 0, total, 0, 0x4000, _HOPS, _TCP, checksum, end.addresses)


def _cut(pieces: Sequence[Payload]) -> Iterator[tuple[list[Payload], int]]:
    """Runs of at most ``LARGEST_PAYLOAD`` octets, with views where a piece is cut; and how many those are."""
    run: list[Payload] = []
    octets = 0
    for piece in pieces:
        left, start = len(piece), 0
        if left > LARGEST_PAYLOAD - octets:
            view = memoryview(piece)
            while left > LARGEST_PAYLOAD - octets:
                stop = start + LARGEST_PAYLOAD - octets
                if (
                    stop > start
                    and piece[stop] in SIGNS
                    and bytes(view[stop : stop + 4]).startswith(_REPLIES)
                ):
                    stop -= 1
                if stop > start:
                    run.append(view[start:stop])
                yield run, octets + stop - start
                run, octets, left, start = [], 0, left - (stop - start), stop
            piece = view[start:]
        if left:
            run.append(piece)
            octets += left
    if run:
        yield run, octets


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

"""Captures as the two byte streams of each TCP connection, in the order they were seen.

This reader stands apart from :mod:`mailproxy.capture`, so that one can be
tested with the other. It knows Ethernet (VLAN tags too), Linux cooked, BSD
loopback and raw IP frames, IPv4 and IPv6. Retransmitted octets are dropped,
segments that came early wait for the missing ones, and a hole that is never
filled is skipped and named in ``Stream.holes``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import dpkt  # type: ignore[import-untyped]

from mailproxy.proto.tokens import Side

_SEQUENCES = 1 << 32
_COOKED = {dpkt.pcap.DLT_LINUX_SLL: dpkt.sll.SLL, 276: dpkt.sll2.SLL2}
_RAW = {12, 14, dpkt.pcap.DLT_RAW, 228, 229}


@dataclass(frozen=True, slots=True)
class Hole:
    """Octets of ``side`` that were never captured; they belong in front of event number ``event``."""

    side: Side
    event: int
    octets: int


@dataclass(slots=True)
class Stream:
    """One TCP connection: who spoke what, and in which order.

    ``client`` and ``server`` are ``address:port``. The client is the one that
    sent SYN; without one, the end with the higher port, or the one heard first.
    """

    client: str
    server: str
    events: list[tuple[Side, bytes]] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)

    def octets(self, side: Side) -> bytes:
        return b"".join(data for who, data in self.events if who is side)

    def digest(self, side: Side) -> str:
        return sha256(self.octets(side)).hexdigest()


def read(path: Path) -> list[Stream]:
    """Every TCP connection of a pcap or pcapng file, in the order of their first frames.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is neither pcap nor pcapng.
    """
    found: list[_Connection] = []
    open_now: dict[frozenset[str], _Connection] = {}
    for source, target, segment in _segments(path):
        pair = frozenset((source, target))
        known = open_now.get(pair)
        if known is None or known.is_reused_by(source, segment):
            known = open_now[pair] = _Connection(source, target, segment)
            found.append(known)
        known.add(source, segment)
    return [connection.finish() for connection in found]


class _Direction:
    """The octets one end sent. ``wanted`` is the sequence number of the next one."""

    __slots__ = ("early", "wanted")

    def __init__(self) -> None:
        self.wanted: int | None = None
        self.early: dict[int, bytes] = {}

    def add(self, sequence: int, data: bytes) -> bytes:
        """Store a segment; returns what is now complete."""
        if self.wanted is None:
            self.wanted = sequence
        self._keep(sequence, data)
        return self.flush()

    def flush(self) -> bytes:
        """What is complete, up to the next hole."""
        ready = bytearray()
        while (piece := self._next()) is not None:
            ready += piece
        return bytes(ready)

    def skip_hole(self) -> int:
        """Step over octets that were never captured: how many; 0 when nothing waits behind them."""
        if self.wanted is None or not self.early:
            return 0
        start = self.wanted
        missing = min((sequence - start) % _SEQUENCES for sequence in self.early)
        self.wanted = (start + missing) % _SEQUENCES
        return missing

    def _keep(self, sequence: int, data: bytes) -> None:
        if len(data) > len(self.early.get(sequence, b"")):
            self.early[sequence] = data

    def _next(self) -> bytes | None:
        assert self.wanted is not None
        for sequence in sorted(self.early):
            behind = (self.wanted - sequence) % _SEQUENCES
            if behind >= _SEQUENCES // 2:  # it lies ahead
                continue
            data = self.early.pop(sequence)[behind:]
            if data:
                self.wanted = (self.wanted + len(data)) % _SEQUENCES
                return data
        return None


class _Connection:
    """A stream while its segments are read."""

    def __init__(self, source: str, target: str, first: dpkt.tcp.TCP) -> None:
        flags = first.flags
        opens = bool(flags & dpkt.tcp.TH_SYN) and not flags & dpkt.tcp.TH_ACK
        accepts = bool(flags & dpkt.tcp.TH_SYN) and bool(flags & dpkt.tcp.TH_ACK)
        from_client = opens or (not accepts and first.sport >= first.dport)
        self.stream = Stream(source, target) if from_client else Stream(target, source)
        self.directions = {Side.CLIENT: _Direction(), Side.SERVER: _Direction()}
        self._opened_with: int | None = first.seq if opens else None
        self._ends: set[Side] = set()

    def is_reused_by(self, source: str, segment: dpkt.tcp.TCP) -> bool:
        """A SYN with another sequence number begins a new connection on the same ports."""
        opens = bool(segment.flags & dpkt.tcp.TH_SYN) and not segment.flags & dpkt.tcp.TH_ACK
        return opens and self._opened_with != segment.seq

    def add(self, source: str, segment: dpkt.tcp.TCP) -> None:
        side = Side.CLIENT if source == self.stream.client else Side.SERVER
        direction = self.directions[side]
        data = bytes(segment.data)
        sequence = segment.seq
        if segment.flags & dpkt.tcp.TH_SYN:
            direction.wanted = (sequence + 1) % _SEQUENCES
            sequence = direction.wanted
        if not data or segment.flags & dpkt.tcp.TH_RST:
            return
        if direction.wanted is not None and _is_keep_alive(sequence, direction.wanted, data):
            return
        self._emit(side, direction.add(sequence, data))

    def finish(self) -> Stream:
        for side, direction in self.directions.items():
            while missing := direction.skip_hole():
                self.stream.holes.append(Hole(side, len(self.stream.events), missing))
                self._emit(side, direction.flush())
        return self.stream

    def _emit(self, side: Side, data: bytes) -> None:
        if data:
            self.stream.events.append((side, data))


def _is_keep_alive(sequence: int, wanted: int, data: bytes) -> bool:
    return len(data) == 1 and (sequence + 1) % _SEQUENCES == wanted


def _segments(path: Path) -> Iterator[tuple[str, str, dpkt.tcp.TCP]]:
    with path.open("rb") as file:
        packets = dpkt.pcap.UniversalReader(file)
        link = packets.datalink()
        for _, frame in packets:
            packet = _network_layer(frame, link)
            if packet is None:
                continue
            segment = packet.data
            if isinstance(segment, dpkt.tcp.TCP):
                yield _name(packet.src, segment.sport), _name(packet.dst, segment.dport), segment


def _network_layer(frame: bytes, link: int) -> dpkt.ip.IP | dpkt.ip6.IP6 | None:
    try:
        if link == dpkt.pcap.DLT_EN10MB:
            packet = dpkt.ethernet.Ethernet(frame).data
        elif link in _COOKED:
            packet = _COOKED[link](frame).data
        elif link in (dpkt.pcap.DLT_NULL, dpkt.pcap.DLT_LOOP):
            packet = _internet(frame[4:])
        elif link in _RAW:
            packet = _internet(frame)
        else:
            raise ValueError(f"link type {link} is not known here")
    except (dpkt.NeedData, dpkt.UnpackError):
        return None
    return packet if isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)) else None


def _internet(packet: bytes) -> dpkt.ip.IP | dpkt.ip6.IP6:
    return dpkt.ip6.IP6(packet) if packet[:1] and packet[0] >> 4 == 6 else dpkt.ip.IP(packet)


def _name(address: bytes, port: int) -> str:
    host = ipaddress.ip_address(address)
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"

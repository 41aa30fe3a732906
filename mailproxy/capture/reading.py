"""Capture files as events: the TCP connections in them, and what both ends sent, in order.

Reads any pcap or pcapng, packed with gzip or not, while it grows too, in one pass and in memory that
does not depend on its size. Nothing in a file is believed before it was compared with what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mailproxy.capture import pcap, pcapng
from mailproxy.capture.connections import Connections
from mailproxy.capture.frames import STRIP, Strip, raw
from mailproxy.capture.internet import ACK, FIN, HEADERS, IN_PIECES, RST, SYN, TCP, Left, segment
from mailproxy.capture.model import CaptureError, Noted, Octets, StreamEvent, Tally
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import NOWHERE, Interface, Packet
from mailproxy.capture.reassembly import SEQUENCES
from mailproxy.capture.snapshot import Snapshot
from mailproxy.capture.source import Source

_CONTROL = SYN | FIN | RST | ACK


def read_streams(
    path: Path | Snapshot, tally: Tally | None = None, progress: Callable[[int], None] | None = None
) -> Iterator[StreamEvent]:
    """All TCP connections of a capture file, in one pass.

    ``tally`` is filled while reading; its octets are those of the file, packed or not. ``progress``
    is called once for about each MiB with how many octets of the file were read since.
    A file that ends in the middle of a packet is delivered up to there, with a line in ``tally.notes``.

    Raises:
        CaptureError: the file is no capture, cannot be read, or is damaged; what came before was delivered.
    """
    tally = tally if tally is not None else Tally()
    notes = Notes(tally)
    with Source(path, tally, progress) as source:
        yield from streams(_packets(source, notes), Connections(notes), notes)


def _packets(source: Source, notes: Notes) -> Iterator[Packet]:
    buffer = source.refill(b"", 4)
    magic = buffer[:4]
    if magic in pcap.MAGICS:
        return pcap.packets(source, buffer)
    if magic == pcapng.MAGIC:
        return pcapng.PcapngReader(source, notes).packets(buffer)
    if not buffer:
        raise CaptureError(
            f"{source.path}: the file is empty; if it is still being written, wait for packets"
        )
    raise CaptureError(
        f"{source.path}: neither pcap nor pcapng, as it begins with {magic.hex(' ')}; "
        f"if it is a capture of another kind, convert it: editcap {source.path} new.pcapng"
    )


def streams(packets: Iterable[Packet], connections: Connections, notes: Notes) -> Iterator[StreamEvent]:
    """The TCP connections among these packets of a file.

    Nearly all packets are whole, of IPv4 without options, and bring what is wanted next. These are dealt with
    here and now, for that is what reading gigabytes costs: ``segment`` would find the same in them, and
    ``Connection.take`` do the same with it.
    """
    tally = notes.tally
    last: Interface = NOWHERE
    strip: Strip | None = STRIP[last.link]
    table = connections.table(last)
    frame, time = 0, 0.0
    headers, shortest = HEADERS.unpack_from, HEADERS.size
    for time, interface, buffer, start, end, length, comments in packets:
        frame += 1
        tally.packets = frame
        if interface is not last:
            last, strip, table = interface, STRIP.get(interface.link), connections.table(interface)
        if strip is None:
            tally.not_tcp += 1
            notes.add(f"link type {interface.link} is not known", frame)
            continue
        ip = start if strip is raw else strip(buffer, start, end)
        is_plain = False
        if 0 <= ip <= end - shortest:
            version, total, pieces, kind, key, sequence, acknowledgment, header, flags = headers(buffer, ip)
            first, stop, missing = ip + 20 + (header >> 4) * 4, ip + total, 0
            is_plain = version == 0x45 and kind == TCP and not pieces & IN_PIECES and header >= 0x50
        if not is_plain or not first <= stop <= end:
            found = segment(buffer, ip, end, start + length) if ip >= 0 else Left.NOT_TCP
            if isinstance(found, Left):
                _count(found, tally)
                continue
            key, sequence, acknowledgment, flags, first, stop, missing = found
        side = table.get(key)
        if side is not None and side.calm and not missing and flags & _CONTROL == ACK:
            if first == stop:
                side.heard = frame
                side.other.acknowledged = acknowledgment
                if comments:
                    yield Noted(side.stream, time, frame, comments)
                continue
            if sequence == side.wanted:
                side.heard = frame
                side.other.acknowledged = acknowledgment
                side.wanted = (sequence + stop - first) % SEQUENCES
                yield Octets(side.stream, side.side, buffer[first:stop], time, frame, comments)
                continue
        found = key, sequence, acknowledgment, flags, first, stop, missing
        yield from connections.take(interface, side, found, buffer[first:stop], time, frame, comments)
    yield from connections.close_all(time, frame)


def _count(left: Left, tally: Tally) -> None:
    if left is Left.NOT_TCP:
        tally.not_tcp += 1
    elif left is Left.FRAGMENT:
        tally.fragments += 1
    else:
        tally.damaged += 1

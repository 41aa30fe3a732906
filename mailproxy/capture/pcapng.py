"""pcapng (draft-ietf-opsawg-pcapng): sections of blocks, in either byte order."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from mailproxy.capture.model import CaptureError
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import MOST, NOWHERE, Interface, Packet
from mailproxy.capture.pcapng_options import comments, resolution
from mailproxy.capture.source import Source

_SECTION = 0x0A0D0D0A  # the same in both orders
MAGIC = _SECTION.to_bytes(4, "big")
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 1, 2, 3, 6
_MOST_INTERFACES = 10_000  # of a section
_HEAD = 28  # octets of an enhanced packet's block before the packet

_Scale = tuple[
    Interface, int, int, int
]  # units in a second, seconds to add, octets kept of a packet (0: all)


class _Section:
    """What a section's header says, and the interfaces that were described since."""

    def __init__(self, order: str) -> None:
        self.order = order
        # One look for all that an enhanced packet says. Of other blocks the first two alone have a meaning.
        self.head = Struct(order + "IIIIIII").unpack_from
        self.length = Struct(order + "I").unpack_from
        self.obsolete = Struct(order + "HHIIII").unpack_from
        self.interfaces: list[_Scale] = []


class PcapngReader:
    """Reads one file."""

    def __init__(self, source: Source, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._section = _Section("<")
        self._frame = 0
        self._time = 0.0  # of the last packet: a simple packet has none

    def packets(self, buffer: bytes) -> Iterator[Packet]:
        """The packets of the file, which begins with ``buffer``, and that with ``MAGIC``.

        Raises:
            CaptureError: a length cannot be true, or the file cannot be read.
        """
        refill = self._source.refill
        at, size = 0, len(buffer)
        section = self._section
        head, tail, interfaces = section.head, section.length, section.interfaces
        while True:
            if at + _HEAD > size:
                buffer = refill(buffer[at:size], _HEAD)
                at, size = 0, len(buffer)
                if size < 12:
                    break
                buffer = buffer.ljust(_HEAD, b"\0")  # the last block may be shorter
            kind, length, number, high, low, captured, original = head(buffer, at)
            if kind == _SECTION:
                section = self._section = self._new_section(buffer, at, size)
                head, tail, interfaces = section.head, section.length, section.interfaces
                length = head(buffer, at)[1]
            if length < 12 or length & 3 or length > MOST:
                raise self._error(size - at, f"a block says that it has {length} octets")
            if at + length > size:
                buffer = refill(buffer[at:size], length)
                at, size = 0, len(buffer)
                if size < length:
                    break
            end = at + length - 4
            if tail(buffer, end)[0] != length:
                raise self._error(size - at, "the two lengths of a block are not the same")
            if kind == _ENHANCED and length >= 32:
                self._frame += 1
                start, stop = at + _HEAD, at + _HEAD + captured
                if number < len(interfaces) and 0 <= end - stop < 4:
                    # Whole and without options, as nearly all are; _packet would do the same with it.
                    interface, units, offset, _ = interfaces[number]
                    time = self._time = (high << 32 | low) / units + offset
                    yield time, interface, buffer, start, stop, original, ()
                else:
                    yield self._packet(buffer, start, end, (number, high, low, captured, original))
            elif kind == _INTERFACE:
                self._describe(buffer, at + 8, end, size)
            elif kind in (_SIMPLE, _OBSOLETE):
                yield self._old_packet(kind, buffer, at + 8, end)
            at = end + 4
        self._source.end(size - at)

    def _new_section(self, buffer: bytes, at: int, size: int) -> _Section:
        order = _ORDERS.get(buffer[at + 8 : at + 12])
        if order is None:
            raise self._error(size - at, "a section header has no byte order")
        return _Section(order)

    def _packet(self, buffer: bytes, start: int, end: int, fields: tuple[int, int, int, int, int]) -> Packet:
        number, high, low, captured, original = fields
        section = self._section
        if number >= len(section.interfaces):
            return self._damaged(buffer, "a packet is of an interface that is not described")
        interface, units, offset, _ = section.interfaces[number]
        time = self._time = (high << 32 | low) / units + offset
        stop = start + captured
        if stop > end:
            return self._damaged(buffer, "a packet says that it is longer than its block")
        behind = stop + (-captured & 3)
        said = comments(section.order, buffer, behind, end) if behind < end else ()
        return time, interface, buffer, start, stop, original, said

    def _old_packet(self, kind: int, buffer: bytes, start: int, end: int) -> Packet:
        section = self._section
        self._frame += 1
        if kind == _OBSOLETE and end - start >= 20:
            number, _, high, low, captured, original = section.obsolete(buffer, start)
            return self._packet(buffer, start + 20, end, (number, high, low, captured, original))
        if kind == _SIMPLE and end - start >= 4 and section.interfaces:
            interface, _, _, most = section.interfaces[0]
            original = section.length(buffer, start)[0]
            captured = min(original, end - start - 4, most or original)
            return self._time, interface, buffer, start + 4, start + 4 + captured, original, ()
        return self._damaged(buffer, "a packet block is too short, or in front of its interface")

    def _damaged(self, buffer: bytes, why: str) -> Packet:
        """A packet that only counts."""
        self._notes.add(why, self._frame)
        return self._time, NOWHERE, buffer, 0, 0, 0, ()

    def _describe(self, buffer: bytes, start: int, end: int, size: int) -> None:
        section = self._section
        if end - start < 8:
            raise self._error(size - start + 8, "an interface block is too short")
        if len(section.interfaces) >= _MOST_INTERFACES:
            raise self._error(size - start + 8, f"there are more than {_MOST_INTERFACES} interfaces")
        link, _, most = Struct(section.order + "HHI").unpack_from(buffer, start)
        name, units, offset = resolution(section.order, buffer, start + 8, end)
        section.interfaces.append((Interface(link, name), units, offset, most))

    def _error(self, unread: int, cause: str) -> CaptureError:
        return self._source.error(
            unread, cause, f"what lies before it can be had with: editcap {self._source.path} new.pcapng"
        )

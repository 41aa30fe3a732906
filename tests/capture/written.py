"""A capture file that is a list: what a leg would have had written, and what comes out of it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mailproxy.capture import leg
from mailproxy.capture.comments import Remark, read
from mailproxy.capture.follower import Follower
from mailproxy.capture.leg import How
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side


@dataclass
class Packet:
    """``octets`` is what a packet holds, or how many there are in a hole, or None for a mere note."""

    side: Side | None
    octets: bytes | int | None
    time: float
    comments: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        return [remark.word for remark in self.remarks]

    @property
    def remarks(self) -> list[Remark]:
        found = [read(comment) for comment in self.comments]
        assert None not in found, "each comment is one of ours, and can be read"
        return [remark for remark in found if remark is not None]


@dataclass
class Written:
    """A sink that checks that it is used as one."""

    packets: list[Packet] = field(default_factory=list)
    opened: int = 0
    closed: str = ""

    @property
    def patience(self) -> int:
        return leg.BODY_OCTETS

    def open(self, time: float, comments: Sequence[str]) -> None:
        assert not self.opened
        self.opened += 1
        self.packets.append(Packet(None, None, time, tuple(comments)))

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        assert not self.closed
        octets = b"".join(pieces)
        assert octets, "a packet without octets would be a note"
        self.packets.append(Packet(side, octets, time, tuple(comments)))

    def hole(self, side: Side, octets: int) -> None:
        assert not self.closed
        assert octets > 0
        self.packets.append(Packet(side, octets, 0.0))

    def note(self, time: float, comments: Sequence[str]) -> None:
        assert not self.closed
        self.packets.append(Packet(None, None, time, tuple(comments)))

    def close(self, time: float, how: How, comments: Sequence[str] = ()) -> None:
        assert not self.closed
        self.closed = how
        self.packets.append(Packet(None, None, time, tuple(comments)))

    def said(self, side: Side) -> bytes:
        """What one side said, without the holes."""
        return b"".join(p.octets for p in self.packets if p.side is side and isinstance(p.octets, bytes))

    def octets(self, side: Side) -> int:
        """How many octets one side said, those in holes too."""
        of_side = (packet.octets for packet in self.packets if packet.side is side)
        return sum(len(each) if isinstance(each, bytes) else each or 0 for each in of_side)

    @property
    def remarks(self) -> list[Remark]:
        return [remark for packet in self.packets for remark in packet.remarks]

    def remarked(self, word: str) -> list[Any]:
        return [remark.fields for remark in self.remarks if remark.word == word]

    @property
    def everything(self) -> bytes:
        """All octets and comments, in one piece."""
        return b"\n".join(
            [self.said(Side.CLIENT), self.said(Side.SERVER)]
            + [comment.encode() for packet in self.packets for comment in packet.comments]
        )


@dataclass
class Opened:
    """An opener that keeps the connections it made, by leg."""

    legs: dict[str, Written] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def connection(self, session: str, protocol: str, leg: str, client: Any, server: Any) -> Written:
        self.asked.append((session, protocol, leg, client, server))
        self.legs[leg] = Written()
        return self.legs[leg]


def read_back(protocol: str, written: Written) -> list[Part]:
    """What a reader of the file finds in it."""
    follower = Follower(protocol, decrypted=True)
    parts: list[Part] = []
    for packet in written.packets:
        if isinstance(packet.octets, bytes):
            assert packet.side is not None
            parts += follower.feed(packet.side, packet.octets)
        elif packet.octets is not None:
            assert packet.side is not None
            parts += follower.hole(packet.side, packet.octets)
    return parts + follower.finish()


def exchanges(parts: list[Part]) -> list[tuple[int, str, str, int, int]]:
    """Number, verb, final status, and octets of the client and of the server, those in gaps too."""
    found: dict[int, tuple[str, str, list[int]]] = {}
    for part in parts:
        verb, status, octets = found.get(part.exchange, ("", "", [0, 0]))
        if part.command is not None:
            verb = part.command.verb
        octets[part.side] += part.octets
        found[part.exchange] = (verb, part.status or status, octets)
    assert not any(part.kind is Kind.UNREAD and part.octets for part in parts), "all of it can be read"
    return [(number, *found[number][:2], *found[number][2]) for number in sorted(found)]

"""Sets of message numbers, as long as mailboxes are: kept as ranges, never one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Message numbers or UIDs (RFC 9051 §9 ``sequence-set``, without ``*``).

    ``ranges`` have both ends in them; they ascend and do not touch one another.
    """

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> NumberSet:
        """Out of ranges in any order, which may overlap."""
        merged: list[Range] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __or__(self, other: NumberSet) -> NumberSet:
        return NumberSet.of((*self.ranges, *other.ranges))

    def chunks(self, octets: int) -> Iterator[bytes]:
        """The set in pieces as they are sent, none longer than ``octets``."""
        return joined(
            (b"%d:%d" % pair if pair[0] < pair[1] else b"%d" % pair[0] for pair in self.ranges), octets
        )


def joined(parts: Iterable[bytes], octets: int) -> Iterator[bytes]:
    """The parts with commas between them, in pieces of at most ``octets``; a part is never cut."""
    piece: list[bytes] = []
    room = octets + 1
    for part in parts:
        if piece and len(part) + 1 > room:
            yield b",".join(piece)
            piece, room = [], octets + 1
        piece.append(part)
        room -= len(part) + 1
    if piece:
        yield b",".join(piece)


def pieces(sent: str, octets: int) -> Iterator[bytes]:
    """A client's set, ``*`` and ``$`` included, in pieces of at most ``octets``."""
    return joined((part.encode("ascii") for part in sent.split(",")), octets)


def length(chunk: bytes) -> int:
    """How many numbers a chunk of a :class:`NumberSet` says."""
    ends = [part.split(b":") for part in chunk.split(b",")]
    return sum(int(pair[-1]) - int(pair[0]) + 1 for pair in ends)

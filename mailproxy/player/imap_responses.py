"""What an IMAP server said in a recorded exchange, response by response (RFC 9051 §7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailproxy.capture.parts import Kind
from mailproxy.player.pieces import Filler, Piece, Source, Span, length_of
from mailproxy.proto.imap_literals import literal_at_end

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Turn

_END = b")\r\n"  # of a response whose literal is not whole in the capture
_LARGEST = 1 << 32  # octets of a literal; a longer one is not believed
_NUMBERED = re.compile(rb"\* ([0-9]{1,10}) ([A-Za-z]+)")


@dataclass(slots=True)
class Response:
    """One response. ``pieces`` are its octets, ``text`` is them without the octets of literals."""

    pieces: list[Piece] = field(default_factory=list)
    text: bytes = b""
    literals: list[Piece] = field(default_factory=list)
    cut: int = 0  # octets of a literal that are not in the capture

    @property
    def tag(self) -> bytes:
        return self.text.partition(b" ")[0].rstrip()

    @property
    def number(self) -> int:
        """The number that stands first in it, 0 where there is none."""
        found = _NUMBERED.match(self.text)
        return int(found[1]) if found else 0

    @property
    def name(self) -> bytes:
        """``FETCH``, ``EXISTS``, ``OK`` and so on, in capitals."""
        found = _NUMBERED.match(self.text)
        if found:
            return found[2].upper()
        return self.text.partition(b" ")[2].partition(b" ")[0].rstrip().upper()


def responses(turns: Iterable[Turn]) -> Iterator[Response]:
    """The responses in what a server said. A literal of which octets are missing is filled up."""
    group: list[Turn] = []
    for turn in turns:
        if turn.kind is Kind.REPLY and group:
            yield from _of_group(group)
            group = []
        group.append(turn)
    yield from _of_group(group)


def _of_group(turns: list[Turn]) -> Iterator[Response]:
    source = Source(turns)
    left = sum(turn.body.octets for turn in turns)
    response = Response()
    while line := source.line():
        left -= len(line)
        response.pieces.append(line)
        response.text += line
        literal = literal_at_end(line)
        if literal is None:
            yield response
            response = Response()
            continue
        octets, missing = _octets(source, literal.octets, left)
        response.cut += missing
        left -= length_of(octets) - missing
        response.pieces.append(octets)
        response.literals.append(octets)


def _octets(source: Source, wanted: int, left: int) -> tuple[Piece, int]:
    """A literal, and how many octets of it were made up. ``left`` are there of the response."""
    if wanted + 2 <= left or wanted > _LARGEST:
        return source.octets(wanted), 0
    there = source.octets(max(left - len(_END), 0))
    missing = wanted - length_of(there)
    return Span([(there, 0, length_of(there)), (Filler(missing), 0, missing)]), missing

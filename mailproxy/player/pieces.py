"""What a player says: octets at hand, or octets that are still in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Turn

_SMALL = 8192  # octets; what is not longer is held
_LONGEST_LINE = 1 << 20
_FILL = b"-" * 74 + b"\r\n"


class Streamed(Protocol):
    """Octets that are read when they are needed."""

    @property
    def octets(self) -> int:
        """How many they are."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """All of them, in order; may be called more than once."""
        ...


Piece = bytes | Streamed


def chunks_of(piece: Piece) -> Iterator[bytes]:
    """The octets of a piece, in order."""
    if isinstance(piece, bytes):
        yield piece
    else:
        yield from piece.chunks()


def length_of(piece: Piece) -> int:
    """How many octets a piece has."""
    return len(piece) if isinstance(piece, bytes) else piece.octets


def joined(pieces: Iterable[Piece]) -> bytes:
    """All octets of some pieces, in memory."""
    return b"".join(chunk for piece in pieces for chunk in chunks_of(piece))


class Span:
    """Parts of other pieces, one behind the other: ``(piece, start, octets)``."""

    __slots__ = ("_parts", "octets")

    def __init__(self, parts: Sequence[tuple[Piece, int, int]]) -> None:
        self._parts = parts
        self.octets = sum(count for _, _, count in parts)

    def chunks(self) -> Iterator[bytes]:
        for piece, start, count in self._parts:
            yield from _slice(piece, start, count)

    def __repr__(self) -> str:
        return f"<Span of {self.octets} octets>"


def cut(piece: Piece, start: int, count: int) -> Piece:
    """``count`` octets of a piece, fewer where it ends earlier."""
    count = max(0, min(count, length_of(piece) - start))
    return piece[start : start + count] if isinstance(piece, bytes) else Span([(piece, start, count)])


def _slice(piece: Piece, start: int, count: int) -> Iterator[bytes]:
    for chunk in chunks_of(piece):
        if count <= 0:
            return
        part = chunk[start : start + count]
        start = max(0, start - len(chunk))
        if part:
            count -= len(part)
            yield part


class Filler:
    """Octets in the place of those that are not in the capture: lines of hyphens."""

    __slots__ = ("octets",)

    def __init__(self, octets: int) -> None:
        self.octets = octets

    def chunks(self) -> Iterator[bytes]:
        block = _FILL * 512
        for _ in range(self.octets // len(block)):
            yield block
        rest = self.octets % len(block)
        if rest:
            whole = _FILL * (rest // len(_FILL))
            yield whole + b"-" * (rest - len(whole))


class Source:
    """Reads what one side said, lines and counted octets, without holding the latter."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._pieces: list[Piece] = [turn.body for turn in turns]
        self._index = -1
        self._chunks: Iterator[bytes] = iter(())
        self._chunk = b""
        self._at = 0  # in the chunk
        self._base = 0  # of the chunk in its piece

    def line(self) -> bytes:
        """The next line with its end; at the end of all what is left, and then nothing."""
        parts: list[bytes] = []
        size = 0
        while size < _LONGEST_LINE and self._more():
            end = self._chunk.find(b"\n", self._at) + 1 or len(self._chunk)
            parts.append(self._chunk[self._at : end])
            size += len(parts[-1])
            self._at = end
            if parts[-1].endswith(b"\n"):
                break
        return b"".join(parts)

    def octets(self, count: int) -> Piece:
        """The next ``count`` octets, fewer where all ends earlier."""
        parts: list[tuple[Piece, int, int]] = []
        held: list[bytes] | None = [] if count <= _SMALL else None
        while count > 0 and self._more():
            taken = min(count, len(self._chunk) - self._at)
            start = self._base + self._at
            if held is not None:
                held.append(self._chunk[self._at : self._at + taken])
            elif parts and parts[-1][0] is self._pieces[self._index]:
                piece, first, before = parts[-1]
                parts[-1] = piece, first, before + taken
            else:
                parts.append((self._pieces[self._index], start, taken))
            self._at += taken
            count -= taken
        return b"".join(held) if held is not None else Span(parts)

    def rest(self) -> Piece:
        """All that is left."""
        parts: list[tuple[Piece, int, int]] = []
        if self._at < len(self._chunk):
            piece = self._pieces[self._index]
            start = self._base + self._at
            parts.append((piece, start, length_of(piece) - start))
        elif 0 <= self._index < len(self._pieces):
            piece = self._pieces[self._index]
            start = self._base + len(self._chunk)
            parts.append((piece, start, length_of(piece) - start))
        parts += [(piece, 0, length_of(piece)) for piece in self._pieces[self._index + 1 :]]
        self._index, self._chunk, self._at, self._chunks = len(self._pieces), b"", 0, iter(())
        return Span([part for part in parts if part[2]])

    def _more(self) -> bool:
        """Is there an octet at hand, or can one be read?"""
        while self._at >= len(self._chunk):
            self._base += len(self._chunk)
            self._chunk, self._at = next(self._chunks, b""), 0
            if not self._chunk:
                if self._index + 1 >= len(self._pieces):
                    return False
                self._index += 1
                self._base = 0
                self._chunks = chunks_of(self._pieces[self._index])
        return True

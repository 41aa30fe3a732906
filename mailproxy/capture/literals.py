"""Finds the literals again in the octets of one IMAP command or response (RFC 9051 §4.3).

The octets may come in any pieces; no literal is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproxy.proto.imap_literals import literal_at_end

_LONGEST = 65_536  # octets of a line that wait for its end; a longer one comes in pieces
_KEPT = 32  # of which so many stay back: a literal's header may stand there


@dataclass(frozen=True, slots=True)
class Line:
    """A line up to its line end, or a piece of a very long one.

    ``announces`` is the length of the literal that follows, None when none does. ``ends`` is
    True on what ends the command or response.
    """

    text: bytes
    announces: int | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class LiteralOctets:
    """Octets of a literal; ``left`` are still to come. An empty literal is one of these, too.

    ``missing`` are octets that nobody has, which stand where ``data`` would.
    """

    data: bytes
    left: int
    missing: int = 0


class LiteralScanner:
    """Cuts one command or response, and behind :meth:`restart` the next."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._left: int | None = None  # of a literal; None: a line comes
        self._text = False

    def restart(self, *, text: bool = False) -> list[Line]:
        """A new command or response begins; what is given back is left over of the one before.

        ``text``: it is free text, which holds no literal whatever it ends in (RFC 9051 §7.1).
        """
        left_over = [Line(bytes(self._line), None, True)] if self._line else []
        self._line.clear()
        self._left, self._text = None, text
        return left_over

    def feed(self, data: bytes) -> list[Line | LiteralOctets]:
        """What is complete with these octets."""
        found: list[Line | LiteralOctets] = []
        start = 0
        while start < len(data):
            if self._left is None:
                start = self._read_line(data, start, found)
            else:
                piece = data[start : start + self._left]
                start += len(piece)
                self._pass(LiteralOctets(piece, self._left - len(piece)), found)
        return found

    def hole(self, octets: int) -> list[Line | LiteralOctets]:
        """Octets that nobody has. Those of a line are passed over: it cannot be read any more."""
        found: list[Line | LiteralOctets] = []
        if self._left is not None:
            inside = min(octets, self._left)
            self._pass(LiteralOctets(b"", self._left - inside, inside), found)
        return found

    def _pass(self, piece: LiteralOctets, found: list[Line | LiteralOctets]) -> None:
        found.append(piece)
        self._left = piece.left or None

    def _read_line(self, data: bytes, start: int, found: list[Line | LiteralOctets]) -> int:
        end = data.find(b"\n", start) + 1
        self._line += data[start : end or len(data)]
        if not end:
            if len(self._line) > _LONGEST:
                found.append(Line(bytes(self._line[:-_KEPT])))
                del self._line[:-_KEPT]
            return len(data)
        line = bytes(self._line)
        self._line.clear()
        literal = None if self._text else literal_at_end(line)
        if literal is None:
            found.append(Line(line, None, True))
        else:
            found.append(Line(line, literal.octets))
            if literal.octets:
                self._left = literal.octets
            else:
                found.append(LiteralOctets(b"", 0))
        return end

"""Literals at the end of an IMAP line (RFC 9051 §4.3, RFC 7888, RFC 3516)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailproxy.proto.imap_args import closed_quotes

_BRACES = re.compile(rb"\{[^{}]*\}\r\n\Z")
_HEADER = re.compile(rb"~?\{(\d{1,20})(\+?)\}\r\n\Z")


@dataclass(frozen=True, slots=True)
class Literal:
    """The header ``{n}`` or ``{n+}``: ``octets`` octets follow behind the line end.

    ``look_alike`` means that it stands inside a quoted string that has no end, ``odd`` that
    servers differ about its number: one with a leading zero, or beyond 63 bits.
    """

    octets: int
    synchronising: bool
    look_alike: bool
    odd: bool
    plus: int  # from the line's end, where "+" stands

    def synchronised(self, line: bytes) -> bytes:
        """The line with ``{n}`` instead of ``{n+}``."""
        return line[: -self.plus] + line[-self.plus + 1 :] if not self.synchronising else line


def literal_at_end(line: bytes) -> Literal | None:
    """The literal that a line announces, if it does."""
    if not line.endswith(b"}\r\n"):
        return None
    match = _HEADER.search(line[-32:])
    if match is None:
        return None
    alike = b'"' in line and not closed_quotes(line)
    octets = int(match[1])
    odd = octets >= 1 << 63 or (match[1][:1] == b"0" and len(match[1]) > 1)
    return Literal(octets, not match[2], alike, odd, 4)


def ends_like_a_literal(line: bytes) -> bool:
    """Does the line end in braces at all? Some servers ask for octets after nearly anything in them."""
    return _BRACES.search(line) is not None


def splits(command: bytes, takes: Callable[[Literal], bool]) -> list[bytes]:
    """A command, cut where the server must be asked before the next octets are sent.

    It may end in the header of a literal that is still to come; that header stays as it is.
    """
    pieces: list[bytes] = []
    start = at = 0
    while (end := command.find(b"\n", at) + 1) < len(command):
        literal = literal_at_end(command[at:end])
        if literal is None:
            break
        at = end + literal.octets
        if literal.synchronising or not takes(literal):
            pieces.append(literal.synchronised(command[start:end]))
            start = end
    return [*pieces, command[start:]]

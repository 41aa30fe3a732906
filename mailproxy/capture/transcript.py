r"""A conversation as lines of text: ``C>`` is what the client sent, ``S>`` what the server sent.

A line stands for its text and CRLF. ``\r`` ``\n`` ``\t`` ``\0`` ``\xNN`` ``\\`` are octets, and ``\-`` at
the end means that no CRLF follows. ``#`` begins a comment, ``! tls`` says that TLS began. Secrets are
masked.
"""

from __future__ import annotations

import re

from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

_LONGEST = 65_536  # octets of a line that wait for their end
_NAMES = {Side.CLIENT: "C>", Side.SERVER: "S>"}
_SHORT = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0", "\\": "\\\\"}
_PLAIN = re.compile(rb"[ -\[\]-~]*")


class Transcript:
    """Turns parts, in order, into text; the lines of both sides stand in the order in which they ended."""

    def __init__(self) -> None:
        self._side: Side | None = None  # whose line is not over
        self._line = b""

    def said(self, part: Part) -> str:
        """The lines that are complete now."""
        name = part.side.name.lower()
        match part.kind:
            case Kind.GAP:
                return f"{self.finish()}# {part.octets} octets of the {name} are not in the capture\n"
            case Kind.TLS:
                return f"{self.finish()}# {part.octets} octets of the {name} in TLS\n"
            case Kind.STARTTLS:
                return f"{self.finish()}! tls\n"
        before = "" if self._side in (None, part.side) else self.finish()
        *lines, rest = (self._line + part.shown).split(b"\r\n")
        text = before + "".join(_written(part.side, line) for line in lines)
        self._side, self._line = (part.side, rest) if rest else (None, b"")
        return text + (self.finish() if len(rest) > _LONGEST else "")

    def finish(self) -> str:
        """The line that has no end."""
        if self._side is None:
            return ""
        text = _written(self._side, self._line, "\\-")
        self._side, self._line = None, b""
        return text


def _written(side: Side, line: bytes, end: str = "") -> str:
    text = line.decode("ascii") if _PLAIN.fullmatch(line) else escaped(line)
    return f"{_NAMES[side]} {text}{end}\n" if text or end else f"{_NAMES[side]}\n"


def escaped(line: bytes) -> str:
    """Octets as text that nothing can command a terminal with."""
    written = []
    for character in line.decode("utf-8", "surrogateescape"):
        if character in _SHORT:
            written.append(_SHORT[character])
        elif character.isprintable():
            written.append(character)
        else:
            octets = character.encode("utf-8", "surrogateescape")
            written.append("".join(f"\\x{octet:02x}" for octet in octets))
    return "".join(written)

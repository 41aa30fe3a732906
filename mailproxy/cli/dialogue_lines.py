"""Lines of a dialogue for a terminal, a pipe and JSON. Nothing in them can command the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from mailproxy.cli.tables import on_terminal
from mailproxy.config.errors import printable
from mailproxy.proto.tokens import Side

if TYPE_CHECKING:
    from mailproxy.capture.dialogue import Line
    from mailproxy.capture.searching import Hit

LONGEST = 1000  # characters of a line that is folded
_SIDES = ("C: →", "S: ←")
_REFUSED = ("4", "5", "ERR", "NO", "BAD", "BYE")
_ASKS = ("3", "+")


class Lines:
    """A dialogue. ``whole``: long lines are not cut."""

    def __init__(self, lines: Iterable[Line], *, whole: bool) -> None:
        self._lines = lines
        self._whole = whole
        self._colours = on_terminal() and "NO_COLOR" not in os.environ

    def printed(self) -> Iterator[str]:
        """As people read it."""
        for line in self._lines:
            text = line.text
            if len(text) > LONGEST or not text.isprintable():  # few are; these are the calls that cost
                text = safe(self._cut(text))
            if line.kind == "session":
                text = f"# {text}"
                yield _painted(text, line.kind) if self._colours else text
            elif self._colours:
                yield f"{_place(line)}{_painted(_shown(line.side, text), _colour_of(line))}"
            else:
                yield f"{_place(line)}{_shown(line.side, text)}"

    def described(self) -> Iterator[dict[str, object]]:
        """For JSON."""
        for line in self._lines:
            conversation = line.conversation
            found: dict[str, object] = {
                "session": conversation.number,
                "leg": conversation.leg,
                "time": line.time,
                "frame": line.frame,
                "side": line.side.name.lower() if line.side is not None else "",
                "kind": line.kind,
                "exchange": line.exchange,
                "text": self._cut(line.text),
            }
            if line.status:
                found["status"] = line.status
            if line.more:
                found["more"] = dict(line.more)
            yield found

    def _cut(self, text: str) -> str:
        if self._whole or len(text) <= LONGEST:
            return text
        return f"{text[:LONGEST]}… [{len(text) - LONGEST:,} more characters]"


class Hits:
    """Lines in which a text was found."""

    def __init__(self, hits: Iterable[Hit]) -> None:
        self._hits = hits

    def printed(self) -> Iterator[str]:
        """As people read it."""
        for hit in self._hits:
            yield f"{_place(hit)}{_shown(hit.side, safe(hit.text))}"

    def described(self) -> Iterator[dict[str, object]]:
        """For JSON."""
        for hit in self._hits:
            yield {
                "session": hit.conversation.number,
                "leg": hit.conversation.leg,
                "time": hit.time,
                "frame": hit.frame,
                "side": hit.side.name.lower() if hit.side is not None else "",
                "kind": hit.kind,
                "exchange": hit.exchange,
                "text": hit.text,
            }


_COLOURS: dict[str, tuple[str | None, bool, bool]] = {
    "session": (None, True, False),
    "good": ("green", False, False),
    "asks": ("yellow", False, False),
    "refused": ("red", False, False),
    "verdict": ("magenta", True, False),
    "note": ("cyan", False, False),
    "folded": (None, False, True),
}


def safe(text: str) -> str:
    """The text with all that a terminal might obey written as an escape, but for tabs."""
    return "\t".join(printable(part) for part in text.split("\t"))


def _painted(text: str, colour: str) -> str:
    if not colour:
        return text
    foreground, bold, dim = _COLOURS[colour]
    return str(typer.style(text, fg=foreground, bold=bold or None, dim=dim or None))


def _shown(side: Side | None, text: str) -> str:
    return f"-- {text} --" if side is None else f"{_SIDES[side]} {text}"


def _colour_of(line: Line) -> str:
    if line.kind in ("verdict", "session"):
        return line.kind
    if line.side is None:
        return "note"
    if line.kind in ("message", "body", "data"):
        return "folded" if line.kind == "message" else ""
    if not line.status:
        return ""
    if line.status.startswith(_REFUSED):
        return "refused"
    return "asks" if line.status.startswith(_ASKS) else "good"


def _place(line: Line | Hit) -> str:
    """Number of the session, and seconds since it began."""
    # Older than a formatted string, and faster: it stands in front of millions of lines.
    return "%3d %+10.3f  " % (line.conversation.number, line.time - line.conversation.started)  # noqa: UP031

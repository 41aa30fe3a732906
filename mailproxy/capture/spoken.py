"""The parts of one conversation as lines: short ones as they are, messages folded, what is missing named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailproxy.capture.bulk import NOTHING, Bulk, Exact, Imap, Listed, Stuffed
from mailproxy.capture.conversations import Conversation
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.text_lines import lines_of
from mailproxy.proto.tokens import Side

_RETRIEVING = frozenset({"RETR", "TOP"})
# On Python 3.11, to look up a member of an Enum takes as long as three calls: here it is done once.
_COMMAND, _REPLY, _BODY, _DATA = Kind.COMMAND, Kind.REPLY, Kind.BODY, Kind.DATA
_TLS, _UNREAD, _GAP, _STARTTLS = Kind.TLS, Kind.UNREAD, Kind.GAP, Kind.STARTTLS
_ROW = 16  # octets of a row of a dump


@dataclass(slots=True)  # not frozen: that costs more than all else in making one, and there are millions
class Line:
    """One line of a dialogue.

    ``kind`` is a value of :class:`~mailproxy.capture.parts.Kind`, ``message`` for what is folded,
    ``session`` for the line that introduces a conversation, ``verdict``, or ``note``. ``side`` is None
    where nobody speaks. ``time`` is seconds since 1970. The text may hold anything: what is printed must
    be made safe.
    """

    conversation: Conversation
    time: float
    side: Side | None
    kind: str
    text: str
    status: str = ""
    exchange: int = -1
    frame: int = 0
    more: Mapping[str, object] = field(default_factory=dict)


class Voice:
    """Both sides of one conversation."""

    def __init__(self, conversation: Conversation, *, full: bool, secrets: bool) -> None:
        self._conversation = conversation
        self._protocol = conversation.protocol
        self._full = full
        self._secrets = secrets
        self._verbs: dict[int, str] = {}  # of open exchanges: as many as the follower leaves open
        self._bulk: list[tuple[Bulk, Part] | None] = [None, None]  # what goes on, and its latest part
        self._counted: dict[tuple[Kind, Side], int] = {}  # octets that cannot be read

    def said(self, part: Part) -> list[Line]:
        """The lines that are complete now."""
        kind = part.kind
        if kind is _TLS or kind is _UNREAD:
            return self._cannot_be_read(part)
        lines = self._tell_counts(part.time) if self._counted else []
        if kind is _BODY or kind is _DATA:
            lines += self._goes_on(part)
        elif kind is _GAP:
            lines += self._gap(part)
        elif kind is _STARTTLS:
            lines.append(
                Line(self._conversation, part.time, None, "note", "TLS begins here", frame=part.frame)
            )
        else:
            lines += self._begins(part)
        if part.ends:
            self._verbs.pop(part.exchange, None)
        return lines

    def finish(self, time: float) -> list[Line]:
        """Nothing more will be said."""
        return self._close(Side.CLIENT) + self._close(Side.SERVER) + self._tell_counts(time)

    def _octets(self, part: Part) -> bytes:
        return part.data if self._secrets else part.shown

    def _begins(self, part: Part) -> list[Line]:
        side, lines = part.side, []
        if self._bulk[side] is not None:
            lines = self._close(side)
        asked = self._bulk[1 - side]
        if asked is not None and part.exchange == asked[1].exchange:
            lines += self._close(1 - side)  # what a message is answered with comes behind it
        if part.command is not None and part.command.spec is not None:
            self._verbs[part.exchange] = part.command.verb
        if self._protocol == "imap" and (part.kind is _COMMAND or part.kind is _REPLY):
            verb = self._verbs.get(part.exchange, "")
            return lines + self._take(part, Imap(verb, self._full, text=bool(part.status)))
        for text in lines_of(self._octets(part)):
            lines.append(self._line(part, "", text, NOTHING))
        return lines

    def _goes_on(self, part: Part) -> list[Line]:
        going = self._bulk[part.side]
        if going is None:
            return self._take(part, self._started(part))
        bulk, last = going
        if last.exchange == part.exchange:
            return self._take(part, bulk)
        return self._close(part.side) + self._take(part, self._started(part))

    def _take(self, part: Part, bulk: Bulk) -> list[Line]:
        self._bulk[part.side] = (bulk, part)
        lines = [self._line(part, *piece) for piece in bulk.feed(self._octets(part))]
        return lines + self._close(part.side) if part.ends else lines

    def _started(self, part: Part) -> Bulk:
        verb = self._verbs.get(part.exchange, "")
        if self._protocol == "imap":
            return Imap(verb, self._full)
        if self._protocol == "smtp":
            return Exact("chunk", self._full) if verb == "BDAT" else Stuffed("message", self._full)
        if verb in _RETRIEVING:
            return Stuffed("message" if verb == "RETR" else "top of a message", self._full)
        return Listed(self._full)

    def _close(self, side: int) -> list[Line]:
        going, self._bulk[side] = self._bulk[side], None
        if going is None:
            return []
        bulk, last = going
        return [self._line(last, *piece) for piece in bulk.finish()]

    def _gap(self, part: Part) -> list[Line]:
        going = self._bulk[part.side]
        lines = []
        if going is not None:
            bulk, last = going
            lines = [self._line(last, *piece) for piece in bulk.hole(part.octets)]
        who = part.side.name.lower()
        text = f"{part.octets:,} octets of the {who} are not in the capture"
        more = {"octets": part.octets, "of": who}
        return [*lines, Line(self._conversation, part.time, None, "gap", text, frame=part.frame, more=more)]

    def _cannot_be_read(self, part: Part) -> list[Line]:
        lines = self._close(part.side)
        if part.kind is _UNREAD and self._secrets:
            for start in range(0, len(part.data), _ROW):
                lines.append(self._line(part, "", dump_row(part.data[start : start + _ROW]), NOTHING))
            return lines
        place = (part.kind, part.side)
        self._counted[place] = self._counted.get(place, 0) + part.octets
        return lines

    def _tell_counts(self, time: float) -> list[Line]:
        counted, self._counted = self._counted, {}
        lines = []
        for (kind, side), octets in counted.items():
            who = side.name.lower()
            what = "in TLS" if kind is _TLS else "could not be read"
            text = f"{octets:,} octets of the {who} {what}"
            more = {"octets": octets, "of": who}
            lines.append(Line(self._conversation, time, None, kind.value, text, more=more))
        return lines

    def _line(self, part: Part, kind: str, text: str, more: Mapping[str, object]) -> Line:
        return Line(
            self._conversation,
            part.time,
            part.side,
            kind or part.kind._value_,  # which is value, in a tenth of the time
            text,
            part.status,
            part.exchange,
            part.frame,
            more,
        )


def dump_row(octets: bytes) -> str:
    """``2b 4f 4b   +OK``."""
    return f"{octets.hex(' '):<{3 * _ROW}} {''.join(chr(o) if 0x20 <= o < 0x7F else '.' for o in octets)}"

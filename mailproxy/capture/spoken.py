"""The parts of one conversation as lines: short ones as they are, messages folded, what is missing named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mailproxy.capture.bulk import Bulk, Exact, Imap, Listed, Stuffed
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.text_lines import lines_of
from mailproxy.proto.tokens import Side

_RETRIEVING = frozenset({"RETR", "TOP"})
_LONG = (Kind.BODY, Kind.DATA)
_ROW = 16  # octets of a row of a dump


@dataclass(slots=True)  # not frozen: that costs more than all else in making one, and there are millions
class Spoken:
    """A line; the fields are those of :class:`~mailproxy.capture.dialogue.Line`."""

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

    def __init__(self, protocol: str, *, full: bool, secrets: bool) -> None:
        self._protocol = protocol
        self._full = full
        self._secrets = secrets
        self._verbs: dict[int, str] = {}  # of open exchanges: as many as the follower leaves open
        self._bulk: list[Bulk | None] = [None, None]
        self._last: list[Part | None] = [None, None]  # of the bulk
        self._counted: dict[tuple[Kind, Side], int] = {}  # octets that cannot be read

    def said(self, part: Part) -> Iterable[Spoken]:
        """The lines that are complete now."""
        bulk, last = self._bulk[part.side], self._last[part.side]
        goes_on = bulk is not None and last is not None and last.exchange == part.exchange
        if goes_on and part.kind in _LONG and not part.ends and not self._counted:
            assert bulk is not None, "something goes on"
            self._last[part.side] = part
            pieces = bulk.feed(self._octets(part))
            # Most often there is nothing to be told: a large message comes in very many parts.
            return [_spoken(part, kind or part.kind.value, text, more) for kind, text, more in pieces]
        return self._said(part)

    def _said(self, part: Part) -> Iterator[Spoken]:
        kind = part.kind
        if kind in (Kind.TLS, Kind.UNREAD):
            yield from self._cannot_be_read(part)
            return
        yield from self._tell_counts(part.time)
        if kind is Kind.GAP:
            yield from self._gap(part)
        elif kind is Kind.STARTTLS:
            yield Spoken(part.time, None, "note", "TLS begins here", frame=part.frame)
        elif kind in _LONG:
            yield from self._goes_on(part)
        else:
            yield from self._begins(part)
        if part.ends:
            self._verbs.pop(part.exchange, None)

    def finish(self, time: float) -> Iterator[Spoken]:
        """Nothing more will be said."""
        yield from self._close(Side.CLIENT)
        yield from self._close(Side.SERVER)
        yield from self._tell_counts(time)

    def _octets(self, part: Part) -> bytes:
        return part.data if self._secrets else part.shown

    def _begins(self, part: Part) -> Iterator[Spoken]:
        yield from self._close(part.side)
        asked = self._last[part.side.other]
        if asked is not None and part.exchange == asked.exchange:
            yield from self._close(part.side.other)  # what a message is answered with comes behind it
        if part.command is not None and part.command.spec is not None:
            self._verbs[part.exchange] = part.command.verb
        if self._protocol == "imap" and part.kind in (Kind.COMMAND, Kind.REPLY):
            verb = self._verbs.get(part.exchange, "")
            yield from self._take(part, Imap(verb, self._full, text=bool(part.status)))
            return
        for text in lines_of(self._octets(part)):
            yield _spoken(part, part.kind.value, text)

    def _goes_on(self, part: Part) -> Iterator[Spoken]:
        last = self._last[part.side]
        if last is not None and last.exchange != part.exchange:
            yield from self._close(part.side)
        yield from self._take(part, self._bulk[part.side] or self._started(part))

    def _take(self, part: Part, bulk: Bulk) -> Iterator[Spoken]:
        self._bulk[part.side], self._last[part.side] = bulk, part
        for kind, text, more in bulk.feed(self._octets(part)):
            yield _spoken(part, kind or part.kind.value, text, more)
        if part.ends:
            yield from self._close(part.side)

    def _started(self, part: Part) -> Bulk:
        verb = self._verbs.get(part.exchange, "")
        if self._protocol == "imap":
            return Imap(verb, self._full)
        if self._protocol == "smtp":
            return Exact("chunk", self._full) if verb == "BDAT" else Stuffed("message", self._full)
        if verb in _RETRIEVING:
            return Stuffed("message" if verb == "RETR" else "top of a message", self._full)
        return Listed(self._full)

    def _close(self, side: Side) -> Iterator[Spoken]:
        bulk, last = self._bulk[side], self._last[side]
        self._bulk[side] = self._last[side] = None
        if bulk is not None and last is not None:
            for kind, text, more in bulk.finish():
                yield _spoken(last, kind or last.kind.value, text, more)

    def _gap(self, part: Part) -> Iterator[Spoken]:
        bulk, last = self._bulk[part.side], self._last[part.side]
        if bulk is not None and last is not None:
            for kind, text, more in bulk.hole(part.octets):
                yield _spoken(last, kind or last.kind.value, text, more)
        who = part.side.name.lower()
        text = f"{part.octets:,} octets of the {who} are not in the capture"
        more = {"octets": part.octets, "of": who}
        yield Spoken(part.time, None, Kind.GAP.value, text, frame=part.frame, more=more)

    def _cannot_be_read(self, part: Part) -> Iterator[Spoken]:
        yield from self._close(part.side)
        if part.kind is Kind.UNREAD and self._secrets:
            for start in range(0, len(part.data), _ROW):
                yield _spoken(part, part.kind.value, dump_row(part.data[start : start + _ROW]))
            return
        place = (part.kind, part.side)
        self._counted[place] = self._counted.get(place, 0) + part.octets

    def _tell_counts(self, time: float) -> Iterator[Spoken]:
        counted, self._counted = self._counted, {}
        for (kind, side), octets in counted.items():
            who = side.name.lower()
            what = "in TLS" if kind is Kind.TLS else "could not be read"
            text = f"{octets:,} octets of the {who} {what}"
            yield Spoken(time, None, kind.value, text, more={"octets": octets, "of": who})


def dump_row(octets: bytes) -> str:
    """``2b 4f 4b   +OK``."""
    return f"{octets.hex(' '):<{3 * _ROW}} {''.join(chr(o) if 0x20 <= o < 0x7F else '.' for o in octets)}"


def _spoken(part: Part, kind: str, text: str, more: Mapping[str, object] | None = None) -> Spoken:
    return Spoken(part.time, part.side, kind, text, part.status, part.exchange, part.frame, more or {})

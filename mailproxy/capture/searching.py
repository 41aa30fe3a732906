"""Searches what was said, while it is read: in lines, messages, literals and remarks alike.

A text is found wherever the pieces of a stream were cut. Of a stream no more is kept than the
line that has begun, as far as it can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailproxy.capture.conversations import Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.dialogue import kind_of
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.remark_text import in_words
from mailproxy.capture.text_lines import text_of
from mailproxy.proto.tokens import Side

AROUND = 200  # octets of a line that are shown on each side of what was found
_READABLE = (Kind.REPLY, Kind.COMMAND, Kind.BODY, Kind.DATA, Kind.RESPONSE)  # no set: these hash slowly


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that holds the text. ``kind`` and ``exchange`` are those of the part in which it ended.

    A remark of the proxy has no side, the exchange -1, and the kind that it has in a dialogue.
    """

    conversation: Conversation
    time: float
    side: Side | None
    kind: str
    exchange: int
    frame: int
    text: str


class Search:
    """``wanted`` are the octets to be found; they may not hold a line feed.

    ``any_case``: A to Z are found in either case, other letters as they are.
    """

    def __init__(self, wanted: bytes, *, any_case: bool = False, secrets: bool = False) -> None:
        if not wanted or b"\n" in wanted:
            raise ValueError("a text within one line is needed")
        self._wanted = wanted.lower() if any_case else wanted
        self._any_case = any_case
        self._secrets = secrets
        self._open: dict[int, tuple[_Stream, _Stream]] = {}  # by conversation

    def hits(self, items: Iterable[Item]) -> Iterator[Hit]:
        """Each line that holds it, once. Raises what ``items`` raises."""
        for item in items:
            if isinstance(item, Said):
                if found := self._said(item.conversation, item.part):
                    yield from found
            elif isinstance(item, Remarked):
                yield from self._remarked(item)
            elif isinstance(item, Ended):
                for stream in self._open.pop(item.conversation.number, ()):
                    yield from stream.flush()

    def _remarked(self, item: Remarked) -> Iterator[Hit]:
        text = in_words(item.remark)
        octets = text.encode("utf-8", "surrogatepass")
        if self._wanted in (octets.lower() if self._any_case else octets):
            yield Hit(item.conversation, item.time, None, kind_of(item.remark), -1, item.frame, text)

    def _said(self, conversation: Conversation, part: Part) -> list[Hit]:
        both = self._open.get(conversation.number)
        if both is None:
            client, server = (_Stream(conversation, self._wanted, self._any_case) for _ in Side)
            both = self._open[conversation.number] = (client, server)
        stream = both[part.side]
        if part.kind in _READABLE or (self._secrets and part.kind is Kind.UNREAD):
            return stream.feed(part.data if self._secrets else part.shown, part)
        return stream.flush()


class _Stream:
    """One side of a conversation."""

    __slots__ = ("_any_case", "_conversation", "_hit", "_line", "_wanted")

    def __init__(self, conversation: Conversation, wanted: bytes, any_case: bool) -> None:
        self._conversation = conversation
        self._wanted = wanted
        self._any_case = any_case
        self._line = b""  # the end of the line that goes on
        self._hit: tuple[Part, int] | None = None  # found in that line, at this place in it

    def feed(self, data: bytes, part: Part) -> list[Hit]:
        hits = []
        data = self._line + data
        sought = data.lower() if self._any_case else data
        start = sought.find(self._wanted) if self._hit is None else 0
        while self._hit is not None or start >= 0:
            if self._hit is None:
                self._hit = (part, start)
            end = data.find(b"\n", self._hit[1])
            if end < 0:
                break
            hits.append(self._shown(data, end))
            start = sought.find(self._wanted, end + 1)
        self._keep(data)
        return hits

    def flush(self) -> list[Hit]:
        """What comes now does not go on with this line."""
        hits = [self._shown(self._line, len(self._line))] if self._hit is not None else []
        self._line = b""
        return hits

    def _keep(self, data: bytes) -> None:
        if self._hit is not None:
            part, place = self._hit
            begin = max(0, place - AROUND)
            self._line = data[begin : place + len(self._wanted) + AROUND]
            self._hit = (part, place - begin)
            return
        kept = AROUND + len(self._wanted)
        self._line = data[max(data.rfind(b"\n") + 1, len(data) - kept) :]

    def _shown(self, data: bytes, end: int) -> Hit:
        assert self._hit is not None, "the caller has found one"
        part, place = self._hit
        self._hit = None
        begin = max(data.rfind(b"\n", 0, place) + 1, place - AROUND)
        text = text_of(data[begin : min(end, place + len(self._wanted) + AROUND)].rstrip(b"\r"))
        return Hit(self._conversation, part.time, part.side, part.kind.value, part.exchange, part.frame, text)

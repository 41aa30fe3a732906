"""Whole conversations: each command with what was said for it, and the replies.

For those who need all of one (replay, comparison). The octets of messages lie in a
:class:`~mailproxy.capture.bodies.BodyStore`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailproxy.capture.bodies import Body, BodyStore
from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said, conversations
from mailproxy.capture.parts import GREETING_NUMBER, UNASKED, Kind, Part
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.tokens import Command, Side

_AT_ONCE = 1000  # commands that a session of ours may have open
_UNKNOWN = "(unknown)"  # how verdicts name a command that may be a password
_UNANSWERED = ("unanswered", "unsent")  # the status of commands that were open at the end


@dataclass(slots=True)
class Turn:
    """What one side said before it was the other one's turn, or something else of its own began.

    An IMAP response with its literals is one REPLY and the BODY that follows; a message is one DATA.
    ``status`` is that of a REPLY. ``missing`` octets are not in the body: the capture does not hold them.
    """

    side: Side
    kind: Kind
    body: Body
    time: float
    status: str = ""
    missing: int = 0


@dataclass(slots=True)
class Exchange:
    """One command and all that was said because of it. Number 0 is the greeting.

    ``status`` is the final one, empty when it was never answered. ``verdict`` are the fields of the
    remark with which our proxy said what it did with the command; None in captures of others.
    """

    number: int
    verb: str
    command: Command | None
    began: float
    ended: float = 0.0
    status: str = ""
    turns: list[Turn] = field(default_factory=list)
    verdict: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Recording:
    """A whole conversation. ``gaps`` counts octets that are missing, ``unread`` those that made no sense."""

    conversation: Conversation
    exchanges: list[Exchange] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    unasked: list[Turn] = field(default_factory=list)
    user: str = ""
    gaps: int = 0
    unread: int = 0

    @property
    def login(self) -> str:
        """Who had logged in: as the proxy said, or as the commands say; empty when nobody knows."""
        for remark in self.remarks:
            if remark.word == "login":
                return str(remark.fields.get("user", ""))
        return self.user


def everything(conversation: Conversation) -> bool:
    """All conversations are wanted."""
    return True


def recordings(
    path: Path,
    store: BodyStore,
    wanted: Callable[[Conversation], bool] = everything,
    progress: Callable[[int], None] | None = None,
) -> list[Recording]:
    """The conversations of a file that are wanted, in the order in which they began.

    Raises:
        CaptureError: the file cannot be read as a capture, or not any further.
    """
    return list(collect(conversations(path, None, progress), store, wanted))


def collect(
    items: Iterable[Item], store: BodyStore, wanted: Callable[[Conversation], bool] = everything
) -> Iterable[Recording]:
    """The same of items that were read already."""
    found: dict[int, _Collector] = {}
    for item in items:
        number = item.conversation.number
        if isinstance(item, Began):
            if wanted(item.conversation):
                found[number] = _Collector(Recording(item.conversation), store)
            continue
        collector = found.get(number)
        if collector is None:
            continue
        match item:
            case Said(_, part):
                collector.said(part)
            case Remarked(_, _, remark, _):
                collector.remarked(remark)
            case Ended():
                collector.recording.user = item.user
    return [collector.recording for collector in found.values()]


class _Collector:
    def __init__(self, recording: Recording, store: BodyStore) -> None:
        self.recording = recording
        self._store = store
        self._by_number: dict[int, Exchange] = {}
        # Ended, and the verdict comes with the same packet. In captures of others it never comes.
        self._unjudged: deque[Exchange] = deque(maxlen=_AT_ONCE)

    def said(self, part: Part) -> None:
        if part.kind is Kind.GAP:
            self._missing(part)
            return
        if part.kind in (Kind.UNREAD, Kind.TLS):
            self.recording.unread += part.octets
            return
        if part.kind is Kind.STARTTLS:
            return
        if part.exchange == UNASKED:
            _add(self.recording.unasked, part, self._store)
            return
        exchange = self._by_number.get(part.exchange)
        if exchange is None:
            verb = GREETING if part.exchange == GREETING_NUMBER else ""
            command = part.command
            if command is not None and command.spec is not None:
                verb = command.verb
            exchange = self._by_number[part.exchange] = Exchange(part.exchange, verb, command, part.time)
            self.recording.exchanges.append(exchange)
        _add(exchange.turns, part, self._store)
        if part.ends:
            exchange.status = exchange.status or _final_status(exchange)
            exchange.ended = part.time
            if exchange.number:
                self._unjudged.append(exchange)

    def remarked(self, remark: Remark) -> None:
        self.recording.remarks.append(remark)
        if remark.word != "verdict":
            return
        exchange = self._judged(remark.fields)
        if exchange is not None:
            exchange.verdict = remark.fields

    def _judged(self, verdict: Mapping[str, Any]) -> Exchange | None:
        """Which exchange a verdict is about. They are told in the order in which commands were answered.

        Of our own commands alone it is told among the server's, with the answer that came last.
        """
        verb = verdict.get("verb")
        if verdict.get("verdict") == "own":
            return self._own(verb, verdict.get("text", ""))
        found = None
        if verdict.get("status") not in _UNANSWERED:
            found = next((each for each in self._unjudged if verb in (each.verb, _UNKNOWN)), None)
        if found is not None:
            while self._unjudged.popleft() is not found:
                pass
            return found
        # It has no answer, or one that does not name it; or it is not in the packets, as STARTTLS.
        verb = "" if verb == _UNKNOWN else verb
        return next((each for each in self._open() if each.verb == verb), None)

    def _own(self, verb: Any, text: Any) -> Exchange | None:
        found = [each for each in self._unjudged if each.verb == verb]
        named = [each for each in found if each.command and each.command.args == str(text).encode()]
        if not found:
            return next((each for each in self._open() if each.verb == verb), None)
        exchange = (named or found)[-1]
        self._unjudged.remove(exchange)
        return exchange

    def _open(self) -> Iterator[Exchange]:
        latest = self.recording.exchanges[-_AT_ONCE:]
        return (each for each in latest if not each.ended and each.verdict is None)

    def _missing(self, part: Part) -> None:
        self.recording.gaps += part.octets
        exchange = self._by_number.get(part.exchange)
        if exchange is not None:
            turns = [turn for turn in exchange.turns if turn.side is part.side]
            if turns:
                turns[-1].missing += part.octets


def _final_status(exchange: Exchange) -> str:
    replies = [turn.status for turn in exchange.turns if turn.kind is Kind.REPLY]
    return replies[-1] if replies else ""


def _add(turns: list[Turn], part: Part, store: BodyStore) -> None:
    last = turns[-1] if turns else None
    goes_on = part.kind in (Kind.BODY, Kind.DATA) and last is not None
    if goes_on and last is not None and (last.side, last.kind) == (part.side, part.kind):
        last.body.append(part.data)
        return
    turns.append(Turn(part.side, part.kind, store.new(part.data), part.time, part.status))

"""A conversation as data for programs: commands, replies, times, verdicts, and what messages are.

Only what was said around messages is kept; of everything else the octets are counted and hashed.
Secrets are masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.messages import Finished, Message, MessageEvent, Piece, message_reader
from mailproxy.capture.parts import GREETING_NUMBER, UNASKED, Kind, Part
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.tokens import Side

_AS_TEXT = frozenset({Kind.COMMAND, Kind.RESPONSE, Kind.REPLY})
_LISTINGS = frozenset({"CAPA", "LIST", "UIDL", "LANG"})  # of POP3: their bodies are lines for programs
_LONGEST_TEXT = 65_536  # octets of one entry; of more the length and the digest are given
_END_OF_TIME = 253_402_300_799  # the year 9999

Described = dict[str, Any]


class Description:
    """Takes what happens in one conversation in order; :meth:`finish` gives it as JSON would have it."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._exchanges: dict[int, _Exchange] = {}
        self._unasked = _Exchange(UNASKED, "", 0.0)
        self._octets = {Side.CLIENT: 0, Side.SERVER: 0}
        self._gaps: list[Described] = []
        self._unread = 0
        self._remarks: list[Described] = []
        self._unjudged: list[_Exchange] = []
        self._messages: list[Described] = []
        self._hashes: dict[Message, Any] = {}
        self._reader = message_reader(conversation.protocol)

    def said(self, said: Said) -> None:
        """The next part."""
        part = said.part
        self._note(self._reader.said(part))
        match part.kind:
            case Kind.GAP:
                gap = {"side": part.side.name.lower(), "octets": part.octets, "frame": part.frame}
                self._gaps.append({**gap, "time": moment(part.time)})
                return
            case Kind.UNREAD | Kind.TLS:
                self._unread += part.octets
        self._octets[part.side] += part.octets
        self._exchange(part).add(part)

    def remarked(self, remarked: Remarked) -> None:
        """What our proxy wrote beside it."""
        remark = remarked.remark
        if remark.word == "verdict":
            while self._unjudged:
                exchange = self._unjudged.pop(0)
                if remark.fields.get("verb") in (exchange.verb, "(unknown)"):
                    exchange.verdict = dict(remark.fields)
                    return
        self._remarks.append({"time": moment(remarked.time), "word": remark.word, **remark.fields})

    def finish(self, ended: Ended) -> Described:
        """All of it."""
        self._note(self._reader.ended())
        conversation, stream = self._conversation, self._conversation.stream
        return {
            "session": conversation.number,
            "protocol": conversation.protocol,
            "client": stream.client,
            "server": stream.server,
            "id": conversation.session,
            "leg": conversation.leg,
            "tls": conversation.tls,
            "user": self._login() or ended.user,
            "began": moment(conversation.started),
            "seconds": round(ended.time - conversation.started, 6),
            "end": ended.how,
            "octets": {side.name.lower(): count for side, count in self._octets.items()},
            "gaps": self._gaps,
            "unread": self._unread,
            "exchanges": [exchange.described() for exchange in self._exchanges.values()],
            "unasked": self._unasked.entries(),
            "messages": self._messages,
            "remarks": self._remarks,
        }

    def _login(self) -> str:
        return next((str(one.get("user", "")) for one in self._remarks if one["word"] == "login"), "")

    def _exchange(self, part: Part) -> _Exchange:
        if part.exchange == UNASKED:
            return self._unasked
        exchange = self._exchanges.get(part.exchange)
        if exchange is None:
            verb = GREETING if part.exchange == GREETING_NUMBER else ""
            if part.command is not None and part.command.spec is not None:
                verb = part.command.verb
            exchange = self._exchanges[part.exchange] = _Exchange(part.exchange, verb, part.time)
        if part.ends and part.exchange != GREETING_NUMBER:
            self._unjudged.append(exchange)
        return exchange

    def _note(self, events: list[MessageEvent]) -> None:
        for event in events:
            if isinstance(event, Piece):
                self._hashes.setdefault(event.message, sha256()).update(event.data)
            elif isinstance(event, Finished):
                digest = self._hashes.pop(event.message, None) or sha256()
                self._messages.append(_described_message(event.message, digest.hexdigest()))


class _Entry:
    """What one side said in one go."""

    def __init__(self, part: Part, text: bool) -> None:
        self._part = part
        self._text: bytearray | None = bytearray() if text else None
        self._octets = 0
        self._hash = sha256()

    def add(self, shown: bytes, octets: int) -> None:
        self._octets += octets
        self._hash.update(shown)
        if self._text is not None:
            self._text += shown
            if len(self._text) > _LONGEST_TEXT:
                self._text = None

    def goes_on_with(self, part: Part) -> bool:
        return part.side is self._part.side and part.kind is self._part.kind and part.kind not in _AS_TEXT

    def described(self) -> Described:
        part = self._part
        entry: Described = {"side": part.side.name.lower(), "kind": part.kind.value, "octets": self._octets}
        if part.status:
            entry["status"] = part.status
        if self._text is None:
            entry["sha256"] = self._hash.hexdigest()
        else:
            entry["text"] = bytes(self._text).decode("utf-8", "backslashreplace")
        return {**entry, "time": moment(part.time), "frame": part.frame}


class _Exchange:
    def __init__(self, number: int, verb: str, began: float) -> None:
        self.number = number
        self.verb = verb
        self.verdict: Described | None = None
        self._began = self._ended = began
        self._status = ""
        self._entries: list[_Entry] = []

    def add(self, part: Part) -> None:
        if part.ends:
            self._ended = part.time
        if part.kind is Kind.REPLY and part.status:
            self._status = part.status
        if not self._entries or not self._entries[-1].goes_on_with(part):
            self._entries.append(_Entry(part, self._is_text(part)))
        shown = part.shown
        end = shown.find(b"\n") + 1
        if part.kind is Kind.REPLY and shown[:2] == b"* " and 0 < end < len(shown):
            # an IMAP response whose literal came with it: the message is no text
            self._entries[-1].add(shown[:end], end)
            self._entries.append(_Entry(_body_of(part), False))
            self._entries[-1].add(shown[end:], len(shown) - end)
        else:
            self._entries[-1].add(shown, part.octets)

    def _is_text(self, part: Part) -> bool:
        return part.kind in _AS_TEXT or (part.kind is Kind.BODY and self.verb in _LISTINGS)

    def entries(self) -> list[Described]:
        return [entry.described() for entry in self._entries]

    def described(self) -> Described:
        found: Described = {
            "number": self.number,
            "verb": self.verb,
            "status": self._status,
            "began": moment(self._began),
            "seconds": round(self._ended - self._began, 6),
            "said": self.entries(),
        }
        return found if self.verdict is None else {**found, "verdict": self.verdict}


def moment(seconds: float) -> str:
    """A point in time, in seconds since 1970, as ISO 8601 in UTC to the microsecond.

    One that no calendar has, as a capture may say anything, is a number.
    """
    if not 0 <= seconds < _END_OF_TIME:
        return f"{seconds:g}"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _body_of(part: Part) -> Part:
    return Part(part.side, Kind.BODY, b"", part.time, part.frame, part.exchange, b"", 0)


def _described_message(message: Message, digest: str) -> Described:
    names = ("verb", "id", "uid", "mailbox", "sender", "recipients", "status", "partial", "octets", "missing")
    facts = {name: getattr(message, name) for name in names}
    return {**facts, "complete": message.complete, "sha256": digest}


def descriptions(items: Iterable[Item]) -> Iterator[Described]:
    """One for each conversation, when it is over. Raises what ``items`` raises."""
    open_: dict[int, Description] = {}
    for item in items:
        number = item.conversation.number
        match item:
            case Began():
                open_[number] = Description(item.conversation)
            case Said():
                open_[number].said(item)
            case Remarked():
                open_[number].remarked(item)
            case Ended():
                yield open_.pop(number).finish(item)

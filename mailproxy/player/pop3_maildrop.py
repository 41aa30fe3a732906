"""The maildrop of a recorded POP3 session: all that the capture says of it (RFC 1939 §5, §7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from mailproxy.player.pieces import Piece, Source, Span, chunks_of, cut, joined, length_of
from mailproxy.player.recorded import is_answered, server_turns

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Exchange, Recording

_END = b"\r\n.\r\n"
_LISTED = re.compile(rb"([0-9]{1,9})[ \t]+([^ \t\r\n]+)[^\r\n]*\r\n")
_STAT = re.compile(rb"\+OK ([0-9]{1,9}) ([0-9]{1,18})\b")
_ONE = re.compile(rb"\+OK ([0-9]{1,9}) ([^ \t\r\n]+)")
_OCTETS = re.compile(rb"\+OK ([0-9]{1,18}) octets", re.I)
_MOST = 1_000_000  # messages; a STAT that says more is not believed


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded reply: its first line, and what followed with the lone dot at its end."""

    head: bytes
    body: Piece = b""

    @property
    def positive(self) -> bool:
        return self.head[:3].upper() == b"+OK"

    @property
    def pieces(self) -> list[Piece]:
        return [self.head, self.body] if length_of(self.body) else [self.head]


@dataclass(slots=True, eq=False)
class Drop:
    """One message. ``number`` is that of the recorded session; answers are in recorded order."""

    number: int
    size: int | None = None
    uidl: bytes = b""
    answers: dict[tuple[str, int], list[Answer]] = field(default_factory=dict)  # by verb and lines of TOP
    uidl_made_up: bool = False

    def add(self, verb: str, answer: Answer, lines: int = 0) -> None:
        self.answers.setdefault((verb, lines), []).append(answer)

    def next(self, verb: str, lines: int = 0) -> Answer | None:
        """The next recorded answer; the last one repeats."""
        found = self.answers.get((verb, lines))
        if not found:
            return None
        return found.pop(0) if len(found) > 1 else found[0]

    def text(self, lines: int | None = None) -> Piece | None:
        """A body that holds the header and ``lines`` lines, or, for None, the whole message."""
        whole = [answer.body for answer in self.answers.get(("RETR", 0), ()) if answer.positive]
        if whole or lines is None:
            return whole[0] if whole else None
        longer = sorted(
            count
            for (verb, count), answers in self.answers.items()
            if verb == "TOP" and count >= lines and answers[-1].positive
        )
        return self.answers["TOP", longer[0]][-1].body if longer else None


class Maildrop:
    """The messages of a recorded session. ``refused`` are verbs that the server never did, with its words."""

    def __init__(self, recording: Recording) -> None:
        self.messages: dict[int, Drop] = {}
        self.refused: dict[str, bytes] = {}
        self.heads: dict[str, bytes] = {}
        self._stat: tuple[int, int] | None = None
        self._cut = recording.gaps > 0
        did: set[str] = set()
        for exchange in recording.exchanges:
            if exchange.command is not None and is_answered(exchange):
                verb, answer = exchange.command.verb, self._answer(exchange)
                if answer.positive:
                    did.add(verb)
                else:
                    self.refused.setdefault(verb, answer.head)
                self._learn(verb, exchange.command.args, answer)
        for verb in did:
            self.refused.pop(verb, None)
        self._complete(recording)

    def _answer(self, exchange: Exchange) -> Answer:
        source = Source(server_turns(exchange))
        head, body = source.line(), source.rest()
        if self._cut and length_of(body):
            body = _ended(body)
        return Answer(head, body)

    def _learn(self, verb: str, args: bytes, answer: Answer) -> None:
        words = args.split()
        number = int(words[0]) if words and words[0].isdigit() and len(words[0]) < 10 else 0
        if verb == "STAT":
            told = _STAT.match(answer.head)
            if told and self._stat is None:
                self._stat = int(told[1]), int(told[2])
        elif verb in ("LIST", "UIDL") and not words:
            if answer.positive:
                self.heads.setdefault(verb, answer.head)
                for listed, value in _listing(answer.body):
                    self._told(verb, listed, value)
        elif verb in ("LIST", "UIDL"):
            told = _ONE.match(answer.head)
            if told:
                self._told(verb, int(told[1]), told[2])
        elif number and verb in ("RETR", "DELE"):
            if answer.positive or number in self.messages:
                self._message(number).add(verb, answer)
        elif number and verb == "TOP" and len(words) == 2 and words[1].isdigit() and len(words[1]) < 10:
            self._message(number).add(verb, answer, int(words[1]))

    def _message(self, number: int) -> Drop:
        return self.messages.setdefault(number, Drop(number))

    def _told(self, verb: str, number: int, value: bytes) -> None:
        if not 0 < number <= _MOST:
            return
        message = self._message(number)
        if verb == "UIDL":
            message.uidl = message.uidl or value
        elif value.isdigit() and len(value) < 19:
            message.size = int(value) if message.size is None else message.size

    def _complete(self, recording: Recording) -> None:
        """What nobody asked for and STAT has counted is there, too; sizes and UIDLs that are not known."""
        count, total = self._stat or (0, 0)
        for number in range(1, min(count, _MOST) + 1):
            self._message(number)
        self.messages = dict(sorted(self.messages.items()))
        for message in self.messages.values():
            text = message.text()
            if message.size is None and text is not None:
                message.size = size_of(message.answers["RETR", 0], text)
        unknown = [message for message in self.messages.values() if message.size is None]
        left = max(0, total - sum(message.size or 0 for message in self.messages.values()))
        for position, message in enumerate(unknown):
            message.size = left // len(unknown) + (left % len(unknown) if not position else 0)
        conversation = recording.conversation
        origin = f"{conversation.session or conversation.number} {conversation.started}"
        for message in self.messages.values():
            if not message.uidl:
                message.uidl = sha256(f"{origin} {message.number}".encode()).hexdigest()[:32].encode()
                message.uidl_made_up = True


def size_of(answers: list[Answer], text: Piece) -> int:
    """The octets of a message, as its server has told them, or counted."""
    for answer in answers:
        told = _OCTETS.match(answer.head)
        if told:
            return int(told[1])
    size, tail = -3, b"\r\n"
    for chunk in chunks_of(text):
        data = tail + chunk
        size += len(chunk) - data.count(b"\r\n.")
        tail = data[-2:]
        if tail == b"\n.":  # cut between; it was counted
            tail = b"."
    return max(size + 1, 0)  # the lone dot was counted as a doubled one


def top(text: Piece, lines: int) -> Iterator[bytes]:
    """Header, empty line and so many lines of a dotted message, and the lone dot (RFC 1939 §7)."""
    left, in_header, rest = lines, True, b""
    for chunk in chunks_of(text):
        *whole, rest = (rest + chunk).split(b"\r\n")
        for line in whole:
            if line == b"." or (not in_header and not left):
                yield b".\r\n"
                return
            yield line + b"\r\n"
            if in_header:
                in_header = line != b""
            else:
                left -= 1
    yield b".\r\n"


class Top:
    """The first lines of a message, cut when they are read."""

    def __init__(self, text: Piece, lines: int) -> None:
        self._text = text
        self._lines = lines

    @property
    def octets(self) -> int:
        return sum(map(len, self.chunks()))

    def chunks(self) -> Iterator[bytes]:
        return top(self._text, self._lines)


def _listing(body: Piece) -> Iterator[tuple[int, bytes]]:
    rest = b""
    for chunk in chunks_of(body):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        for found in _LISTED.finditer(data, 0, end):
            yield int(found[1]), found[2]
        rest = data[end:]


def _ended(body: Piece) -> Piece:
    """A body of which octets are missing, so that its lone dot stands alone all the same."""
    octets = length_of(body)
    last = joined([cut(body, max(octets - len(_END), 0), len(_END))])
    if last == _END or octets < len(_END):
        return body
    kept = octets - 3 if last.endswith(b".\r\n") else octets
    return Span([(body, 0, kept), (_END, 0, len(_END))])

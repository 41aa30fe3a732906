"""Messages of which only the first octets are recorded; what is left out is a gap in the sequence numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.imap_commands import split
from mailproxy.proto.imap_literals import literal_at_end
from mailproxy.proto.smtp_args import bdat_size
from mailproxy.proto.tokens import BadArguments, Command, Side

_END = b"\r\n.\r\n"  # of a body: it must stay, or nobody could read on
_FETCHED = re.compile(rb"\* [0-9]+ (?:UID)?FETCH ", re.I)
_STORED = frozenset({"APPEND", "REPLACE", "UID REPLACE"})
_RETRIEVED = frozenset({"RETR", "TOP"})
_NAME_IS_LITERAL = re.compile(rb"(?:[0-9*]+ )?\{[0-9]+\+?\}")  # arguments that end in their mailbox


class Abridged:
    """Cuts the parts of one conversation, side by side with its follower.

    So many octets stay of each message, or of each IMAP literal that holds one. Lists, names
    and whatever else is no message stay whole.
    """

    __slots__ = ("_messages", "_protocol", "_sides")

    def __init__(self, protocol: str, limit: int) -> None:
        self._protocol = protocol
        self._sides = (_Cut(limit), _Cut(limit))
        self._messages = _messages_of(protocol, self._sides)

    def pieces(self, part: Part, data: bytes) -> Iterator[bytes | int]:
        """What is written of a part: octets of its side, and how many are left out there."""
        cut = self._sides[part.side]
        if self._messages.holds(part):
            yield from cut.message(data)
            if self._messages.complete(part):
                yield from cut.rest()
            return
        yield from cut.rest()
        whole = _literal_in(data) if self._protocol == "imap" and part.kind is Kind.REPLY else None
        if whole is None or not _FETCHED.match(data):
            yield data
            return
        start, stop = whole
        yield data[:start]
        yield from cut.begin(0).message(data[start:stop])
        cut.begin(0)  # another one may follow
        yield data[stop:]

    def left_out(self, part: Part, tail: bytes) -> int:
        """How many octets are left out, if a part is left out as a whole; else 0: ask ``pieces``.

        For a part of a message that goes on, whose octets were not put together; ``tail`` are the last.
        """
        cut = self._sides[part.side]
        return cut.beyond(part.octets, tail) if self._messages.holds(part) else 0

    def rest(self, side: Side) -> Iterator[bytes]:
        """The side says no more: its last octets that were not written yet."""
        return self._sides[side].rest()


class _Cut:
    """What is left of one side's messages."""

    __slots__ = ("_held", "_keep", "_limit", "last", "seen")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keep = 0
        self._held = b""
        self.seen = 0  # octets of the message that is under way
        self.last = b""  # the last ones, as many as an end of body has

    def begin(self, keep: int) -> _Cut:
        """A message begins, of which the last ``keep`` octets stay too."""
        self._keep, self.seen, self.last = keep, 0, _END[:2]
        return self

    def message(self, data: bytes) -> Iterator[bytes | int]:
        room = max(self._limit - self.seen, 0)
        self.seen += len(data)
        self.last = (self.last + data[-len(_END) :])[-len(_END) :]
        if room:
            yield data[:room]
            data = data[room:]
        if not data:
            return
        octets = len(self._held) + len(data)
        ends = self._held + data if len(data) < self._keep else data
        self._held = ends[max(len(ends) - self._keep, 0) :]
        if octets > len(self._held):
            yield octets - len(self._held)

    def beyond(self, octets: int, tail: bytes) -> int:
        if self.seen < self._limit or octets < self._keep or len(tail) < len(_END):
            return 0
        self.seen += octets
        self.last = tail[-len(_END) :]
        before, self._held = len(self._held), tail[len(tail) - self._keep :]
        return before + octets - self._keep

    def rest(self) -> Iterator[bytes]:
        held, self._held = self._held, b""
        if held:
            yield held


class _Messages(Protocol):
    """Where messages stand in one protocol. It is told of every part."""

    def holds(self, part: Part) -> bool:
        """Is the part one of a message?"""
        ...

    def complete(self, part: Part) -> bool:
        """Is a part that it holds the last one of the message?"""
        ...


def _messages_of(protocol: str, sides: tuple[_Cut, _Cut]) -> _Messages:
    match protocol:
        case "pop3":
            return _Pop3(sides)
        case "imap":
            return _Imap(sides)
        case "smtp":
            return _Smtp(sides)
    raise ValueError(f"no such protocol: {protocol}")


class _Pop3:
    """RETR and TOP: their bodies."""

    __slots__ = ("_cut", "_verbs")

    def __init__(self, sides: tuple[_Cut, _Cut]) -> None:
        self._cut = sides[Side.SERVER]
        self._verbs: dict[int, str] = {}  # of the commands that are open

    def holds(self, part: Part) -> bool:
        if part.command is not None:
            self._verbs[part.exchange] = part.command.verb
        if part.kind is Kind.REPLY:
            self._cut.begin(len(_END))
        message = part.kind is Kind.BODY and self._verbs.get(part.exchange) in _RETRIEVED
        if part.ends:
            self._verbs.pop(part.exchange, None)
        return message

    def complete(self, part: Part) -> bool:
        return part.ends


class _Imap:
    """Literals of FETCH responses, and of APPEND and REPLACE behind the mailbox's name."""

    __slots__ = ("_fetched", "_names", "_sides", "_stores")

    def __init__(self, sides: tuple[_Cut, _Cut]) -> None:
        self._sides = sides
        self._fetched = False
        self._stores = False
        self._names = False  # the literal that comes is a name

    def holds(self, part: Part) -> bool:
        if part.command is not None:
            self._stores = part.command.verb in _STORED
            # The command's own arguments are completed later, by what follows.
            self._names = _NAME_IS_LITERAL.fullmatch(split(part.data)[2]) is not None
        elif part.kind is Kind.REPLY:
            self._fetched = _FETCHED.match(part.data) is not None
        if not part.literal:
            self._names = self._names and part.command is not None
            self._sides[part.side].begin(0)
            return False
        if part.kind is Kind.BODY:
            return self._fetched
        return part.kind is Kind.DATA and self._stores and not self._names

    def complete(self, part: Part) -> bool:
        return False  # its last octets are nothing special


class _Smtp:
    """What DATA and BDAT bring. A message may come in many BDAT chunks."""

    __slots__ = ("_cut", "_left")

    def __init__(self, sides: tuple[_Cut, _Cut]) -> None:
        self._cut = sides[Side.CLIENT].begin(len(_END))
        self._left: int | None = None  # octets of the BDAT chunk that are still to come

    def holds(self, part: Part) -> bool:
        if part.command is not None:
            self._left = _chunk(part.command)
            if part.command.verb in ("MAIL", "DATA"):
                self._cut.begin(len(_END))
        return part.kind is Kind.DATA

    def complete(self, part: Part) -> bool:
        if self._left is None:
            return self._cut.last == _END
        self._left -= part.octets
        return self._left <= 0


def _chunk(command: Command) -> int | None:
    if command.verb != "BDAT":
        return None
    try:
        return bdat_size(command.args)[0]
    except BadArguments:
        return None


def _literal_in(data: bytes) -> tuple[int, int] | None:
    """Where the literal stands in a response that came in one piece, literal and all."""
    start = data.find(b"\n") + 1
    literal = literal_at_end(data[:start]) if start < len(data) else None
    return None if literal is None else (start, start + literal.octets)

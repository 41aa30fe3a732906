"""The mail conversations of a capture file, in the order of its packets, as a stream.

Nothing is collected here but what a conversation says before it can be recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailproxy.capture import comments
from mailproxy.capture.follower import Follower
from mailproxy.capture.model import Closed, Hole, Noted, Octets, Opened, Stream, StreamEvent, Tally
from mailproxy.capture.parts import Part
from mailproxy.capture.reading import read_streams
from mailproxy.capture.recognise import by_greeting, by_hello, by_port, is_tls
from mailproxy.capture.runs import Run, in_runs
from mailproxy.capture.snapshot import Snapshot
from mailproxy.proto.tokens import Side

PROTOCOLS = ("pop3", "imap", "smtp")
_UNDECIDED = 16  # pieces that are kept until the server speaks


@dataclass(frozen=True, slots=True)
class Conversation:
    """One mail conversation, which is one TCP connection.

    ``number`` counts the mail conversations of a file from 1. A session of our own proxy has two,
    with the same ``session``: its ``leg`` is ``client`` or ``server``, and ``facts`` are the fields of its
    ``session`` remark. In captures of others all three are empty.
    ``tls`` means TLS from the first octet on: nothing can be read.
    """

    number: int
    stream: Stream
    protocol: str
    started: float
    session: str = ""
    leg: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    tls: bool = False


@dataclass(slots=True)  # items are not frozen: that costs more than all else in making one, of millions
class Began:
    conversation: Conversation
    time: float


@dataclass(slots=True)
class Said:
    conversation: Conversation
    part: Part


@dataclass(slots=True)
class Remarked:
    """The proxy that wrote the capture has said something on a packet."""

    conversation: Conversation
    time: float
    remark: comments.Remark
    frame: int


@dataclass(slots=True)
class Ended:
    """``how`` is as in :class:`~mailproxy.capture.model.Closed`; ``user`` is whoever was logged in."""

    conversation: Conversation
    time: float
    how: str
    user: str = ""


Item = Began | Said | Remarked | Ended


@dataclass(slots=True)
class FileTally:
    """What was in a file: ``conversations``; streams that were no mail (``ignored``) or ``silent``.

    ``events`` counts what happened to streams until now, wanted or not: it grows with each item's place.
    """

    packets: Tally = field(default_factory=Tally)
    ignored: int = 0
    silent: int = 0
    conversations: int = 0
    events: int = 0


class _Following:
    """A stream that is under way; ``conversation`` is None until it is known, or known to be none."""

    __slots__ = ("conversation", "facts", "follower", "opened", "spoke", "waiting")

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.facts = _facts(opened.comments) if opened.comments else {}
        self.waiting: list[StreamEvent] = []
        self.conversation: Conversation | None = None
        self.follower: Follower | None = None
        self.spoke = False


def conversations(
    path: Path | Snapshot,
    tally: FileTally | None = None,
    progress: Callable[[int], None] | None = None,
    wanted: Callable[[Conversation], bool] | None = None,
    *,
    shown: bool = True,
) -> Iterator[Item]:
    """Read a file. ``progress`` is called with the octets read since its last call.

    Of a conversation that is not ``wanted``, asked when it begins, there are no items; its octets are not
    even parsed, which costs more than all else. Without ``shown``, the parts of the others show nothing.

    Raises:
        CaptureError: the file cannot be read as a capture, or not any further.
    """
    return _Reader(tally or FileTally(), wanted, shown).read(path, progress)


class _Reader:
    def __init__(self, tally: FileTally, wanted: Callable[[Conversation], bool] | None, shown: bool) -> None:
        self._tally = tally
        self._wanted = wanted
        self._shown = shown
        self._number = 0
        self._open: dict[int, _Following] = {}

    def read(self, path: Path | Snapshot, progress: Callable[[int], None] | None) -> Iterator[Item]:
        tally = self._tally
        for event in in_runs(read_streams(path, tally.packets, progress)):
            tally.events += 1
            if isinstance(event, list):
                following = self._open.get(event[0].stream.number)
                if following is None:
                    continue  # it is no mail, or not wanted
                if following.conversation is None:
                    yield from self._begin_of(event, following)
                conversation, follower = following.conversation, following.follower
                if conversation is None or follower is None or not event:
                    continue
                last = event[-1]
                if len(event) == 1:
                    parts = follower.feed(last.side, last.data, last.time, last.frame)
                else:
                    pieces = [(each.data, each.time, each.frame) for each in event]
                    parts = follower.feed_run(last.side, pieces)
                for part in parts:
                    yield Said(conversation, part)
                # A verdict stands on the packet with the answer: what it is about was said before.
                if last.comments:
                    yield from _remarks(conversation, last.comments, last.time, last.frame)
                continue
            if isinstance(event, Opened):
                new = self._open[event.stream.number] = _Following(event)
                # Of our own captures it is known: so the client's leg comes first, though it listens first.
                if (told := new.facts.get("protocol")) in PROTOCOLS:
                    yield from self._begin(new, told, encrypted=False)
                continue
            following = self._open.get(event.stream.number)
            if following is None:
                continue
            if isinstance(event, Closed):
                del self._open[event.stream.number]
                yield from self._closed(following, event)
            elif following.conversation is not None:
                yield from _said(following, event)
            else:
                yield from self._undecided(following, event)

    def _begin_of(self, run: Run, following: _Following) -> Iterator[Item]:
        """Takes from a run all up to the octets that tell what is spoken."""
        number = run[0].stream.number
        while run and following.conversation is None and number in self._open:
            yield from self._undecided(following, run.pop(0))

    def _undecided(self, following: _Following, event: StreamEvent) -> Iterator[Item]:
        following.waiting.append(event)
        if not isinstance(event, Octets):
            if len(following.waiting) > _UNDECIDED:
                self._ignore(event.stream)
            return
        following.spoke = True
        found = _recognised(following, event)
        if found is None:
            if _is_other(following, event):
                self._ignore(event.stream)
            return
        yield from self._begin(following, found, encrypted=is_tls(event.data))
        waiting, following.waiting = following.waiting, []
        if following.conversation is not None:
            for waited in waiting:
                yield from _said(following, waited)

    def _begin(self, following: _Following, protocol: str, *, encrypted: bool) -> Iterator[Item]:
        self._number += 1
        self._tally.conversations += 1
        opening, facts = following.opened, following.facts
        conversation = Conversation(
            self._number,
            opening.stream,
            protocol,
            opening.time,
            str(facts.get("id", "")),
            str(facts.get("leg", "")),
            facts,
            encrypted and not facts,
        )
        if self._wanted is not None and not self._wanted(conversation):
            del self._open[opening.stream.number]
            return
        following.conversation = conversation
        following.follower = Follower(protocol, decrypted=bool(facts), shown=self._shown)
        yield Began(conversation, opening.time)
        yield from _remarks(conversation, opening.comments, opening.time, opening.frame)

    def _ignore(self, stream: Stream) -> None:
        del self._open[stream.number]
        self._tally.ignored += 1

    def _closed(self, following: _Following, event: Closed) -> Iterator[Item]:
        conversation, follower = following.conversation, following.follower
        if conversation is None or follower is None:
            if following.spoke:
                self._tally.ignored += 1
            else:
                self._tally.silent += 1
            return
        for part in follower.finish():
            yield Said(conversation, part)
        yield Ended(conversation, event.time, event.how, follower.user)


def _recognised(following: _Following, event: Octets) -> str | None:
    """The protocol, None while or because it is not known."""
    usual = by_port(following.opened.stream.server)
    if usual:
        return usual
    found = by_greeting(event.data) if event.side is Side.SERVER else by_hello(event.data)
    return found or None


def _is_other(following: _Following, event: Octets) -> bool:
    """Is it sure that this is no mail? A greeting with 220 alone may be SMTP: then EHLO comes next."""
    maybe = event.side is Side.CLIENT or event.data.startswith(b"220")
    return not maybe or len(following.waiting) > _UNDECIDED


def _facts(notes: tuple[str, ...]) -> Mapping[str, Any]:
    """What our proxy says about the session on its first packet."""
    for note in notes:
        remark = comments.read(note)
        if remark is not None and remark.word == "session":
            return remark.fields
    return {}


def _said(following: _Following, event: StreamEvent) -> Iterator[Item]:
    conversation, follower = following.conversation, following.follower
    assert conversation is not None, "it was recognised"
    assert follower is not None, "it was recognised"
    match event:
        case Octets(_, side, data, time, frame, notes):
            for part in follower.feed(side, data, time, frame):
                yield Said(conversation, part)
            if notes:
                yield from _remarks(conversation, notes, time, frame)
        case Hole(_, side, octets, time, frame):
            for part in follower.hole(side, octets, time, frame):
                yield Said(conversation, part)
        case Noted(_, time, frame, notes):
            yield from _remarks(conversation, notes, time, frame)


def _remarks(
    conversation: Conversation, notes: tuple[str, ...], time: float, frame: int
) -> Iterator[Remarked]:
    for note in notes:
        remark = comments.read(note)
        if remark is not None:
            yield Remarked(conversation, time, remark, frame)

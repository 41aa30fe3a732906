"""All that a recorded IMAP session says: its exchanges, its mailboxes, and their messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailproxy.player.imap_items import Items, Value, canonical, fetched
from mailproxy.player.imap_reader import split
from mailproxy.player.imap_responses import Response, responses
from mailproxy.player.imap_store import change_of
from mailproxy.player.imap_words import Range, key_of, mailbox_of, ranges, words
from mailproxy.player.pieces import Piece, joined, length_of
from mailproxy.player.recorded import command_octets, is_answered, server_turns
from mailproxy.player.script import Script

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Exchange, Recording

_MOST = 10_000_000  # messages; an EXISTS that says more is not believed
_SHORT = 65_536
_CAPABILITY = re.compile(rb"\* CAPABILITY ([^\r\n]*)|\[CAPABILITY ([^\]\r\n]*)\]", re.I)
_EVERYTHING = ((b"ALL",), (b"1:*",), (b"UID", b"1:*"))

Flags = frozenset[bytes]


@dataclass(slots=True, eq=False)
class Facts:
    """What is known of a message: its items as first or last told, and its flags as told last."""

    items: Items = field(default_factory=dict)
    flags: Flags | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message in the view of one SELECT. ``uid`` is 0 while nobody has told it."""

    uid: int = 0
    facts: Facts = field(default_factory=Facts)


@dataclass(slots=True)
class Arrived:
    """EXISTS: there are more messages."""

    messages: list[Message]


@dataclass(slots=True)
class Gone:
    """EXPUNGE of a number, or VANISHED with UIDs."""

    number: int = 0
    uids: list[Range] = field(default_factory=list)


@dataclass(slots=True)
class Flagged:
    """FETCH told flags. ``before`` are those that were known until then."""

    message: Message
    before: Flags
    after: Flags


Effect = Arrived | Gone | Flagged


@dataclass(slots=True)
class Played:
    """An exchange that can be said again. ``final`` is the tagged response without its tag.

    ``before`` and ``after`` name the states of the selected mailbox: as long as they are the same,
    the same messages have the same numbers.
    """

    verb: str
    args: bytes
    untagged: list[Response]
    asks: bytes  # the continuation of IDLE
    final: bytes
    before: int
    after: int = 0
    effects: list[Effect] = field(default_factory=list)
    view: list[Message] = field(default_factory=list)  # of SELECT and EXAMINE

    @property
    def good(self) -> bool:
        return self.final[:2].upper() == b"OK"


@dataclass(slots=True)
class Box:
    """A mailbox. ``opened`` are the SELECTs and EXAMINEs that it had."""

    messages: dict[int, Facts] = field(default_factory=dict)
    opened: list[Played] = field(default_factory=list)
    status: dict[bytes, bytes] = field(default_factory=dict)


class World:
    """Reads a recording. ``logins`` are the server's last words to those who got in, by verb."""

    def __init__(self, recording: Recording) -> None:
        self.script: Script[Played] = Script()
        self.boxes: dict[str, Box] = {}
        self.lists: dict[bytes, bytes] = {}
        self.logins: dict[str, bytes] = {}
        self.refused = b""  # the last word to one who did not get in
        self.offered_first = self.offered_before = self.offered_after = (
            b""  # CAPABILITY: before the login, behind
        )
        self.cut = 0
        self._selected = ""
        self._view: list[Message] = []
        self._version = 0
        self._versions = 0
        self._sequences: list[list[Message]] = []
        for exchange in recording.exchanges:
            self._exchange(exchange)
        for sequence in self._sequences:
            _number(sequence)

    def box(self, name: str) -> Box:
        """The mailbox of that name; a new one when nothing is known of it."""
        return self.boxes.setdefault(name, Box())

    # -- reading ------------------------------------------------------------------------

    def _exchange(self, exchange: Exchange) -> None:
        said = list(responses(server_turns(exchange)))
        for response in said:
            self.cut += response.cut
            self._offered(response.text)
        if not exchange.number or not is_answered(exchange):
            return
        tag, verb, args = split(command_octets(exchange).removesuffix(b"\r\n"))
        final = next((each.text for each in reversed(said) if each.tag == tag), b"")[len(tag) + 1 :]
        if verb in ("LOGIN", "AUTHENTICATE"):
            if final[:2].upper() == b"OK":
                self.logins[verb] = final
            else:
                self.refused = final
            return
        untagged = [each for each in said if each.tag == b"*"]
        asks = next((each.text for each in said if each.tag == b"+"), b"")
        played = Played(verb, args, untagged, asks, final, self._version)
        key = key_of(verb, args, self._selected)
        if verb in ("SELECT", "EXAMINE"):
            self._select(played)
        else:
            self._apply(played)
            if verb in ("STORE", "UID STORE") and played.good:
                self._stored(played)
            if verb in ("CLOSE", "UNSELECT") and played.good:
                self._selected = ""
        played.after = self._version
        self.script.add(key, played)

    def _offered(self, text: bytes) -> None:
        found = _CAPABILITY.search(text)
        if found is None:
            return
        offered = found[1] or found[2]
        in_login = b"]" in text and not text.startswith(b"* ")
        if self.logins or in_login:
            self.offered_after = offered
        else:
            self.offered_first = self.offered_first or offered
            self.offered_before = offered

    def _select(self, played: Played) -> None:
        self._selected = mailbox_of(played.args)
        self._view = []
        self._sequences.append([])
        self._new_version()
        self._apply(played)
        played.effects = []
        if played.good:
            played.view = list(self._view)
            self.box(self._selected).opened.append(played)
        else:
            self._selected = ""

    def _new_version(self) -> None:
        self._versions += 1
        self._version = self._versions

    def _apply(self, played: Played) -> None:
        for response in played.untagged:
            name, number = response.name, response.number
            if name == b"EXISTS" and number <= _MOST:
                self._exists(number, played)
            elif name == b"EXPUNGE" and 0 < number <= len(self._view):
                del self._view[number - 1]
                played.effects.append(Gone(number))
                self._new_version()
            elif name == b"VANISHED" and b"(EARLIER)" not in response.text.upper():
                self._vanished(response, played)
            elif name == b"FETCH" and 0 < number <= _MOST and self._selected:
                self._fetched(number, response, played)
            elif name in (b"LIST", b"LSUB"):
                self._listed(response)
            elif name == b"STATUS":
                self._status(response)
            elif name == b"SEARCH" and played.verb == "UID SEARCH":
                self._searched(played, response)

    def _stored(self, played: Played) -> None:
        """A STORE that was not answered with the flags (RFC 9051 §6.4.6)."""
        by_uid = played.verb == "UID STORE"
        try:
            change = change_of(played.args)
            largest = max((each.uid for each in self._view), default=0) if by_uid else len(self._view)
            chosen = ranges(change.numbers, largest)
        except ValueError:
            return
        for number, message in enumerate(self._view, 1):
            if change.silent and within(message.uid if by_uid else number, chosen):
                before = message.facts.flags or frozenset()
                message.facts.flags = change.of(before)
                played.effects.append(Flagged(message, before, message.facts.flags))

    def _exists(self, number: int, played: Played) -> None:
        new = [Message() for _ in range(number - len(self._view))]
        if new:
            self._view += new
            played.effects.append(Arrived(new))
            if self._sequences:
                self._sequences[-1] += new
            self._new_version()

    def _vanished(self, response: Response, played: Played) -> None:
        try:
            gone = ranges(response.text.rpartition(b" ")[2].strip(), 0)
        except ValueError:
            return
        self._view = [message for message in self._view if not within(message.uid, gone)]
        played.effects.append(Gone(uids=gone))
        self._new_version()

    def _fetched(self, number: int, response: Response, played: Played) -> None:
        if number > len(self._view):
            self._exists(number, played)
        message, items = self._view[number - 1], fetched(response)
        uid = items.pop(b"UID", None)
        if uid is not None and not message.uid:
            self._identify(message, joined(uid.sent))
        flags = items.pop(b"FLAGS", None)
        facts = message.facts
        facts.items.update(items)
        if flags is not None:
            after = frozenset(word for word in words(joined(flags.sent)) if word not in b"()")
            facts.items.setdefault(b"FLAGS", flags)
            before = facts.flags if facts.flags is not None else after
            played.effects.append(Flagged(message, before, after))
            facts.flags = after

    def _identify(self, message: Message, digits: bytes) -> None:
        if not digits.isdigit() or len(digits) > 10:
            return
        message.uid = int(digits)
        known = self.box(self._selected).messages.setdefault(message.uid, message.facts)
        known.items.update(message.facts.items)
        message.facts = known

    def _searched(self, played: Played, response: Response) -> None:
        """Who asked for the UIDs of all messages was told them in the order of their numbers."""
        if tuple(word.upper() for word in words(played.args)) not in _EVERYTHING:
            return
        found = sorted(int(word) for word in response.text.split()[2:] if word.isdigit() and len(word) <= 10)
        if len(found) == len(self._view):
            for message, uid in zip(self._view, found, strict=True):
                if not message.uid:
                    self._identify(message, b"%d" % uid)

    def _listed(self, response: Response) -> None:
        octets = _short(response.pieces)
        said = words(octets.removesuffix(b"\r\n"))
        if octets and said[2:3] == (b"(",) and b")" in said:
            behind = said[said.index(b")") + 1 :]
            if len(behind) >= 2:
                self.lists.setdefault(behind[1], octets)

    def _status(self, response: Response) -> None:
        said = words(_short(response.pieces).removesuffix(b"\r\n"))[2:]
        if len(said) > 2 and said[1] == b"(":
            pairs = said[2:-1]
            name = mailbox_of(b'"' + said[0].replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')
            self.box(name).status.update(
                {canonical(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=False)}
            )


def initial_flags(facts: Facts) -> Flags | None:
    """The flags that a message had when the capture told them first."""
    told: Value | None = facts.items.get(b"FLAGS")
    if told is None:
        return None
    return frozenset(word for word in words(joined(told.sent)) if word not in b"()")


def within(number: int, found: list[Range]) -> bool:
    """Is the number in one of these ranges?"""
    return any(low <= number <= high for low, high in found)


def _short(pieces: list[Piece]) -> bytes:
    return joined(pieces) if sum(map(length_of, pieces)) <= _SHORT else b""


def _number(sequence: list[Message]) -> None:
    """UIDs for messages whose own were never told, between those of their neighbours."""
    following: list[int] = []
    after = 0
    for message in reversed(sequence):
        following.append(after)
        after = message.uid or after
    last = 0
    for message, ahead in zip(sequence, reversed(following), strict=True):
        if not message.uid and (not ahead or last + 1 < ahead):
            message.uid = last + 1
        last = message.uid or last

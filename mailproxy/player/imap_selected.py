"""A mailbox that a client has opened, and what it asks of it beyond the capture (RFC 9051 §6.4)."""

from __future__ import annotations

import re
from bisect import bisect_left

from mailproxy.player.imap_items import Wanted, made, wanted
from mailproxy.player.imap_search import Candidate, NotKnown, search
from mailproxy.player.imap_store import change_of
from mailproxy.player.imap_words import ranges, words, written
from mailproxy.player.imap_world import (
    Arrived,
    Effect,
    Facts,
    Flagged,
    Flags,
    Gone,
    Message,
    initial_flags,
    within,
)
from mailproxy.player.pieces import Piece
from mailproxy.player.terms import Memory

_SET = re.compile(rb"([0-9:*,]+) (.*)", re.S)
_RETURN = re.compile(rb"RETURN \(([A-Z ]*)\) ?(.*)", re.S | re.I)
_SEEN = b"\\Seen"
_DELETED = b"\\Deleted"
CHANGED = -1  # the view is none that the capture had

NOT_ALL = b"NO [CANNOT] not all of it is in the capture\r\n"


class Selected:
    """``version`` is that of the recorded view which the client sees now."""

    def __init__(
        self, name: str, view: list[Message], version: int, memory: Memory, *, read_only: bool
    ) -> None:
        self.name = name
        self.read_only = read_only
        self._memory = memory
        self._flags: dict[Facts, Flags] = {}
        self._index: list[tuple[int, int]] | None = None  # of the view, until it changes
        self.view = [message for message in view if (name, message.uid) not in memory.expunged]
        self.version = version if len(self.view) == len(view) else CHANGED
        for message in self.view:
            changed = memory.flags.get((name, message.uid))
            if changed is not None and message.uid:
                self._flags[message.facts] = changed

    def flags(self, message: Message) -> Flags | None:
        """The message's flags, None when nobody knows them."""
        known = self._flags.get(message.facts)
        return known if known is not None else initial_flags(message.facts)

    # -- what the capture did -------------------------------------------------------------

    def fits(self, before: int, effects: list[Effect]) -> bool:
        """Would a recorded answer be true now?"""
        if before != self.version or not self._removes_what_is_marked(effects):
            return False
        return all(
            self.flags(effect.message) in (None, effect.before)
            for effect in effects
            if isinstance(effect, Flagged) and effect.message.facts in self._flags
        )

    def _removes_what_is_marked(self, effects: list[Effect]) -> bool:
        """Of messages whose flags nobody has told, the server knows best."""
        gone: set[Facts] = set()
        view = self.view
        for effect in effects:
            if isinstance(effect, Gone):
                left = _without(view, effect)
                gone |= {message.facts for message in view} - {message.facts for message in left}
                view = left
        if not gone:
            return True
        marked = {message.facts for message in self.view if _DELETED in (self.flags(message) or ())}
        told = {message.facts for message in self.view if self.flags(message) is not None}
        return marked <= gone and gone & told <= marked

    def follow(self, effects: list[Effect], after: int) -> None:
        """A recorded answer was played."""
        for effect in effects:
            match effect:
                case Arrived(messages):
                    self.view += messages
                case Gone():
                    self.view = _without(self.view, effect)
                case Flagged(message, _, flags):
                    self._flags[message.facts] = flags
        self.version = after
        self._index = None

    # -- what it did not ------------------------------------------------------------------

    def _by_uid(self) -> list[tuple[int, int]]:
        """UIDs with their message numbers, in order."""
        if self._index is None:
            self._index = sorted((each.uid, number) for number, each in enumerate(self.view, 1) if each.uid)
        return self._index

    def _largest_uid(self) -> int:
        index = self._by_uid()
        return index[-1][0] if index else 0

    def _picked(self, numbers: bytes, by_uid: bool) -> list[tuple[int, Message]]:
        """Raises ValueError: this is no set, or no message has that number."""
        if not by_uid:
            found = ranges(numbers, len(self.view))
            if any(high > len(self.view) or not low for low, high in found):
                raise ValueError("no message has that number")
            return [(number, self.view[number - 1]) for low, high in found for number in range(low, high + 1)]
        index = self._by_uid()
        picked = [
            number
            for low, high in ranges(numbers, self._largest_uid())
            for _, number in index[bisect_left(index, (low, 0)) : bisect_left(index, (high + 1, 0))]
        ]
        return [(number, self.view[number - 1]) for number in sorted(picked)]

    def fetch(self, args: bytes, by_uid: bool) -> tuple[list[Piece], bytes]:
        """Untagged responses, and the end of the tagged one. Raises ValueError."""
        match = _SET.fullmatch(args)
        if match is None:
            raise ValueError("a set and items are expected")
        items = wanted(match[2])
        if by_uid and not any(item.item == b"UID" for item in items):
            items.insert(0, Wanted(b"UID", b"UID", True))
        said: list[Piece] = []
        whole = True
        for number, message in self._picked(match[1], by_uid):
            response = self._response(number, message, items)
            whole = whole and response is not None
            said += response or []
        return said, b"OK done\r\n" if whole else NOT_ALL

    def _response(self, number: int, message: Message, items: list[Wanted]) -> list[Piece] | None:
        said: list[Piece] = [b"* %d FETCH (" % number]
        flags = self.flags(message)
        reads = not self.read_only and any(not item.peeks for item in items)
        if reads and flags is not None and _SEEN not in flags:
            self._set(message, flags | {_SEEN})
            if not any(item.item == b"FLAGS" for item in items):
                items = [*items, Wanted(b"FLAGS", b"FLAGS", True)]
        for position, item in enumerate(items):
            value = self._item(message, item)
            if value is None:
                return None
            said += [(b" " if position else b"") + item.name + b" ", *value]
        return [*said, b")\r\n"]

    def _item(self, message: Message, item: Wanted) -> list[Piece] | None:
        if item.item == b"UID":
            return [b"%d" % message.uid] if message.uid else None
        if item.item == b"FLAGS":
            flags = self.flags(message)
            return None if flags is None else [b"(" + b" ".join(sorted(flags)) + b")"]
        value = made(message.facts.items, item)
        return None if value is None else list(value.sent)

    def _set(self, message: Message, flags: Flags) -> None:
        self._flags[message.facts] = flags
        if message.uid:
            self._memory.flags[self.name, message.uid] = flags

    def store(self, args: bytes, by_uid: bool) -> list[Piece]:
        """Changes flags in memory. Raises ValueError."""
        change = change_of(args)
        said: list[Piece] = []
        for number, message in self._picked(change.numbers, by_uid):
            new = change.of(self.flags(message) or frozenset())
            self._set(message, new)
            if not change.silent:
                uid = b"UID %d " % message.uid if by_uid else b""
                said.append(b"* %d FETCH (%bFLAGS (%b))\r\n" % (number, uid, b" ".join(sorted(new))))
        return said

    def expunge(self, uids: bytes | None = None) -> list[Piece]:
        """Removes what is marked in memory, of these UIDs only if some are named. Raises ValueError."""
        chosen = None if uids is None else ranges(uids, self._largest_uid())
        gone = [
            (number, message)
            for number, message in enumerate(self.view, 1)
            if _DELETED in (self.flags(message) or ()) and (chosen is None or within(message.uid, chosen))
        ]
        return self.remove(gone)

    def remove(self, gone: list[tuple[int, Message]]) -> list[Piece]:
        """Takes messages out of the mailbox; from the last on, so that the numbers stay right."""
        said: list[Piece] = []
        for number, message in reversed(gone):
            del self.view[number - 1]
            if message.uid:
                self._memory.expunged.add((self.name, message.uid))
            said.append(b"* %d EXPUNGE\r\n" % number)
        if gone:
            self.version = CHANGED
            self._index = None
        return said

    def moved(self, args: bytes, by_uid: bool) -> list[Piece]:
        """MOVE: they are gone from here. Raises ValueError."""
        return self.remove(self._picked(args.partition(b" ")[0], by_uid))

    def search(self, args: bytes, by_uid: bool, tag: bytes) -> bytes:
        """The untagged answer. Raises ValueError, and NotKnown when only the messages' texts could tell."""
        extended = _RETURN.match(args)
        said = words(extended[2] if extended else args)
        key = search(said, len(self.view), self._largest_uid())
        found: list[int] = []
        for number, message in enumerate(self.view, 1):
            if key(Candidate(number, message.uid, self.flags(message))):
                if by_uid and not message.uid:
                    raise NotKnown
                found.append(message.uid if by_uid else number)
        if extended is None:
            return b"* SEARCH" + b"".join(b" %d" % number for number in found) + b"\r\n"
        return _extended(found, extended[1].upper().split() or [b"ALL"], by_uid, tag)


def _without(view: list[Message], gone: Gone) -> list[Message]:
    if gone.number:
        return view[: gone.number - 1] + view[gone.number :]
    return [message for message in view if not within(message.uid, gone.uids)]


def _extended(found: list[int], asked: list[bytes], by_uid: bool, tag: bytes) -> bytes:
    """RFC 4731 §3.1."""
    answer = b'* ESEARCH (TAG "' + tag + b'")' + (b" UID" if by_uid else b"")
    if b"COUNT" in asked:
        answer += b" COUNT %d" % len(found)
    if found:
        if b"MIN" in asked:
            answer += b" MIN %d" % min(found)
        if b"MAX" in asked:
            answer += b" MAX %d" % max(found)
        if b"ALL" in asked:
            answer += b" ALL " + written(found)
    return answer + b"\r\n"

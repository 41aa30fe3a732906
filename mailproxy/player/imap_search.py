"""The keys of SEARCH that can be answered from flags and numbers alone (RFC 9051 §6.4.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailproxy.player.imap_words import ranges
from mailproxy.player.imap_world import Flags, within

_FLAGS = frozenset({b"SEEN", b"DELETED", b"FLAGGED", b"ANSWERED", b"DRAFT", b"RECENT"})
_DEPTH = 16


class NotKnown(Exception):
    """The capture does not say it."""


class Candidate:
    """A message as SEARCH sees it; ``flags`` are None when the capture does not tell them."""

    __slots__ = ("_flags", "number", "uid")

    def __init__(self, number: int, uid: int, flags: Flags | None) -> None:
        self.number = number
        self.uid = uid
        self._flags = flags

    @property
    def flags(self) -> frozenset[bytes]:
        """In capitals. Raises NotKnown."""
        if self._flags is None:
            raise NotKnown
        return frozenset(flag.upper() for flag in self._flags)


Key = Callable[[Candidate], bool]


def search(said: Sequence[bytes], largest: int, largest_uid: int) -> Key:
    """What the words ask for.

    Raises:
        NotKnown: only the messages' texts could tell.
        ValueError: these are no search keys.
    """
    words = [word.upper() for word in said]
    if words[:1] == [b"CHARSET"]:
        del words[:2]
    keys = _Keys(words, largest, largest_uid)
    found = keys.all_of(end=b"")
    if not words:
        raise ValueError("a search key is missing")
    return found


class _Keys:
    def __init__(self, words: list[bytes], largest: int, largest_uid: int) -> None:
        self._words = words
        self._at = 0
        self._largest = largest
        self._largest_uid = largest_uid
        self._depth = 0

    def all_of(self, end: bytes) -> Key:
        keys: list[Key] = []
        while self._at < len(self._words) and self._words[self._at] != end:
            keys.append(self._key())
        return lambda message: all(key(message) for key in keys)

    def _next(self) -> bytes:
        if self._at >= len(self._words):
            raise ValueError("a search key lacks its argument")
        self._at += 1
        return self._words[self._at - 1]

    def _key(self) -> Key:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ValueError("search keys are nested too deep")
        try:
            return self._one(self._next())
        finally:
            self._depth -= 1

    def _one(self, word: bytes) -> Key:
        if word == b"(":
            inner = self.all_of(end=b")")
            self._next()
            return inner
        if word == b"ALL":
            return lambda message: True
        if word == b"NOT":
            key = self._key()
            return lambda message: not key(message)
        if word == b"OR":
            one, other = self._key(), self._key()
            return lambda message: one(message) or other(message)
        if word == b"UID":
            uids = ranges(self._next(), self._largest_uid)
            return lambda message: within(message.uid, uids)
        if word in (b"KEYWORD", b"UNKEYWORD"):
            flag, wanted = self._next(), word == b"KEYWORD"
            return lambda message: (flag in message.flags) is wanted
        if word in (b"NEW", b"OLD"):
            raise NotKnown
        if word in _FLAGS:
            return lambda message: b"\\" + word in message.flags
        if word.removeprefix(b"UN") in _FLAGS:
            return lambda message: b"\\" + word[2:] not in message.flags
        if word[:1].isdigit() or word[:1] == b"*":
            numbers = ranges(word, self._largest)
            return lambda message: within(message.number, numbers)
        raise NotKnown

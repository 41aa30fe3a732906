"""The keys of SEARCH (RFC 9051 §6.4.4) that mail programs send, for the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailproxy.demo.imap_parts import header_of
from mailproxy.demo.imap_words import Malformed, Word, atom, ranges, text
from mailproxy.demo.mailbox import Message

Numbered = tuple[int, Message]
_Key = Callable[[int, Message], bool]
_FLAGS = ("SEEN", "DELETED", "FLAGGED", "ANSWERED", "DRAFT")


def search(words: Sequence[Word], view: Sequence[Numbered]) -> list[Numbered]:
    """The messages that all keys hold for. Raises :class:`Malformed` for an unknown key."""
    left = list(words)
    if left and not isinstance(left[0], list) and atom(left[0]) == "CHARSET":
        del left[:2]
    keys = []
    while left:
        keys.append(_key(left, view))
    return [(number, message) for number, message in view if all(key(number, message) for key in keys)]


def _key(left: list[Word], view: Sequence[Numbered]) -> _Key:
    if not left:
        raise Malformed("a search key is missing")
    word = left.pop(0)
    if isinstance(word, list):
        inner = search(word, view)
        return lambda number, message: (number, message) in inner
    name = atom(word)
    match name:
        case "ALL":
            return lambda number, message: True
        case "NOT":
            key = _key(left, view)
            return lambda number, message: not key(number, message)
        case "OR":
            one, other = _key(left, view), _key(left, view)
            return lambda number, message: one(number, message) or other(number, message)
        case "UID":
            uids = ranges(_argument(left), max((message.uid for _, message in view), default=0))
            return lambda number, message: any(message.uid in part for part in uids)
        case "FROM" | "TO" | "CC" | "SUBJECT":
            return _holds(name, text(_argument(left)))
        case "HEADER":
            return _holds(text(_argument(left)), text(_argument(left)))
    if name in _FLAGS:
        return lambda number, message: f"\\{name.capitalize()}" in message.flags
    if name.removeprefix("UN") in _FLAGS:
        return lambda number, message: f"\\{name[2:].capitalize()}" not in message.flags
    if not (name[0].isdigit() or name[0] == "*"):
        raise Malformed(f"the search key {name} is not known here")
    numbers = ranges(word, len(view))
    return lambda number, message: any(number in part for part in numbers)


def _argument(left: list[Word]) -> Word:
    if not left:
        raise Malformed("a search key lacks its argument")
    return left.pop(0)


def _holds(field: str, wanted: str) -> _Key:
    def key(number: int, message: Message) -> bool:
        values = header_of(message.octets).get_all(field, [])
        return any(wanted.lower() in str(value).lower() for value in values)

    return key

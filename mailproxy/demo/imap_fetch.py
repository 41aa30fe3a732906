"""The data items of FETCH (RFC 9051 §6.4.5) for the embedded server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from mailproxy.demo.imap_parts import envelope, section, structure
from mailproxy.demo.imap_words import Malformed, Word, atom, text
from mailproxy.demo.mailbox import Message

_BODY = re.compile(r"BODY(?P<peek>\.PEEK)?\[(?P<section>.*)\](?:<(?P<start>\d+)\.(?P<count>\d+)>)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MACROS = {
    "FAST": ["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
    "ALL": ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
    "FULL": ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"],
}
_OLD_NAMES = {"RFC822": "BODY[]", "RFC822.HEADER": "BODY.PEEK[HEADER]", "RFC822.TEXT": "BODY[TEXT]"}


def items(word: Word) -> list[str]:
    """The names of the items asked for, macros resolved. Raises :class:`Malformed`."""
    if isinstance(word, list):
        return [text(each) for each in word]
    return _MACROS.get(atom(word), [text(word)])


def marks_seen(names: Iterable[str]) -> bool:
    """Does this FETCH set \\Seen (a body asked for without PEEK)?"""
    real = (_OLD_NAMES.get(name.upper(), name.upper()) for name in names)
    return any(name.startswith("BODY[") for name in real)


def response(number: int, message: Message, names: Iterable[str]) -> bytes:
    """One untagged FETCH. Raises :class:`Malformed` for an item that does not exist."""
    return b"* %d FETCH (%s)\r\n" % (number, b" ".join(_item(message, name) for name in names))


def _item(message: Message, name: str) -> bytes:
    upper = name.upper()
    match upper:
        case "FLAGS":
            return b"FLAGS " + flags(message)
        case "UID":
            return b"UID %d" % message.uid
        case "RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(message.octets)
        case "INTERNALDATE":
            return b'INTERNALDATE "%s"' % date(message.arrived)
        case "ENVELOPE":
            return b"ENVELOPE " + envelope(message.octets)
        case "BODY" | "BODYSTRUCTURE":
            return upper.encode() + b" " + structure(message.octets)
        case _:
            return _body(message.octets, upper)


def _body(octets: bytes, name: str) -> bytes:
    found = _BODY.fullmatch(_OLD_NAMES.get(name, name))
    if found is None:
        raise Malformed(f"the item {name} does not exist")
    answered = name if name in _OLD_NAMES else f"BODY[{found['section']}]"
    data = section(octets, found["section"])
    if data is None:
        return answered.encode() + b" NIL"
    if found["start"] is not None:
        start, count = int(found["start"]), int(found["count"])
        data, answered = data[start : start + count], f"{answered}<{start}>"
    return b"%s {%d}\r\n%s" % (answered.encode(), len(data), data)


def flags(message: Message) -> bytes:
    """The flags as a list."""
    return b"(%s)" % " ".join(sorted(message.flags)).encode()


def date(moment: datetime) -> bytes:
    """The date-time of RFC 9051 §9, in English whatever the locale."""
    return f"{moment:%d}-{_MONTHS[moment.month - 1]}-{moment:%Y %H:%M:%S %z}".encode()


def moment(written: str) -> datetime:
    """The reverse of :func:`date`. Raises :class:`Malformed`."""
    try:
        day, month, rest = written.strip().split("-", 2)
        return datetime.strptime(f"{day} {_MONTHS.index(month) + 1} {rest}", "%d %m %Y %H:%M:%S %z")
    except ValueError as error:
        raise Malformed("not a date and time such as 07-Feb-2026 21:52:25 +0900") from error

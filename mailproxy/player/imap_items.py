"""The items of FETCH: read out of responses, and made out of others (RFC 9051 §6.4.5, §7.5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailproxy.player.imap_responses import Response
from mailproxy.player.pieces import Piece, Span, chunks_of, cut, joined, length_of

_HEAD = re.compile(rb"\* [0-9]{1,10} FETCH \(", re.I)
_NAME = re.compile(rb"[A-Za-z0-9.\-]+(?:\[(?:[^\]\"]|\"[^\"]*\")*\])?(?:<[0-9.]+>)?")
_PART = re.compile(rb'"(?:[^"\\]|\\.)*"|(?P<literal>~?\{[0-9]{1,18}\}\r\n)|[()]| |[^ ()"{]+|\{', re.S)
_ASKED = re.compile(rb"([A-Z0-9.\-]+(?:\[[^\]]*\])?)(?:<([0-9]{1,10})\.([0-9]{1,10})>)?")
_FIELDS = re.compile(rb"BODY\[HEADER\.FIELDS(\.NOT)? \(([^)]*)\)\]")
_FIELD = re.compile(rb"[^\r\n:]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_HEADER_OCTETS = 1 << 20
_OLD = {b"RFC822": b"BODY[]", b"RFC822.HEADER": b"BODY[HEADER]", b"RFC822.TEXT": b"BODY[TEXT]"}
_MACROS = {
    b"FAST": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"],
    b"ALL": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"],
    b"FULL": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"],
}


@dataclass(frozen=True, slots=True)
class Value:
    """The value of one item: its octets as sent, and, of a string, the octets it stands for."""

    sent: tuple[Piece, ...]
    octets: Piece | None = None

    @classmethod
    def of(cls, octets: Piece) -> Value:
        """A string, as a literal."""
        return cls((b"{%d}\r\n" % length_of(octets), octets), octets)


Items = dict[bytes, Value]


def canonical(name: bytes) -> bytes:
    """One name for all writings of an item: capitals, no quotes, no PEEK, RFC 9051's for RFC 1730's."""
    name = name.upper().replace(b'"', b"").replace(b"BODY.PEEK[", b"BODY[")
    return _OLD.get(name, name)


def fetched(response: Response) -> Items:
    """The items of a FETCH response; those that can be read, and none of another response."""
    head = _HEAD.match(response.text)
    items: Items = {}
    if head is None:
        return items
    at, literal = head.end(), 0
    while name := _NAME.match(response.text, at):
        at = name.end()
        if response.text[at : at + 1] != b" ":
            break
        value, at, literal = _value(response, at + 1, literal)
        items[canonical(name[0])] = value
        if response.text[at : at + 1] != b" ":
            break
        at += 1
    return items


def _value(response: Response, at: int, literal: int) -> tuple[Value, int, int]:
    start, depth, first = at, 0, at
    sent: list[Piece] = []
    octets: Piece | None = None
    while part := _PART.match(response.text, at):
        if depth == 0 and (part[0] in (b" ", b")") or at != first):
            break
        at = part.end()
        depth += {b"(": 1, b")": -1}.get(part[0], 0)
        if part["literal"] is not None and literal < len(response.literals):
            octets = response.literals[literal]
            sent += [response.text[start:at], octets]
            literal, start = literal + 1, at
        if depth == 0:
            break
    if start < at:
        sent.append(response.text[start:at])
    whole = response.text[first:at]
    if whole[:1] == b'"':
        octets = re.sub(rb"\\(.)", rb"\1", whole[1:-1])
    elif whole.upper() == b"NIL":
        octets = b""
    return Value(tuple(sent), octets if whole[:1] != b"(" else None), at, literal


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item that a client asks for. ``start`` and ``count`` are those of a partial one."""

    name: bytes  # as the answer has to call it
    item: bytes  # canonical
    peeks: bool
    start: int | None = None
    count: int = 0


def wanted(said: bytes) -> list[Wanted]:
    """What a FETCH asks for, out of the words behind its set.

    Raises:
        ValueError: it asks for nothing, or in a way that is not known.
    """
    text = said.strip().upper().replace(b'"', b"")
    if text.startswith(b"("):
        end = _closing(text)
        text = text[1:end]  # what follows are modifiers (RFC 4466 §2.4), which only leave out
    else:
        text = text.partition(b" (")[0] if b"[" not in text else text
    names = _MACROS.get(text.strip())
    if names is not None:
        return [Wanted(name, name, True) for name in names]
    found: list[Wanted] = []
    at = 0
    while at < len(text):
        match = _ASKED.match(text, at)
        if match is None:
            raise ValueError("these items are not known")
        name, peeks = match[1], match[1].startswith(b"BODY.PEEK[")
        shown = name.replace(b"BODY.PEEK[", b"BODY[")
        start, count = (int(match[2]), int(match[3])) if match[2] else (None, 0)
        if start is not None:
            shown += b"<%d>" % start
        reads = shown.startswith((b"BODY[", b"RFC822")) and name not in (b"RFC822.SIZE", b"RFC822.HEADER")
        found.append(Wanted(shown, canonical(name), peeks or not reads, start, count))
        at = match.end()
        while text[at : at + 1] == b" ":
            at += 1
    if not found:
        raise ValueError("no items are named")
    return found


def _closing(text: bytes) -> int:
    depth = 0
    for at, octet in enumerate(text):
        depth += {40: 1, 41: -1}.get(octet, 0)
        if depth == 0:
            return at
    raise ValueError("a list is not closed")


def made(items: Items, item: Wanted) -> Value | None:
    """The item's value, out of what is known of the message; None when that does not say it."""
    if item.start is not None:
        same = items.get(item.item + b"<%d>" % item.start)
        if same is not None and same.octets is not None and length_of(same.octets) == item.count:
            return same
        whole = _string(items, item.item)
        return None if whole is None else Value.of(cut(whole, item.start, item.count))
    known = items.get(item.item)
    if known is not None:
        return known
    if item.item == b"RFC822.SIZE":
        whole = _string(items, b"BODY[]")
        return None if whole is None else Value((b"%d" % length_of(whole),))
    octets = _string(items, item.item)
    return None if octets is None else Value.of(octets)


def _string(items: Items, name: bytes) -> Piece | None:
    """The octets of a section."""
    known = items.get(name)
    if known is not None and known.octets is not None:
        return known.octets
    if name == b"BODY[]":
        return _from_parts(items)
    fields = _FIELDS.fullmatch(name)
    if name not in (b"BODY[HEADER]", b"BODY[TEXT]") and fields is None:
        return None
    whole = _string(items, b"BODY[]")
    if name == b"BODY[TEXT]":
        if whole is None:
            return None
        header = len(_header(whole))
        return cut(whole, header, length_of(whole) - header)
    told = items.get(b"BODY[HEADER]")
    if told is not None and told.octets is not None:
        header_octets = joined([told.octets])
    elif whole is not None:
        header_octets = _header(whole)
    else:
        return None
    if fields is None:
        return header_octets
    names = {each.lower() for each in fields[2].split()}
    lines = [line for line in _FIELD.findall(header_octets) if (_named(line) in names) is not bool(fields[1])]
    return b"".join(lines) + b"\r\n"


def _named(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _header(whole: Piece) -> bytes:
    """The header with the empty line behind it."""
    octets = b""
    for chunk in chunks_of(whole):
        octets += chunk
        end = octets.find(b"\r\n\r\n") + 4
        if octets[:2] == b"\r\n":
            return octets[:2]
        if end > 3:
            return octets[:end]
        if len(octets) > _HEADER_OCTETS:
            break
    return octets


def _from_parts(items: Items) -> Piece | None:
    """The message out of header and text, or out of partial fetches that leave nothing out."""
    header, text = items.get(b"BODY[HEADER]"), items.get(b"BODY[TEXT]")
    if header and text and header.octets is not None and text.octets is not None:
        return Span([(part, 0, length_of(part)) for part in (header.octets, text.octets)])
    size = items.get(b"RFC822.SIZE")
    parts = dict(_partial(items))
    if size is None or not parts:
        return None
    found: list[tuple[Piece, int, int]] = []
    at = 0
    while at in parts and length_of(parts[at]):
        found.append((parts[at], 0, length_of(parts[at])))
        at += length_of(parts[at])
    return Span(found) if b"%d" % at == joined(size.sent) else None


def _partial(items: Items) -> Iterator[tuple[int, Piece]]:
    for name, value in items.items():
        if name.startswith(b"BODY[]<") and value.octets is not None:
            yield int(name[7:-1]), value.octets

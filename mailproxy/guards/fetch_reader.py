"""Reads FETCH responses as they arrive (RFC 9051 §7.5.2; UIDFETCH: RFC 9586 §3.5).

The octets of ``BODY[]`` are handed on and never held. Of other literals only the length is read. Items
may stand in any order. What is not such a response is a :attr:`FetchReader.flaw`, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BODY = b"BODY[]"
_TEXT_OCTETS = 256 * 1024  # of one response, without its literals
_HEAD = re.compile(rb"\* ([0-9]{1,10}) (UID)?FETCH \(", re.IGNORECASE)
_LITERAL = re.compile(rb"~?\{([0-9]{1,18})\}\r\n\Z")
_OF_BODY = re.compile(rb"[ (]BODY\[\] ~?\{[0-9]{1,18}\}\r\n\Z", re.IGNORECASE)
_NAME = re.compile(rb"[A-Za-z0-9.\-]+(?:\[[^\]\r\n]*\])?(?:<[0-9]+>)?")
_PART = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"|[()]|[^ ()"\r\n]+| ')
_ESCAPED = re.compile(rb"\\(.)")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One response: its items with upper-case names and their octets as sent; a literal is empty quotes."""

    uid: int
    items: dict[bytes, bytes]


def has_item(name: bytes) -> Callable[[bytes], bool]:
    """Chooses the FETCH responses that bring this item, by their first line."""
    pattern = re.compile(
        rb"\* [0-9]+ (?:UID)?FETCH \((?:[^\r\n]* )?" + re.escape(name) + rb" ", re.IGNORECASE
    )
    return lambda line: pattern.match(line) is not None


def unquoted(value: bytes) -> bytes:
    """What stands between the quotes; the value itself when there are none."""
    return _ESCAPED.sub(rb"\1", value[1:-1]) if value[:1] == b'"' else value


class FetchReader:
    """Takes responses one after the other, cut anywhere; :meth:`feed` never raises.

    ``responses`` are those that are whole, ``bodies`` counts the texts that went to ``body``,
    ``octets`` those of the last one. ``flaw`` says what was wrong, and is empty when nothing was.
    """

    def __init__(self, body: Callable[[bytes], None] = lambda data: None) -> None:
        self.responses: list[Fetched] = []
        self.bodies = 0
        self.octets = 0
        self.flaw = ""
        self._body = body
        self._rest = bytearray()  # an unfinished line
        self._text = bytearray()  # of the response, its literals replaced
        self._left = 0  # octets of a literal still to come
        self._is_body = False

    @property
    def whole(self) -> bool:
        """Nothing was wrong, and no response is unfinished."""
        return not (self.flaw or self._rest or self._text or self._left)

    def feed(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.flaw:
            view = self._literal(view) if self._left else self._line(view)

    def _literal(self, view: memoryview) -> memoryview:
        piece = view[: self._left]
        self._left -= len(piece)
        if self._is_body:
            self._body(bytes(piece))
        return view[len(piece) :]

    def _line(self, view: memoryview) -> memoryview:
        data = bytes(view)
        end = data.find(b"\n") + 1 or len(data)
        self._rest += data[:end]
        if len(self._rest) + len(self._text) > _TEXT_OCTETS:
            self.flaw = "a FETCH response that is too long"
        elif self._rest.endswith(b"\n"):
            line = bytes(self._rest)
            self._rest.clear()
            self._take(line)
        return view[end:]

    def _take(self, line: bytes) -> None:
        match = _LITERAL.search(line)
        if match is None:
            self._text += line
            response, self._text = bytes(self._text), bytearray()
            self._read(response)
            return
        self._is_body = _OF_BODY.search(self._text[-16:] + line) is not None
        self._left = int(match[1])
        self._text += line[: match.start()] + b'""'
        if self._is_body:
            self.bodies += 1
            self.octets = self._left

    def _read(self, response: bytes) -> None:
        head = _HEAD.match(response)
        if head is None or not response.endswith(b")\r\n"):
            self.flaw = "a FETCH response that cannot be read"
            return
        items: dict[bytes, bytes] = {}
        try:
            for name, value in _pairs(response[head.end() : -3]):
                items[name] = value
            uid = int(items.get(b"UID", head[1] if head[2] else b"0"))
        except ValueError:
            self.flaw = "a FETCH response that cannot be read"
            return
        if head[2] and uid != int(head[1]):
            self.flaw = "a FETCH response of two messages at once"
            return
        self.responses.append(Fetched(uid, items))


def _pairs(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names with their values. Raises ValueError."""
    at = 0
    while at < len(text):
        name = _NAME.match(text, at)
        if name is None or text[name.end() : name.end() + 1] != b" ":
            raise ValueError("the name of an item is expected")
        end = _value_end(text, name.end() + 1)
        yield name[0].upper(), text[name.end() + 1 : end]
        if end < len(text) and text[end : end + 1] != b" ":
            raise ValueError("a blank is expected")
        at = end + 1


def _value_end(text: bytes, at: int) -> int:
    depth = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part[0] == b" " and not depth):
            break
        depth += {b"(": 1, b")": -1}.get(part[0], 0)
        at = part.end()
        if depth < 0:
            break
        if not depth and text[at : at + 1] in (b"", b" "):
            return at
    raise ValueError("a value is expected")

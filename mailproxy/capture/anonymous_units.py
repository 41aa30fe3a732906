"""What one side said in one go, without names, as it arrives in any pieces.

A unit is a command, a reply or a body. With :meth:`finish` as many octets have come out of it as
went in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from mailproxy.capture.anonymous_imap import ImapLines
from mailproxy.capture.anonymous_message import AnonymousMessage
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_text import crossed_out
from mailproxy.capture.literals import Line, LiteralScanner

_LONGEST = 65_536  # octets of a line that are held
_SHORT_LITERAL = 4096  # octets: the value of an astring; longer ones are no names
_ITEM = re.compile(
    rb"(?:(?:BODY|BINARY)\[([^\]]*)\](?:<([0-9]+)>)?|RFC822(\.HEADER|\.TEXT)?) ~?\{[0-9]+\}\r\n\Z", re.I
)
Replace = Callable[[bytes], bytes]


class Unit(Protocol):
    """Something that was said."""

    def feed(self, data: bytes) -> bytes:
        """Further octets; returns those that are decided."""

    def hole(self, octets: int) -> bytes:
        """Octets are missing; returns those that were held before them."""

    def finish(self) -> bytes:
        """It is over; returns those that were held."""


class Lines:
    """Lines that are replaced one by one."""

    def __init__(self, replace: Replace) -> None:
        self._replace = replace
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        *lines, self._kept = (self._kept + data).split(b"\n")
        made = [self._replace(line + b"\n") for line in lines]
        if len(self._kept) > _LONGEST:
            made.append(self.finish())
        return b"".join(made)

    def hole(self, octets: int) -> bytes:
        kept, self._kept = self._kept, b""
        return crossed_out(kept)

    def finish(self) -> bytes:
        kept, self._kept = self._kept, b""
        return self._replace(kept) if kept else b""


class Crossed:
    """Octets of which only the shape stays."""

    def feed(self, data: bytes) -> bytes:
        return crossed_out(data)

    def hole(self, octets: int) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""


class MessageUnit:
    """A message."""

    def __init__(self, message: AnonymousMessage) -> None:
        self._message = message

    def feed(self, data: bytes) -> bytes:
        return self._message.feed(data)

    def hole(self, octets: int) -> bytes:
        return self._message.hole()

    def finish(self) -> bytes:
        return self._message.finish()


class ImapUnit:
    """An IMAP command or response with its literals. ``text``: a status response, which has none."""

    def __init__(self, names: Names, verb: str, *, server: bool, text: bool = False) -> None:
        self._names = names
        self._lines = ImapLines(names, verb, server=server)
        self._server = server
        self._brings = verb in ("APPEND", "REPLACE", "UID REPLACE")
        self._scanner = LiteralScanner()
        self._scanner.restart(text=text)
        self._first = True
        self._literal: Unit | None = None

    def feed(self, data: bytes) -> bytes:
        made: list[bytes] = []
        for found in self._scanner.feed(data):
            if isinstance(found, Line):
                made.append(self._lines.line(found.text))
                if found.announces is not None:
                    self._literal = self._unit_for(found.text, found.announces)
                self._first = False
            elif self._literal is not None:
                made.append(self._literal.feed(found.data))
                if not found.left:
                    made.append(self._literal.finish())
                    self._literal = None
        return b"".join(made)

    def hole(self, octets: int) -> bytes:
        self._scanner.hole(octets)
        if self._literal is not None:
            return self._literal.hole(octets)
        return b"".join(crossed_out(line.text) for line in self._scanner.restart())

    def finish(self) -> bytes:
        held = self._literal.finish() if self._literal is not None else b""
        self._literal = None
        return held + b"".join(self._lines.line(line.text) for line in self._scanner.restart())

    def _unit_for(self, line: bytes, octets: int) -> Unit:
        if self._lines.fetches:
            item = _ITEM.search(line)
            if item is None:
                return Crossed()
            return MessageUnit(AnonymousMessage(self._names, header=_begins_with_header(*item.groups())))
        if self._brings and not (self._first and _names_mailbox(line)):
            return MessageUnit(AnonymousMessage(self._names))
        return Lines(self._names.text) if octets <= _SHORT_LITERAL else Crossed()


def _names_mailbox(line: bytes) -> bool:
    """Does the command ``a APPEND {5}`` or ``a REPLACE 4 {5}`` name its mailbox by this literal?"""
    words = line.upper().split(b" ")
    before = {b"APPEND": 1, b"REPLACE": 2}
    for at, word in enumerate(words[:3]):
        if word in before:
            return len(words) == at + before[word] + 1
    return False


def _begins_with_header(section: bytes | None, origin: bytes | None, old: bytes | None) -> bool:
    """Is what ``BODY[section]<origin>``, or the older ``RFC822``, brings a header, or begins with one?"""
    if section is None:
        return old is None or old.upper() == b".HEADER"
    section = section.upper()
    return origin in (None, b"0") and (not section or b"HEADER" in section or section.endswith(b"MIME"))

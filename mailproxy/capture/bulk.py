"""What is long in a conversation, as lines: folded, or whole where that is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from mailproxy.capture.dotted import Undotted
from mailproxy.capture.folding import Fold
from mailproxy.capture.literals import Line as LiteralLine
from mailproxy.capture.literals import LiteralOctets, LiteralScanner
from mailproxy.capture.message_count import begins_fetched
from mailproxy.capture.text_lines import TextLines, text_of

MOST_LINES = 12  # of a list that is folded
_BRINGS = frozenset({"APPEND", "REPLACE", "UID REPLACE"})
_HEADER = re.compile(rb"(?:\[HEADER[^\]]*\]|RFC822\.HEADER) ~?\{[0-9]+\}\r?\n\Z", re.I)
_NAMES_MAILBOX = re.compile(rb"\S+ (?:APPEND|(?:UID )?REPLACE \S+) ~?\{[0-9]+\+?\}\r?\n", re.I)
NOTHING: Mapping[str, object] = {}

Piece = tuple[str, str, Mapping[str, object]]
"""The kind of a line (empty: that of its part), its text, and what JSON has beside them."""


class Bulk(Protocol):
    """Octets that follow a command or the head of a reply, in any pieces."""

    def feed(self, data: bytes) -> Sequence[Piece]: ...

    def hole(self, octets: int) -> Iterator[Piece]: ...

    def finish(self) -> Iterator[Piece]: ...


class Exact:
    """Octets that are what they are, up to their end."""

    def __init__(self, what: str, full: bool, *, has_header: bool = True) -> None:
        self._fold = Fold(what, has_header=has_header)
        self._lines = TextLines() if full else None

    def feed(self, data: bytes) -> Sequence[Piece]:
        self._fold.feed(data)
        if self._lines is None:
            return ()
        return [("", text, NOTHING) for text in self._lines.feed(data)]

    def hole(self, octets: int) -> Iterator[Piece]:
        if self._lines is not None:
            for text in self._lines.finish():
                yield "", text, NOTHING
        self._fold.hole(octets)

    def finish(self) -> Iterator[Piece]:
        fold = self._fold
        if self._lines is not None:
            for text in self._lines.finish():
                yield "", text, NOTHING
        more = {
            "octets": fold.octets,
            "missing": fold.missing,
            "subject": fold.subject,
            "sha256": fold.digest,
        }
        yield "message", fold.text(), more


class Stuffed(Exact):
    """A message that ends in a lone dot, shown as it was before dots were doubled."""

    def __init__(self, what: str, full: bool) -> None:
        super().__init__(what, full)
        self._undotted = Undotted()

    def feed(self, data: bytes) -> Sequence[Piece]:
        return super().feed(self._undotted.feed(data))

    def hole(self, octets: int) -> Iterator[Piece]:
        yield from super().feed(self._undotted.hole())
        yield from super().hole(octets)

    def finish(self) -> Iterator[Piece]:
        yield from super().feed(self._undotted.finish())
        yield from super().finish()


class Listed:
    """The lines of a list: the first of them, then how many there are."""

    def __init__(self, full: bool) -> None:
        self._full = full
        self._lines = TextLines()
        self._count = 0

    def feed(self, data: bytes) -> Sequence[Piece]:
        return list(self._some(self._lines.feed(data)))

    def hole(self, octets: int) -> Iterator[Piece]:
        yield from self._some(self._lines.finish())

    def finish(self) -> Iterator[Piece]:
        yield from self._some(self._lines.finish())
        left = self._count - MOST_LINES
        if left > 0 and not self._full:
            yield "message", f"[{left:,} more line{'s' if left > 1 else ''}]", {"lines": left}

    def _some(self, lines: list[str]) -> Iterator[Piece]:
        for text in lines:
            self._count += 1
            if self._full or self._count <= MOST_LINES:
                yield "", text, NOTHING


class Imap:
    """A command or response with its literals (RFC 9051 §4.3). ``text``: it is free text, without any."""

    def __init__(self, verb: str, full: bool, *, text: bool = False) -> None:
        self._brings = verb in _BRINGS
        self._full = full
        self._scanner = LiteralScanner()
        self._scanner.restart(text=text)
        self._literal: Exact | None = None
        self._what = ""

    def feed(self, data: bytes) -> Sequence[Piece]:
        pieces: list[Piece] = []
        for found in self._scanner.feed(data):
            pieces += self._line(found) if isinstance(found, LiteralLine) else self._octets(found)
        return pieces

    def hole(self, octets: int) -> Iterator[Piece]:
        for found in self._scanner.hole(octets):
            if isinstance(found, LiteralOctets):
                yield from self._octets(found)

    def finish(self) -> Iterator[Piece]:
        for line in self._scanner.restart():
            yield from self._line(line)
        if self._literal is not None:
            yield from self._literal.finish()
            self._literal = None

    def _line(self, line: LiteralLine) -> Iterator[Piece]:
        if line.announces is not None:
            self._what = self._announced(line.text)
        text = text_of(line.text.rstrip(b"\r\n"))
        if text:  # behind a literal most often only the line end is left
            yield "", text, NOTHING

    def _announced(self, line: bytes) -> str:
        if begins_fetched(line) or (self._brings and not _NAMES_MAILBOX.fullmatch(line)):
            return "message"
        return "header" if _HEADER.search(line) else "literal"

    def _octets(self, octets: LiteralOctets) -> Iterator[Piece]:
        if self._literal is None:
            self._literal = Exact(self._what, self._full, has_header=self._what != "literal")
        if octets.missing:
            yield from self._literal.hole(octets.missing)
        else:
            yield from self._literal.feed(octets.data)
        if not octets.left:
            yield from self._literal.finish()
            self._literal = None

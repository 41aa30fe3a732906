"""The arguments of IMAP commands as words and lists (RFC 9051 §4), for the embedded server."""

from __future__ import annotations

import re
from collections.abc import Sequence

Word = bytes | list["Word"]

# A section such as BODY[HEADER.FIELDS (FROM TO)]<0.99> is one atom, blanks and brackets included.
_TOKEN = re.compile(rb' |[()]|"(?:[^"\\]|\\["\\])*"|(?:[^ ()"\[]|\[[^\]]*\])+')
_LITERAL = re.compile(rb"~?\{(\d{1,9})(\+?)\}$")


class Malformed(ValueError):
    """The client's command cannot be read; the text says why."""


def literal_at_end(line: bytes) -> tuple[bytes, int, bool] | None:
    """The line without its ``{n}``, n, and whether the client waits for ``+`` (RFC 7888)."""
    found = _LITERAL.search(line)
    if found is None:
        return None
    return line[: found.start()], int(found[1]), not found[2]


def words(segments: Sequence[bytes]) -> list[Word]:
    """Split a command: at even places text, at odd places literals. Raises :class:`Malformed`."""
    stack: list[list[Word]] = [[]]
    for place, segment in enumerate(segments):
        if place % 2:
            stack[-1].append(segment)
            continue
        end = 0
        while end < len(segment):
            found = _TOKEN.match(segment, end)
            if found is None:
                raise Malformed("the quotes or brackets do not match")
            end = found.end()
            _put(stack, found[0])
    if len(stack) != 1:
        raise Malformed("a list is not closed")
    return stack[0]


def _put(stack: list[list[Word]], token: bytes) -> None:
    if token == b"(":
        inner: list[Word] = []
        stack[-1].append(inner)
        stack.append(inner)
    elif token == b")":
        if len(stack) == 1:
            raise Malformed("a list is closed that was not opened")
        stack.pop()
    elif token.startswith(b'"'):
        stack[-1].append(re.sub(rb"\\(.)", rb"\1", token[1:-1]))
    elif token != b" ":
        stack[-1].append(token)


def atom(word: Word) -> str:
    """The word as text in capitals: a verb, an item, a key."""
    return text(word).upper()


def text(word: Word) -> str:
    """The word as text. Raises :class:`Malformed` for a list."""
    if isinstance(word, list):
        raise Malformed("a list where a word belongs")
    return word.decode("utf-8", "backslashreplace")


def ranges(word: Word, largest: int) -> list[range]:
    """A sequence set such as ``1:3,7,9:*`` (RFC 9051 §9, sequence-set)."""
    return [_range(part, largest) for part in text(word).split(",")]


def _range(part: str, largest: int) -> range:
    first, colon, last = part.partition(":")
    ends = [largest if end == "*" else _number(end) for end in (first, last if colon else first)]
    return range(min(ends), max(ends) + 1)


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise Malformed("not a set of message numbers")
    return int(digits)


def quoted(value: str) -> bytes:
    """A string for a reply: quoted, or a literal where quotes cannot hold it."""
    octets = value.encode()
    if any(octet < 32 or octet > 126 for octet in octets):
        return b"{%d}\r\n%s" % (len(octets), octets)
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def nil_or_quoted(value: str | None) -> bytes:
    """The same, and ``NIL`` for None."""
    return b"NIL" if value is None else quoted(value)

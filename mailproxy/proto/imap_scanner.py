"""A strict scanner for the arguments of IMAP commands (RFC 9051 §9).

It reads the octets once, from left to right, and never guesses: one blank is one blank,
a literal has exactly its octets, and what the grammar does not name raises
:class:`~mailproxy.proto.tokens.BadArguments`. Nothing is copied out of a literal unless
its value is asked for, and no set is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailproxy.proto.mutf7 import decode_mutf7
from mailproxy.proto.tokens import BadArguments

DEPTH = 16  # nested parentheses; no command in the RFCs needs more than 8

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPED = re.compile(rb'\\(["\\])')
# \Z: the arguments end at the header, the octets of the literal are still to come.
_LITERAL = re.compile(rb"(~?)\{([0-9]{1,19})\+?\}(?:\r\n|(\Z))")
_ONE = rb"(?:[1-9][0-9]{0,9}|\*)"
_RANGE = _ONE + rb"(?::" + _ONE + rb")?"
_SET = re.compile(rb"\$|" + _RANGE + rb"(?:," + _RANGE + rb")*")
_WORD = re.compile(rb'[^\x00-\x20\x7f-\xff(){"]+')  # any run that is no string and no parenthesis
_START, _BLANK, _OPEN, _VALUE = "start", "blank", "open", "value"  # what stands before an octet
_BALANCED = re.compile(rb'[^"]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"]*)*', re.S)


def closed_quotes(line: bytes) -> bool:
    """Is every double quote of the line closed? A backslash escapes inside quotes only.

    ``line`` is one line, or the part of a command between two literals: a quoted string
    cannot reach over a line end, so ``{5}`` at the end of a line whose quotes are closed
    is a literal, and inside an open one it is text.
    """
    return _BALANCED.fullmatch(line) is not None


class Scanner:
    """Reads ``data`` from ``position`` on; every method takes one token or raises BadArguments.

    ``cut`` is True once a literal was met whose header is there and whose octets are not.
    """

    __slots__ = ("cut", "data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.cut = False

    @property
    def at_end(self) -> bool:
        return self.position == len(self.data)

    def end(self) -> None:
        if not self.at_end:
            raise BadArguments("something stands behind the last argument")

    def next_is(self, octet: bytes) -> bool:
        return self.data.startswith(octet, self.position)

    def space(self) -> None:
        self.octet(b" ", "one blank")

    def octet(self, octet: bytes, what: str) -> None:
        if not self.next_is(octet):
            raise BadArguments(f"{what} expected")
        self.position += 1

    def skip_word(self, word: bytes) -> bool:
        """Pass over ``word`` (upper case) in any case, if it is what follows."""
        end = self.position + len(word)
        if self.data[self.position : end].upper() != word:
            return False
        self.position = end
        return True

    def take(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        match = pattern.match(self.data, self.position)
        if match is None:
            raise BadArguments(f"{what} expected")
        self.position = match.end()
        return match

    def atom(self) -> bytes:
        return self.take(_ATOM, "an atom")[0]

    def sequence(self) -> str:
        """A sequence-set as it was sent, ``$`` included (RFC 9051 §9 ``sequence-set``)."""
        return self.take(_SET, "a set of message numbers")[0].decode("ascii")

    def quoted(self) -> tuple[int, int]:
        """Where the octets between the quotes stand."""
        return self.take(_QUOTED, "a quoted string").span(1)

    def literal(self, *, binary: bool = False, cut: bool = False) -> tuple[int, int]:
        """Where the octets of a literal stand, or would stand.

        ``binary``: literal8 is allowed, and NUL with it. ``cut``: the octets may be missing.
        """
        match = self.take(_LITERAL, "a literal")
        start, size = match.end(), int(match[2])
        if match[1] and not binary:
            raise BadArguments("a literal8 is not allowed here")
        if match[3] is not None or (start == len(self.data) and size):
            if not cut:
                raise BadArguments("the literal is not complete")
            self.cut = True
            return start, start + size
        if start + size > len(self.data):
            raise BadArguments("the literal is not complete")
        if not binary and self.data.find(b"\0", start, start + size) >= 0:
            raise BadArguments("a literal holds NUL")
        self.position = start + size
        return start, start + size

    def astring(self, *, cut: bool = False) -> bytes:
        """The value of an atom, quoted string or literal.

        ``cut``: the octets of a literal may be missing; the value is then empty.
        """
        if self.next_is(b'"'):
            start, end = self.quoted()
            return _ESCAPED.sub(rb"\1", self.data[start:end])
        if self.next_is(b"{"):
            start, end = self.literal(cut=cut)
            return self.data[start:end]
        return self.take(_ASTRING_ATOM, "a string")[0]

    def mailbox(self, *, cut: bool = False) -> str:
        """A mailbox name as text; INBOX is the same in any case (RFC 9051 §5.1)."""
        name = decode_mutf7(self.astring(cut=cut))
        return "INBOX" if name.isascii() and name.upper() == "INBOX" else name

    def flag(self) -> bytes:
        """A flag or keyword; never a string."""
        return self.take(_FLAG, "a flag")[0]

    def items(self, one: Callable[[], str]) -> list[str]:
        """``(a b c)``, ``()`` or, as STORE allows, ``a b c``."""
        if not self.next_is(b"("):
            found = [one()]
            while self.next_is(b" "):
                self.space()
                found.append(one())
            return found
        self.position += 1
        found = []
        while not self.next_is(b")"):
            if found:
                self.space()
            found.append(one())
        self.position += 1
        return found

    def value(self) -> None:
        """Pass over one value: a word, a string, or a list in parentheses."""
        self._pass(single=True)

    def rest(self) -> None:
        """Pass over all that follows, values with one blank between them."""
        self._pass(single=False)

    def _pass(self, *, single: bool) -> None:
        depth = 0
        before = _START
        while not self.at_end:
            octet = self.data[self.position : self.position + 1]
            if octet == b" ":
                if before is not _VALUE:
                    raise BadArguments("one blank expected")
                if single and not depth:
                    return
                self.position += 1
                before = _BLANK
            elif octet == b")":
                if not depth or before is _BLANK:
                    raise BadArguments("a parenthesis that closes nothing")
                depth -= 1
                self.position += 1
                before = _VALUE
            elif before is _VALUE and octet != b"]":  # BODY[HEADER.FIELDS (A B)]<0.5>
                raise BadArguments("one blank expected")
            elif octet == b"(":
                depth += 1
                if depth > DEPTH:
                    raise BadArguments("parentheses are nested too deep")
                self.position += 1
                before = _OPEN
            else:
                self._plain(octet)
                before = _VALUE
        if depth:
            raise BadArguments("a parenthesis is not closed")
        if before is not _VALUE:
            raise BadArguments("a value expected")

    def _plain(self, octet: bytes) -> None:
        if octet == b'"':
            self.quoted()
        elif octet in (b"{", b"~") and _LITERAL.match(self.data, self.position):
            self.literal(binary=octet == b"~")
        else:
            self.take(_WORD, "a value")

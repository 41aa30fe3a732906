"""A second reader of what a guarding listener sent upstream: simple, strict, and written apart.

It shares nothing with the dialects but the RFCs. It stands where the server
stands and looks at the two complete streams when all is over, so it needs no
states for octets that have not come. :func:`commands_in` says which commands a
server has read; octets that a server might read in another way are a
:class:`Doubt`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"[^\r\n\0]*\r\n")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
_LONE_DOT = re.compile(rb"(?:^|[\r\n\0])\.(?=[\r\n\0])")
_LITERAL = re.compile(rb"~?\{([0-9]+)(\+?)\}\r\n$")
_SMTP_REPLY = re.compile(rb"(?:[0-9]{3}-[^\n]*\n)*([0-9]{3})(?:[ \r][^\n]*)?\n")
_BDAT = re.compile(rb"BDAT ([0-9]+)(?: LAST)?\r\n$", re.IGNORECASE)
_TAGGED = re.compile(rb"([^\s*+]+) (OK|NO|BAD)\b", re.IGNORECASE)
_UID = {b"FETCH", b"STORE", b"COPY", b"MOVE", b"SEARCH", b"EXPUNGE", b"SORT", b"THREAD", b"REPLACE"}
_POP3_LISTS = re.compile(
    rb"(?:CAPA|RETR [0-9]+|TOP [0-9]+ [0-9]+|(?:LIST|UIDL|LANG|AUTH))\r\n$", re.IGNORECASE
)


class Doubt(AssertionError):
    """Two servers could read these octets in two ways."""


def commands_in(protocol: str, to_server: bytes, from_server: bytes, *, cut_off: bool = False) -> list[str]:
    """The verbs of the commands, in order and in upper case (``UID STORE`` is one).

    ``cut_off`` says that the proxy broke the server's leg off, so that the last
    command or message may be incomplete and end in a doubt.

    Raises:
        Doubt: the octets to the server can be read in two ways.
    """
    reader = {"pop3": _pop3, "smtp": _smtp, "imap": _imap}[protocol]
    octets = _Octets(bytes(to_server), cut_off)
    verbs = reader(octets, bytes(from_server))
    return [verb.upper().decode("ascii", "replace") for verb in verbs]


@dataclass(slots=True)
class _Octets:
    """The octets to the server, and how far they are read."""

    data: bytes
    cut_off: bool
    at: int = 0

    def line(self) -> bytes:
        """The next line; empty at the end.

        Raises:
            Doubt: it has no proper end, or an octet that no line may have.
        """
        if self.at == len(self.data):
            return b""
        match = _LINE.match(self.data, self.at)
        if match:
            self.at = match.end()
            return match[0]
        rest = self.data[self.at :]
        if self.cut_off and not _BARE.search(rest.rstrip(b"\r")):
            self.at = len(self.data)
            return b""
        raise Doubt(f"not a line: {rest[:80]!r}")

    def counted(self, size: int) -> None:
        self.at = min(self.at + size, len(self.data))

    def message(self) -> None:
        """Up to and with the line that is a dot (RFC 5321 §4.1.1.4)."""
        end = 3 if self.data.startswith(b".\r\n", self.at) else 0
        if not end:
            found = self.data.find(b"\r\n.\r\n", self.at)
            end = found + 5 - self.at if found >= 0 else len(self.data) - self.at
        body = self.data[self.at : self.at + end]
        self.at += end
        closed = body == b".\r\n" or body.endswith(b"\r\n.\r\n")
        if _LONE_DOT.search(body[:-3] if closed else body) and not (
            self.cut_off and self.at == len(self.data)
        ):
            raise Doubt(f"a dot that may end the message: {body[-80:]!r}")


def _pop3(octets: _Octets, answers: bytes) -> list[bytes]:
    verbs = []
    at = answers.find(b"\n") + 1  # behind the greeting
    while line := octets.line():
        verb = line.split()[0].upper()
        verbs.append(verb)
        end = answers.find(b"\n", at) + 1 or len(answers)
        while verb == b"AUTH" and answers.startswith(b"+", at) and not answers.startswith(b"+OK", at):
            octets.line()
            at = end
            end = answers.find(b"\n", at) + 1 or len(answers)
        if answers[at : at + 3].upper() == b"+OK" and _POP3_LISTS.match(line):
            found = answers.find(b"\r\n.\r\n", end - 2)
            end = found + 5 if found >= 0 else len(answers)
        at = end
    return verbs


def _smtp(octets: _Octets, answers: bytes) -> list[bytes]:
    codes = [match[1] for match in _SMTP_REPLY.finditer(answers)]
    codes.reverse()
    verbs: list[bytes] = []
    if codes:
        codes.pop()  # the greeting
    while line := octets.line():
        verb = line.split()[0].upper() if line.split() else b""
        verbs.append(verb)
        if verb == b"BDAT":
            if not (chunk := _BDAT.match(line)):
                raise Doubt(f"does a chunk follow? {line!r}")
            octets.counted(int(chunk[1]))
        code = codes.pop() if codes else b""
        while verb == b"AUTH" and code == b"334":
            octets.line()
            code = codes.pop() if codes else b""
        if verb == b"DATA" and code == b"354":
            octets.message()
            code = codes.pop() if codes else b""
    return verbs


def _imap(octets: _Octets, answers: bytes) -> list[bytes]:
    words = _imap_words(answers)
    verbs = []
    while line := octets.line():
        tag, _, rest = line.partition(b" ")
        parts = rest.split()
        verb = parts[0].upper() if parts else b""
        if verb == b"UID" and len(parts) > 1 and parts[1].upper() in _UID:
            verb += b" " + parts[1].upper()
        verbs.append(verb)
        while literal := _LITERAL.search(line):
            if not literal[2] and not _asked(words, tag):
                break
            octets.counted(int(literal[1]))
            line = octets.line()
            if line and line[:1] not in b" )\r":
                raise Doubt(f"behind a literal stands {line[:40]!r}")
        if verb in (b"AUTHENTICATE", b"IDLE"):
            while _asked(words, tag):
                octets.line()
        if tag in words:
            words.remove(tag)  # its own final word: a later command may have the same tag
    return verbs


def _asked(words: list[bytes], tag: bytes) -> bool:
    """Did the server answer ``+``, and not the command's final word?"""
    while words:
        word = words.pop(0)
        if word == b"+":
            return True
        if word == tag:
            words.insert(0, word)
            return False
    return False


def _imap_words(answers: bytes) -> list[bytes]:
    """``+`` and the tags of the final words, in order; literals are stepped over."""
    words = []
    at = 0
    inside = False
    while end := answers.find(b"\n", at) + 1:
        line = answers[at:end]
        at = end
        if not inside and line.startswith(b"+"):
            words.append(b"+")
        elif not inside and (tagged := _TAGGED.match(line)):
            words.append(tagged[1])
        literal = _LITERAL.search(line)
        status = not inside and re.match(rb"(?:\+|\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b)", line, re.IGNORECASE)
        inside = bool(literal) and not status
        if literal and not status:
            at += int(literal[1])
    return words

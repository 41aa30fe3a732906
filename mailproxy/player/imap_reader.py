"""The client's commands, as an IMAP server reads them (RFC 9051 §2.2.1, RFC 7888)."""

from __future__ import annotations

from dataclasses import dataclass

from mailproxy.proto.imap_commands import is_tag
from mailproxy.proto.imap_literals import Literal, literal_at_end
from mailproxy.proto.inbox import Inbox, LineTooLong

_LINE = 65_536  # octets
_COMMAND = 1 << 20  # octets of a command with its literals
_MESSAGE = 1 << 30  # octets of a literal of APPEND; they are thrown away
_MESSAGES = (b"APPEND", b"REPLACE", b"UID REPLACE")


@dataclass(frozen=True, slots=True)
class Request:
    """A whole command. ``args`` hold its literals, but those of APPEND."""

    tag: bytes
    verb: str
    args: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a SASL exchange, or what ends IDLE."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Saying:
    """What the server has to say at once. ``close``: nothing can be read any more."""

    octets: bytes
    close: bool = False


class CommandReader:
    """Cuts the client's octets. ``raw`` makes the next line a :class:`Line`."""

    def __init__(self) -> None:
        self.raw = False
        self._inbox = Inbox()
        self._command = b""
        self._left = 0  # octets of a literal still to come
        self._throw = False
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """What the client sent."""
        self._inbox.feed(data)

    def next(self) -> Request | Line | Saying | None:
        """The next thing; None when more octets are needed."""
        if self._left:
            data = self._inbox.take(self._left)
            self._left -= len(data)
            if not self._throw:
                self._command += data
            if self._left:
                return None
        if self._skipping:
            if self._inbox.skip_line() is None:
                return None
            self._skipping = False
            return Saying(b"* BAD the line is too long\r\n")
        try:
            line = self._inbox.line(_LINE)
        except LineTooLong:
            self._skipping, self._command = True, b""
            return self.next()
        if line is None:
            return None
        if self.raw and not self._command:
            return Line(line.rstrip(b"\r\n"))
        if not line.endswith(b"\r\n"):
            line = line[:-1] + b"\r\n"
        literal = literal_at_end(line)
        self._command += line
        return self._whole() if literal is None else self._literal(literal)

    def _whole(self) -> Request | Saying:
        command, self._command = self._command[:-2], b""
        tag, verb, args = split(command)
        if not is_tag(tag) or not verb:
            return Saying((tag if is_tag(tag) else b"*") + b" BAD this is no command\r\n")
        return Request(tag, verb, args)

    def _literal(self, literal: Literal) -> Request | Line | Saying | None:
        tag, verb, _ = split(self._command)
        self._throw = verb.encode() in _MESSAGES and literal.octets > 1024
        limit = _MESSAGE if self._throw else _COMMAND - len(self._command)
        if literal.octets > limit:
            self._command = b""
            if literal.synchronising and is_tag(tag):
                return Saying(tag + b" BAD [TOOBIG] the literal is too long\r\n")
            return Saying(b"* BYE [TOOBIG] the literal is too long\r\n", close=True)
        self._left = literal.octets
        return Saying(b"+ go on\r\n") if literal.synchronising else self.next()


def split(command: bytes) -> tuple[bytes, str, bytes]:
    """Tag, verb in capitals (``UID FETCH``) and arguments."""
    tag, _, rest = command.partition(b" ")
    word, _, args = rest.partition(b" ")
    verb = word.rstrip(b"\r\n").upper().decode("ascii", "replace")
    if verb == "UID":
        word, _, args = args.partition(b" ")
        verb = f"UID {word.upper().decode('ascii', 'replace')}"
    return tag, verb, args

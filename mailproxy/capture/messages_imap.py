"""The messages of an IMAP conversation: what FETCH, APPEND and REPLACE bring.

In a response a message is the literal behind ``BODY[]``, ``BINARY[]`` or ``RFC822`` (RFC 9051 §7.5.2,
RFC 3516); other sections, and those with an origin, are part of one. In a command it is each literal
behind the mailbox (RFC 9051 §6.3.12, RFC 3502, RFC 8508), but for those of CATENATE (RFC 4469), which
are pieces of a message of which the server has the others.
"""

from __future__ import annotations

import re

from mailproxy.capture.literals import Line, LiteralOctets, LiteralScanner
from mailproxy.capture.messages import Finished, Message, MessageEvent, Open
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import BadArguments, Command, Side

_LONGEST_CONTEXT = 4096  # octets in front of a literal that say what it is
_WHOLE = frozenset({"BODY[]", "BINARY[]", "RFC822"})
_ITEM = rb"(?<![A-Za-z0-9.])((?:BODY|BINARY)\[[^\]]{0,2000}\](?:<[0-9]+>)?|RFC822(?:\.HEADER|\.TEXT)?) "
_ITEM_LITERAL = re.compile(_ITEM + rb"~?\{[0-9]+\}\r\n\Z", re.I)
_ITEM_QUOTED = re.compile(_ITEM + rb'"((?:[^"\\\r\n]|\\.)*)"', re.I)
_FETCH = re.compile(rb"\* ([0-9]{1,10}) FETCH ", re.I)
_UID = re.compile(rb"[( ]UID ([0-9]{1,10})[ )]", re.I)
_QUOTED = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"')
_ESCAPED = re.compile(rb"\\(.)")
_BRINGS = frozenset({"APPEND", "REPLACE", "UID REPLACE"})
_BEFORE_MAILBOX = re.compile(rb"\S+ (?:APPEND|(?:UID )?REPLACE \S+) ~?\{[0-9]+\+?\}\r\n", re.I)
_CATENATE = re.compile(rb" CATENATE \(", re.I)
_SELECTS = frozenset({"SELECT", "EXAMINE"})


class ImapMessages:
    """See :class:`~mailproxy.capture.messages.MessageReader`. Each side has at most one message open."""

    def __init__(self) -> None:
        open_ = Open()
        self._fetched = _Fetched(open_)
        self._brought = _Brought(open_)
        self._selecting: dict[int, str] = {}

    def said(self, part: Part) -> list[MessageEvent]:
        if part.kind in (Kind.UNREAD, Kind.TLS):
            return self.ended()
        if part.kind is Kind.COMMAND and part.command is not None:
            events = self._brought.begin(part.command, part)
            if part.command.verb in _SELECTS:
                self._selecting[part.exchange] = _mailbox(part.command)
            return [*events, *self._brought.feed(part)]
        if part.side is Side.CLIENT:
            if part.kind is Kind.GAP:
                return self._brought.hole(part)
            return self._brought.feed(part) if part.kind is Kind.DATA else []
        events = []
        if part.kind is Kind.REPLY:
            events = self._fetched.begin(part)
            self._answered(part)
        elif part.kind is Kind.GAP:
            return self._fetched.hole(part)
        return [*events, *self._fetched.feed(part)]

    def ended(self) -> list[MessageEvent]:
        return [*self._fetched.finish(), *self._brought.finish()]

    def _answered(self, part: Part) -> None:
        if part.ends and part.exchange in self._selecting:
            mailbox = self._selecting.pop(part.exchange)
            self._fetched.mailbox = mailbox if part.status == "OK" else ""


class _Fetched:
    """What responses bring."""

    def __init__(self, open_: Open) -> None:
        self.mailbox = ""
        self._open = open_
        self._scanner = LiteralScanner()
        self._current: Message | None = None  # whose literal passes
        self._brought: list[Message] = []  # by this response
        self._id = self._uid = ""
        self._context = b""

    def begin(self, part: Part) -> list[MessageEvent]:
        events = self.finish()
        self._scanner.restart(text=bool(part.status))
        match = _FETCH.match(part.data)
        self._id, self._uid, self._context = match[1].decode() if match else "", "", b""
        return events

    def feed(self, part: Part) -> list[MessageEvent]:
        if not self._id:
            return []
        events: list[MessageEvent] = []
        for found in self._scanner.feed(part.data):
            events += self._line(found, part) if isinstance(found, Line) else self._octets(found)
        return events

    def hole(self, part: Part) -> list[MessageEvent]:
        events: list[MessageEvent] = []
        for found in self._scanner.hole(part.octets) if self._id else ():
            if isinstance(found, LiteralOctets):
                events += self._octets(found)
        return events

    def finish(self) -> list[MessageEvent]:
        for message in self._brought:
            message.uid = self._uid
        events: list[MessageEvent] = [Finished(message) for message in self._brought]
        self._brought, self._current = [], None
        return events

    def _line(self, line: Line, part: Part) -> list[MessageEvent]:
        # a piece of a long line may end in the middle of an item
        text = self._context + line.text
        self._context = b"" if line.announces is not None or line.ends else text[-_LONGEST_CONTEXT:]
        if match := _UID.search(_QUOTED.sub(b'""', text)):
            self._uid = match[1].decode()
        events: list[MessageEvent] = []
        if line.announces is None and line.ends:
            for quoted in _ITEM_QUOTED.finditer(text):
                events += self._start(quoted[1], part)
                if self._current is not None:
                    events += Open.piece(self._current, _ESCAPED.sub(rb"\1", quoted[2]))
                    self._current.complete = True
        elif announced := _ITEM_LITERAL.search(text):
            events += self._start(announced[1], part)
        else:
            self._current = None
        return [*events, *self.finish()] if line.ends else events

    def _start(self, item: bytes, part: Part) -> list[MessageEvent]:
        name = item.decode("ascii", "replace").upper()
        partial = "" if name in _WHOLE else name
        started = self._open.start("FETCH", part.time, partial, self._id, self.mailbox)
        self._current = started.message
        self._brought.append(started.message)
        return [started]

    def _octets(self, octets: LiteralOctets) -> list[MessageEvent]:
        return _passed(self._current, octets)


class _Brought:
    """What commands bring."""

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._scanner = LiteralScanner()
        self._current: Message | None = None
        self._verb = ""
        self._mailbox = ""
        self._line = b""  # all lines of the command up to here, but for the messages
        self._catenates = False
        self._announced = False  # a message, of which nothing came yet

    def begin(self, command: Command, part: Part) -> list[MessageEvent]:
        events = self.finish()
        self._scanner.restart()
        self._verb = command.verb if command.verb in _BRINGS else ""
        self._mailbox = _mailbox(command) if self._verb else ""
        self._line, self._catenates = b"", False
        return events

    def feed(self, part: Part) -> list[MessageEvent]:
        if not self._verb:
            return []
        events: list[MessageEvent] = []
        for found in self._scanner.feed(part.data):
            if isinstance(found, Line):
                self._read(found)
            else:
                events += self._octets(found, part)
        return events

    def hole(self, part: Part) -> list[MessageEvent]:
        events: list[MessageEvent] = []
        for found in self._scanner.hole(part.octets) if self._verb else ():
            if isinstance(found, LiteralOctets):
                events += self._octets(found, part)
        return events

    def finish(self) -> list[MessageEvent]:
        current, self._current, self._announced = self._current, None, False
        return [Finished(current)] if current is not None else []

    def _read(self, line: Line) -> None:
        first, self._line = not self._line, line.text
        if line.announces is None or (first and _BEFORE_MAILBOX.fullmatch(line.text)):
            return
        if not self._catenates or line.text.startswith(b")"):
            self._catenates = _CATENATE.search(line.text) is not None
            self._announced = not self._catenates

    def _octets(self, octets: LiteralOctets, part: Part) -> list[MessageEvent]:
        events: list[MessageEvent] = []
        if self._announced:  # the server did not refuse it
            self._announced = False
            started = self._open.start(self._verb.removeprefix("UID "), part.time, mailbox=self._mailbox)
            self._current = started.message
            events.append(started)
        events += _passed(self._current, octets)
        return events if octets.left else [*events, *self.finish()]


def _passed(message: Message | None, octets: LiteralOctets) -> list[MessageEvent]:
    if message is None:
        return []
    if not octets.left:
        message.complete = True
    if octets.missing:
        return Open.missing(message, octets.missing)
    return Open.piece(message, octets.data)


def _mailbox(command: Command) -> str:
    """The mailbox as people read it; empty while its name is still to come, or when it is malformed."""
    try:
        fields = command.fields
    except BadArguments:
        return ""
    name = fields.get("target") or fields.get("mailbox") or ""
    return name if isinstance(name, str) else ""

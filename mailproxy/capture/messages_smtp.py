"""The messages of an SMTP conversation: what DATA and BDAT bring (RFC 5321 §3.3, RFC 3030 §2)."""

from __future__ import annotations

from mailproxy.capture.dotted import Undotted
from mailproxy.capture.messages import Finished, Message, MessageEvent, Open
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.smtp_args import bdat_size
from mailproxy.proto.tokens import BadArguments, Command, Side

_FORGET = frozenset({"RSET", "EHLO", "HELO", "MAIL"})


class SmtpMessages:
    """See :class:`~mailproxy.capture.messages.MessageReader`.

    A message is open until the server has answered it, so that the reply is known with it.
    """

    def __init__(self) -> None:
        self._open = Open()
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._asked: dict[int, str] = {}  # RCPT without a reply: exchange and recipient
        self._message: Message | None = None
        self._body: Undotted | None = None  # DATA; None: BDAT
        self._chunk = 0  # octets of BDAT's chunk that are still to come
        self._last = False  # it is the last chunk
        self._exchanges = range(0)  # that brought the message
        self._refused = False  # the server has refused a chunk: what follows belongs to no message

    def said(self, part: Part) -> list[MessageEvent]:
        match part.kind:
            case Kind.COMMAND if part.command is not None:
                return self._commanded(part.command, part)
            case Kind.DATA:
                return self._went_on(part)
            case Kind.GAP if part.side is Side.CLIENT and self._message is not None:
                return self._hole(self._message, part.octets)
            case Kind.REPLY:
                return self._replied(part)
            case Kind.UNREAD | Kind.TLS:
                return self.ended()
        return []

    def ended(self) -> list[MessageEvent]:
        if self._message is None:
            return []
        rest: list[MessageEvent] = []
        if self._body is not None and not self._body.ended:
            rest = Open.piece(self._message, self._body.finish())
        finished = Finished(self._message)
        self._message = None
        return [*rest, finished]

    def _commanded(self, command: Command, part: Part) -> list[MessageEvent]:
        if command.verb in _FORGET:
            events = self.ended()
            self._sender, self._recipients, self._refused = None, [], False
            if command.verb == "MAIL":
                self._sender = _field(command, "sender")
            return events
        if command.verb == "RCPT":
            self._asked[part.exchange] = _field(command, "recipient") or ""
        elif command.verb == "DATA":
            events, self._body, self._refused = self.ended(), Undotted(), False
            return events
        elif command.verb == "BDAT" and not self._refused:
            return self._bdat(command, part)
        return []

    def _bdat(self, command: Command, part: Part) -> list[MessageEvent]:
        try:
            self._chunk, self._last = bdat_size(command.args)
        except BadArguments:
            return []
        events: list[MessageEvent] = []
        if self._message is None or self._body is not None:
            events = self.ended()
            self._body = None
            events += self._start("BDAT", part)
        self._exchanges = range(self._exchanges.start, part.exchange + 1)
        self._see_end()
        return events

    def _start(self, verb: str, part: Part) -> list[MessageEvent]:
        started = self._open.start(verb, part.time)
        self._exchanges = range(part.exchange, part.exchange + 1)
        self._message = started.message
        self._message.sender, self._message.recipients = self._sender, self._recipients
        return [started]

    def _went_on(self, part: Part) -> list[MessageEvent]:
        if self._body is not None:
            events = [] if self._message is not None or self._body.ended else self._start("DATA", part)
            if self._message is not None:
                events += Open.piece(self._message, self._body.feed(part.data))
                self._message.complete = self._body.ended
            return events
        if self._message is None or self._refused:
            return []
        self._chunk -= part.octets
        events = Open.piece(self._message, part.data)
        self._see_end()
        return events

    def _see_end(self) -> None:
        if self._message is not None and self._last and self._chunk <= 0:
            self._message.complete = True

    def _hole(self, message: Message, octets: int) -> list[MessageEvent]:
        rest = Open.piece(message, self._body.hole()) if self._body is not None else []
        self._chunk -= octets
        if self._body is None:
            self._see_end()
        return [*rest, *Open.missing(message, octets)]

    def _replied(self, part: Part) -> list[MessageEvent]:
        recipient = self._asked.pop(part.exchange, None)
        good = part.status.startswith("2")
        if recipient is not None:
            if good:
                self._recipients.append(recipient)
            return []
        message = self._message
        if message is None or not part.ends or part.exchange not in self._exchanges:
            return []
        if good and (part.exchange != self._exchanges[-1] or not message.complete):
            return []  # to a chunk that is not the last one
        if self._body is None and not good:
            self._refused = True
        message.status = part.status
        return self.ended()


def _field(command: Command, name: str) -> str | None:
    try:
        value = command.fields.get(name)
    except BadArguments:
        return None
    return value if isinstance(value, str) else None

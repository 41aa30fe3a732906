"""The messages of a POP3 conversation: what RETR and TOP bring (RFC 1939 §5, §7)."""

from __future__ import annotations

from mailproxy.capture.dotted import Undotted
from mailproxy.capture.messages import Finished, Message, MessageEvent, Open
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

_VERBS = frozenset({"RETR", "TOP"})


class Pop3Messages:
    """See :class:`~mailproxy.capture.messages.MessageReader`. One message is open at a time."""

    def __init__(self) -> None:
        self._open = Open()
        self._asked: dict[int, tuple[str, str]] = {}  # exchange: verb and message number
        self._message: Message | None = None
        self._body = Undotted()

    def said(self, part: Part) -> list[MessageEvent]:
        if part.kind is Kind.COMMAND and part.command is not None:
            if part.command.verb in _VERBS:
                number = part.command.args.partition(b" ")[0].decode("ascii", "replace")
                self._asked[part.exchange] = part.command.verb, number
            return []
        if part.side is Side.CLIENT:
            return []
        match part.kind:
            case Kind.REPLY:
                return [*self.ended(), *self._replied(part)]
            case Kind.BODY if self._message is not None:
                return self._went_on(self._message, part)
            case Kind.GAP if self._message is not None:
                rest = Open.piece(self._message, self._body.hole())
                return [*rest, *Open.missing(self._message, part.octets)]
            case Kind.UNREAD | Kind.TLS:
                return self.ended()
        return []

    def ended(self) -> list[MessageEvent]:
        if self._message is None:
            return []
        rest = [] if self._body.ended else Open.piece(self._message, self._body.finish())
        finished = Finished(self._message)
        self._message = None
        return [*rest, finished]

    def _replied(self, part: Part) -> list[MessageEvent]:
        verb, number = self._asked.pop(part.exchange, ("", ""))
        if not verb or part.status != "OK":
            return []
        started = self._open.start(verb, part.time, id=number, partial=verb if verb == "TOP" else "")
        self._message, self._body = started.message, Undotted()
        return [started]

    def _went_on(self, message: Message, part: Part) -> list[MessageEvent]:
        events = Open.piece(message, self._body.feed(part.data))
        if self._body.ended:
            message.complete = True
        return [*events, *self.ended()] if self._body.ended or part.ends else events

"""One conversation without addresses, names and texts: the same parts, each with as many octets.

What stays is what is known to be harmless: verbs, statuses, numbers, flags, capabilities, response
codes, the words that servers usually say, the names of header fields, MIME types, dates. All else is
replaced. What cannot be read (TLS) is left out with a gap.

An answer waits for the end of the line in front of it, so the order of both sides is kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mailproxy.capture import anonymous_lines as lines
from mailproxy.capture.anonymous_message import AnonymousMessage
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_units import Crossed, ImapUnit, Lines, MessageUnit, Unit
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

_MOST_WAITING = 1_048_576  # octets: behind that, what is held is decided without its end
_MESSAGES = frozenset(("RETR", "TOP"))


@dataclass(slots=True)
class Replaced:
    """Octets of a side that stand in the place of others, or, where ``hole`` is not 0, a gap."""

    side: Side
    data: bytes
    hole: int
    time: float


@dataclass(slots=True)
class _Waiting:
    part: Part
    left: int
    data: bytearray


class Anonymous:
    """Takes the parts of one conversation in order."""

    def __init__(self, protocol: str, names: Names) -> None:
        self._protocol = protocol
        self._names = names
        self._units: list[Unit] = [Crossed(), Crossed()]
        self._wanting: tuple[deque[_Waiting], deque[_Waiting]] = (deque(), deque())
        self._queue: deque[_Waiting] = deque()
        self._octets = 0  # that wait
        self._verbs: dict[int, str] = {}
        self._chunk: AnonymousMessage | None = None  # of BDAT, which goes on with the next command

    def said(self, part: Part) -> list[Replaced]:
        """What is decided with this part, in order."""
        if part.kind is Kind.STARTTLS:
            return self._decided()
        waiting = _Waiting(part, 0 if part.kind in (Kind.GAP, Kind.TLS) else len(part.shown), bytearray())
        if not waiting.left:
            self._fill(part.side, self._units[part.side].hole(part.octets))
            self._queue.append(waiting)
            return self._decided()
        if self._begins(part):
            self._fill(part.side, self._units[part.side].finish())
            self._units[part.side] = self._unit(part)
        self._queue.append(waiting)
        self._wanting[part.side].append(waiting)
        self._octets += waiting.left
        self._fill(part.side, self._units[part.side].feed(part.shown))
        if part.ends:
            self._fill(part.side, self._units[part.side].finish())
            self._verbs.pop(part.exchange, None)
        if self._octets > _MOST_WAITING:
            return self.finish()
        return self._decided()

    def finish(self) -> list[Replaced]:
        """Everything that waits; nothing more will come."""
        for side in Side:
            self._fill(side, self._units[side].finish())
        return self._decided()

    def _fill(self, side: Side, data: bytes) -> None:
        wanting = self._wanting[side]
        start = 0
        while start < len(data):
            first = wanting[0]
            piece = data[start : start + first.left]
            start += len(piece)
            first.data += piece
            first.left -= len(piece)
            if not first.left:
                wanting.popleft()

    def _decided(self) -> list[Replaced]:
        decided: list[Replaced] = []
        while self._queue and not self._queue[0].left:
            one = self._queue.popleft()
            gap = one.part.octets if one.part.kind in (Kind.GAP, Kind.TLS) else 0
            self._octets -= len(one.data)
            decided.append(Replaced(one.part.side, bytes(one.data), gap, one.part.time))
        return decided

    def _begins(self, part: Part) -> bool:
        """Does something else begin with this part? DATA behind an IMAP command goes on with it."""
        if part.kind in (Kind.COMMAND, Kind.REPLY, Kind.RESPONSE, Kind.UNREAD):
            return True
        if self._protocol == "imap":
            return False
        unit = self._units[part.side]
        if part.kind is Kind.BODY and self._verbs.get(part.exchange) not in _MESSAGES:
            return not isinstance(unit, _Body)
        return not isinstance(unit, MessageUnit)

    def _unit(self, part: Part) -> Unit:
        match part.kind:
            case Kind.COMMAND:
                return self._command(part)
            case Kind.RESPONSE:
                return Lines(lines.response)
            case Kind.REPLY:
                return self._reply(part)
            case Kind.BODY | Kind.DATA:
                return self._body(part)
        return Crossed()

    def _command(self, part: Part) -> Unit:
        command = part.command
        verb = command.verb if command is not None and command.spec is not None else ""
        self._verbs[part.exchange] = verb
        if not verb:
            return Crossed()
        if verb in ("DATA", "MAIL", "RSET"):
            self._chunk = None
        if self._protocol == "imap":
            return ImapUnit(self._names, verb, server=False)
        replace = lines.pop3_command if self._protocol == "pop3" else lines.smtp_command
        return Lines(lambda line: replace(self._names, line))

    def _reply(self, part: Part) -> Unit:
        verb = self._verbs.get(part.exchange, "")
        if self._protocol == "imap":
            return ImapUnit(self._names, verb, server=True, text=bool(part.status))
        if self._protocol == "pop3":
            return _Body(self._names, verb, begun=False)
        return Lines(lambda line: lines.smtp_reply(self._names, line, verb))

    def _body(self, part: Part) -> Unit:
        verb = self._verbs.get(part.exchange, "")
        if self._protocol == "smtp":
            if verb != "BDAT" or self._chunk is None:
                self._chunk = AnonymousMessage(self._names)
            return MessageUnit(self._chunk)
        if verb in _MESSAGES:
            return MessageUnit(AnonymousMessage(self._names))
        return _Body(self._names, verb, begun=True)


class _Body(Lines):
    """A reply of POP3 and the lines that belong to it, but no message. ``begun``: behind its first line."""

    def __init__(self, names: Names, verb: str, *, begun: bool) -> None:
        super().__init__(self._line)
        self._names = names
        self._verb = verb
        self._begun = begun

    def _line(self, line: bytes) -> bytes:
        if self._begun:
            return lines.pop3_listed(self._names, line, self._verb)
        self._begun = True
        return lines.pop3_reply(self._names, line, self._verb)

"""SMTP and submission (RFC 5321, 6409, 2920, 3030, 3207, 4954): replies come in order.

DATA turns into a body only when the server said ``354``; until then whatever
the client sends is read as commands, because that is how the server reads it.
BDAT needs no such permission: its octets are counted, and they are dropped
when the command itself was refused.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from mailproxy.proto.bodies import DotScanner, Found
from mailproxy.proto.capabilities import Policy, edit_ehlo, ehlo_capabilities
from mailproxy.proto.dialect import GREETING, Cut, Limits, Refusal, Say, Slot, flaw_of
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.sasl import SaslExchange, mechanism_name
from mailproxy.proto.smtp_args import bdat_size, mask, smtp_fields
from mailproxy.proto.smtp_verbs import VERBS
from mailproxy.proto.tokens import BadArguments, Chunk, Command, Phase, Reply, Side, WireError

_COMMAND_OCTETS = 2048  # RFC 5321 §4.5.3.1.4 asks for 512, extensions add; servers take about this
_AUTH_OCTETS = 12_288  # RFC 4954 §4
_REPLY_LINES = 1000
_SMUGGLED = b"554 5.6.0 The message has a bare CR, LF or NUL beside a lone dot; it was not sent\r\n"
_ANSWERED = b"421 4.3.0 The server answered before the end of the message; closing\r\n"
_CODES = {
    Refusal.POLICY: "550 5.7.1",
    Refusal.SYNTAX: "501 5.5.2",
    Refusal.UNKNOWN: "500 5.5.2",
    Refusal.TOO_BIG: "500 5.5.2",
    Refusal.SEQUENCE: "503 5.5.1",
    Refusal.PRIVACY: "530 5.7.0",
    Refusal.UNAVAILABLE: "502 5.5.1",
    Refusal.TEMPORARY: "451 4.3.0",
}


class _Client(Enum):
    LINE = 0
    WAIT = 1  # for the server's word on AUTH
    SASL = 2  # the server asked with 334
    DATA = 3  # the server said 354
    CHUNK = 4  # octets of BDAT
    DISCARD = 5  # the rest of an over-long line
    SWALLOW = 6  # the rest of a message that must not go on


class Smtp:
    """The SMTP dialect; see :class:`~mailproxy.proto.dialect.Dialect`."""

    __slots__ = (
        "_began",
        "_capabilities",
        "_chunked",
        "_client",
        "_early",
        "_held",
        "_held_octets",
        "_left",
        "_limits",
        "_longest",
        "_pass",
        "_permitted",
        "_sasl",
        "_scanner",
        "_strict",
        "_verdict",
        "client_name",
        "greet_again",
        "inboxes",
        "mailbox",
        "mechanism",
        "phase",
        "policy",
        "recipients",
        "sender",
        "slots",
        "user",
    )

    def __init__(self, policy: Policy, limits: Limits) -> None:
        self.inboxes = (Inbox(), Inbox())
        self.slots: deque[Slot] = deque()
        self.policy = policy
        self.phase = Phase.GREETING
        self.user = self.mechanism = self.client_name = self.mailbox = self.sender = ""
        self.recipients = 0
        self._limits = limits
        self._strict = policy.guard
        self._longest = _AUTH_OCTETS if policy.guard else max(_AUTH_OCTETS, limits.line)
        self._client = _Client.LINE
        self._capabilities: dict[str, str] = {}  # of the current EHLO, as the server gave them
        self._held: list[bytes] = []  # lines of a reply of which the last is still to come
        self._held_octets = 0
        self._left = 0  # octets of the BDAT chunk still to come
        self._pass = True  # does the chunk go upstream?
        self._scanner: DotScanner | None = None
        self._sasl: SaslExchange | None = None
        self._early = False  # the server answered in the middle of a message
        self._verdict = b""  # what the client gets at the end of a message that is swallowed
        self._began = False  # MAIL went upstream, and nothing ended the transaction since
        self._chunked = False  # with BDAT
        self._permitted = False  # the server said 354 to the DATA that is open
        self.greet_again = False  # no EHLO since the client's leg was encrypted

    @property
    def engaged(self) -> bool:
        return self._client in (_Client.SASL, _Client.DATA, _Client.CHUNK, _Client.SWALLOW)

    @property
    def idling(self) -> bool:
        return False

    @property
    def boundary(self) -> bool:
        return True  # a reply is passed on when it is whole

    # -- the client's side ------------------------------------------------------------

    def client(self) -> Command | Chunk | Say | Cut | None:
        match self._client:
            case _Client.LINE:
                return self._command()
            case _Client.DATA | _Client.SWALLOW:
                return self._message()
            case _Client.CHUNK:
                return self._octets()
            case _Client.SASL:
                return self._response()
            case _Client.DISCARD if self.inboxes[Side.CLIENT].skip_line() is not None:
                self._client = _Client.LINE
                return Command("", b"", flaw="a line that is too long")
            case _:
                return None

    def _command(self) -> Command | Chunk | Say | Cut | None:
        try:
            line = self.inboxes[Side.CLIENT].line(self._longest)
        except LineTooLong:
            if not self._strict:
                raise WireError(Side.CLIENT, "a line that is too long") from None
            self._client = _Client.DISCARD
            return self.client()
        if line is None:
            return None
        verb, _, args = line.rstrip(b"\r\n").partition(b" ")
        name = verb.upper().decode("ascii", "replace")
        flaw = flaw_of(line)
        if not flaw and len(line) > _COMMAND_OCTETS and name != "AUTH":
            flaw = "a line that is too long"
        return Command(name, line, args, VERBS.get(name), flaw=flaw, parse=smtp_fields)

    def _message(self) -> Chunk | Cut | None:
        """Octets of DATA: on to the server as they are, up to and with the final dot."""
        inbox, scanner = self.inboxes[Side.CLIENT], self._scanner
        if self._early:
            self._early = False
            return Cut(b"", "the server answered in the middle of the message")
        data = inbox.take(len(inbox))
        if not data or scanner is None:
            return None
        found, at = scanner.scan(data)
        if at < len(data):
            inbox.feed(data[at:])
            data = data[:at]
        swallow = self._client is _Client.SWALLOW
        if found is Found.NOTHING:
            return Chunk(b"" if swallow else data) if data else None
        if found is Found.AMBIGUOUS:
            # What the server has so far has no end in anybody's eyes, and it gets no octet more.
            # The client hears of it at its own end of data, where it listens.
            scanner.relax()
            self._client, self._verdict = _Client.SWALLOW, _SMUGGLED
            return Cut(b"", "a lone dot that is no end of data for everybody", data)
        self._client, self._scanner = _Client.LINE, None
        if swallow:
            return Cut(self._verdict, "")
        return Chunk(data, end=True)

    def _octets(self) -> Chunk | None:
        data = self.inboxes[Side.CLIENT].take(self._left)
        if not data:
            return None
        self._left -= len(data)
        if not self._left:
            self._client = _Client.LINE
        return Chunk(data if self._pass else b"", end=not self._left)

    def _response(self) -> Chunk | Cut | None:
        try:
            line = self.inboxes[Side.CLIENT].line(self._longest)
        except LineTooLong:
            if not self._strict:
                raise WireError(Side.CLIENT, "a SASL line that is too long") from None
            return Cut(
                b"500 5.5.6 Authentication exchange line is too long\r\n", "a SASL line that is too long"
            )
        if line is None:
            return None
        if self._strict and flaw_of(line):
            return Cut(b"501 5.5.2 Authentication exchange line is not a line\r\n", flaw_of(line))
        if self._sasl:
            self._sasl.client(line.rstrip(b"\r\n"))
            if self._strict and self._sasl.flaw:
                return Cut(f"501 5.5.2 {self._sasl.flaw}\r\n".encode(), self._sasl.flaw)
        self._client = _Client.WAIT
        return Chunk(line, secret=True)

    def forwarded(self, command: Command) -> bytes:
        match command.verb:
            case "AUTH":
                mechanism, _, initial = command.args.partition(b" ")
                self._sasl = SaslExchange(mechanism.decode("ascii", "replace"))
                if initial:
                    self._sasl.client(initial)
                self._client = _Client.WAIT
            case "MAIL":
                if self.phase is not Phase.MAIL:  # else it is a second one, and the server says 503
                    self.sender, self.recipients = _field(command, "sender"), 0
                self._began = True
            case "RCPT":
                self.recipients += 1
            case "BDAT":
                self._chunk_follows(command, forward=True)
                self._chunked, self._began = True, not command.args.upper().endswith(b" LAST")
            case "DATA" | "RSET":
                self._began = self._chunked = self._permitted = False
            case "EHLO" | "HELO":
                self.client_name = command.args[:255].decode("utf-8", "backslashreplace")
        return command.line

    def refused(self, command: Command) -> None:
        if command.verb == "BDAT":
            self._chunk_follows(command, forward=False)

    def _chunk_follows(self, command: Command, *, forward: bool) -> None:
        try:
            self._left, _ = bdat_size(command.args)
        except BadArguments:
            return  # the server reads no chunk behind a BDAT it cannot parse either
        if self._left:
            self._client, self._pass = _Client.CHUNK, forward

    # -- the server's side ------------------------------------------------------------

    def server(self) -> Reply | Chunk | Say | None:
        inbox = self.inboxes[Side.SERVER]
        while True:
            try:
                line = inbox.line(self._limits.line)
            except LineTooLong:
                raise self._unreadable("a reply line that is too long") from None
            if line is None:
                return None
            code, mark = line[:3], line[3:4]
            if not code.isdigit() or mark not in (b" ", b"-", b"\r", b"\n"):
                raise self._unreadable("a reply without a code", line)
            if self._held and self._held[0][:3] != code:
                raise self._unreadable("a reply whose lines have different codes", line)
            if mark == b"-":
                self._hold(line)
                continue
            if not self._held:
                return self._complete(code.decode(), line, [line])
            lines, self._held, self._held_octets = [*self._held, line], [], 0
            return self._complete(code.decode(), b"".join(lines), lines)

    def _unreadable(self, why: str, line: bytes = b"") -> WireError:
        return WireError(Side.SERVER, why, self.held() + line)

    def _hold(self, line: bytes) -> None:
        self._held.append(line)
        self._held_octets += len(line)
        if len(self._held) > _REPLY_LINES or self._held_octets > self._limits.reply:
            raise self._unreadable("a reply without end")

    def _complete(self, status: str, data: bytes, lines: list[bytes]) -> Reply:
        slot = self.slots[0] if self.slots else None
        verb = slot.verb if slot else ""
        if verb == "EHLO" and status == "250":
            self._capabilities = ehlo_capabilities(lines)
            data = b"".join(edit_ehlo(lines, self.policy))
        elif verb == "AUTH":
            if status == "334" and self._client is _Client.WAIT:
                self._client = _Client.SASL
                return Reply(data, status, final=False)
            if self._client in (_Client.WAIT, _Client.SASL):
                self._client = _Client.LINE
        elif verb == "DATA" and status == "354" and not self._permitted:
            self._permitted = True
            self._client, self._scanner = _Client.DATA, DotScanner(strict=self._strict)
            return Reply(data, status, final=False)
        elif verb == "DATA" and self._client is _Client.DATA and self._strict:
            # Is what follows a message or commands to it? Nobody can say, so it gets nothing more.
            self._client, self._verdict, self._early = _Client.SWALLOW, _ANSWERED, True
            if self._scanner is not None:
                self._scanner.relax()
        if status in ("334", "354"):
            raise WireError(Side.SERVER, f"{status} to a command that asks for nothing", b"".join(lines))
        return Reply(data, status)

    def held(self) -> bytes:
        held, self._held, self._held_octets = self._held, [], 0
        return b"".join(held)

    def skip(self, side: Side, octets: int) -> bool:
        if side is Side.SERVER:
            return False
        if self._client is _Client.DATA and self._scanner is not None:
            self._scanner.scan(b"x")  # whatever it was: what comes next is not the start of a line
            return True
        if self._client is not _Client.CHUNK or octets > self._left:
            return False
        self._left -= octets
        if not self._left:
            self._client = _Client.LINE
        return True

    def in_body(self, side: Side) -> bool:
        return side is Side.CLIENT and self._client is _Client.DATA

    def in_literal(self, side: Side) -> bool:
        return False

    def slot_of(self, reply: Reply) -> Slot | None:
        return self.slots[0] if self.slots else None

    def answered(self, slot: Slot, reply: Reply) -> bool:
        command, good = slot.command, reply.status[:1] == "2"
        match command.verb:
            case "MAIL":
                if good:
                    if self.phase is Phase.MAIL:  # a second one, and the server takes it for the valid one
                        self.recipients = 0
                    self.phase, self.sender = Phase.MAIL, _field(command, "sender")
                elif self.phase is not Phase.MAIL:
                    self.sender, self._began = "", False
            case "RCPT":
                if not good:
                    self.recipients = max(self.recipients - 1, 0)
            case "EHLO" | "HELO":
                if good:
                    self._reset()
                    self.greet_again = False
                if command.verb == "HELO":
                    self._capabilities = {}
            case "DATA" | "RSET":
                self._reset()
            case "BDAT":
                if command.args.upper().endswith(b"LAST"):
                    self._reset()
            case "AUTH":
                return self._logged_in(command, reply.status == "235")
            case "QUIT":
                self.phase = Phase.LOGOUT
            case _:
                if command.verb == GREETING:
                    self.phase = Phase.AUTHORIZATION if good else Phase.LOGOUT
                return command.verb == GREETING
        return True

    def _reset(self) -> None:
        """The mail transaction is over (RFC 5321 §4.1.4)."""
        self.phase, self.sender, self.recipients = Phase.TRANSACTION, "", 0
        if not any(slot.verb == "MAIL" for slot in self.slots):
            self._began = self._chunked = False

    def in_sequence(self, verb: str) -> bool:
        """May this command of a mail transaction come now (RFC 5321 §4.1.4, RFC 3030 §2)?

        Whatever the server made of it, a transaction is over for us with DATA: should the
        server refuse that, a client that sends its message all the same sends no commands.
        """
        if verb == "DATA":
            return self._began and not self._chunked
        return self._began or verb not in ("RCPT", "BDAT")

    def _logged_in(self, command: Command, good: bool) -> bool:
        asked = self.claimant(command)
        self._sasl = None
        if good and asked:
            self.user, self.mechanism = asked
        return good

    def offers(self, capability: str) -> bool:
        """Did the server offer it in answer to the client's last EHLO?"""
        return capability in self._capabilities

    # -- words ------------------------------------------------------------------------

    def claimant(self, command: Command) -> tuple[str, str] | None:
        if command.verb != "AUTH":
            return None
        mechanism, _, initial = command.args.partition(b" ")
        exchange = self._sasl or SaslExchange(mechanism.decode("ascii", "replace"))
        if initial and not self._sasl:
            exchange.client(initial)
        return exchange.authzid or exchange.user, mechanism_name(mechanism)

    def refusal(self, command: Command, kind: Refusal, text: str) -> bytes:
        return f"{_CODES[kind]} {text}\r\n".encode("ascii", "replace")

    def accepted(self, command: Command, text: str) -> bytes:
        return f"220 2.0.0 {text}\r\n".encode("ascii", "replace")

    def farewell(self, text: str) -> bytes:
        return f"421 4.3.2 {text}\r\n".encode("ascii", "replace")

    def rewritten(self, command: Command, verb: str) -> Command | None:
        return None

    def shown(self, command: Command) -> bytes:
        return mask(command.verb, command.args)

    def restarted(self) -> None:
        """RFC 3207 §4.2: the client must say EHLO again, and nothing said before holds."""
        self.phase, self.sender, self.recipients, self.client_name = Phase.AUTHORIZATION, "", 0, ""
        self._capabilities = {}
        self.greet_again = True


def _field(command: Command, name: str) -> str:
    try:
        return str(command.fields.get(name, ""))
    except BadArguments:
        return ""

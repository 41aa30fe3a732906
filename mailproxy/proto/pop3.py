"""POP3 (RFC 1939, 2449, 2595, 5034, 6856): replies come in the order of the commands.

A POP3 reply does not say whether a body follows: that is known only from the
command it answers. So the reader of the server's side looks at the first open
slot, and a command that is not in the table has a reply nobody can delimit:
a guarding listener refuses it.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum

from mailproxy.proto.bodies import DotScanner, Found
from mailproxy.proto.capabilities import Policy, edit_capa
from mailproxy.proto.dialect import GREETING, Cut, Limits, Refusal, Say, Slot, flaw_of
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.pop3_args import mask, pop3_fields
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.sasl import SaslExchange, mechanism_name
from mailproxy.proto.tokens import Chunk, Command, Phase, Reply, Shape, Side, WireError

_COMMAND_OCTETS = 255  # RFC 2449 §4, with CRLF
_SASL_OCTETS = 65_536  # RFC 5034 §4 lets a response be longer than a command
_APOP = re.compile(rb"[^ ]+ [0-9A-Fa-f]{32}")  # RFC 1939 §7
_CODES = {
    Refusal.POLICY: "[SYS/PERM] ",
    Refusal.PRIVACY: "[SYS/PERM] ",
    Refusal.TEMPORARY: "[SYS/TEMP] ",
    Refusal.UNAVAILABLE: "[SYS/TEMP] ",
}


class _Client(Enum):
    LINE = 0
    WAIT = 1  # for the server's word on AUTH
    SASL = 2  # the server asked with "+ "
    DISCARD = 3  # the rest of an over-long line


# On Python 3.11, to look up a member of an Enum takes as long as three calls: for each token, it adds up.
_CLIENT, _SERVER = Side.CLIENT, Side.SERVER
_LINE, _WAIT, _SASL = _Client.LINE, _Client.WAIT, _Client.SASL
_BODY = Shape.BODY
_NOTHING = Found.NOTHING


class Pop3:
    """The POP3 dialect; see :class:`~mailproxy.proto.dialect.Dialect`."""

    __slots__ = (
        "_asked",
        "_body",
        "_client",
        "_held",
        "_held_octets",
        "_limits",
        "_sasl",
        "_strict",
        "client_name",
        "inboxes",
        "mailbox",
        "mechanism",
        "phase",
        "policy",
        "recipients",
        "sender",
        "slots",
        "user",
        "utf8",
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
        self._client = _LINE
        self._body: DotScanner | None = None
        self._held: list[bytes] | None = None  # a CAPA body, until it can be edited
        self._held_octets = 0
        self._asked = ""  # the name given with USER
        self._sasl: SaslExchange | None = None
        self.utf8 = False  # UTF8 was accepted: no STLS any more (RFC 6856 §2.1)

    @property
    def engaged(self) -> bool:
        return self._client is _SASL

    @property
    def idling(self) -> bool:
        return False

    @property
    def boundary(self) -> bool:
        return self._body is None and self._held is None

    # -- the client's side ------------------------------------------------------------

    def client(self) -> Command | Chunk | Say | Cut | None:
        if self._client is _LINE:
            return self._command()
        if self._client is _SASL:
            return self._response()
        if self._client is _Client.DISCARD and self.inboxes[_CLIENT].skip_line() is not None:
            self._client = _LINE
            return Command("", b"", flaw="a line that is too long")
        return None

    def _command(self) -> Command | None:
        inbox = self.inboxes[_CLIENT]
        try:
            line = inbox.line(self._limits.line)
        except LineTooLong:
            if not self._strict:
                raise WireError(_CLIENT, "a line that is too long") from None
            self._client = _Client.DISCARD
            return self.client()  # type: ignore[return-value]
        if line is None:
            return None
        verb, _, args = line.rstrip(b"\r\n").partition(b" ")
        name = verb.upper().decode("ascii", "replace")
        spec = VERBS.get(name)
        return Command(name, line, args, spec, flaw=self._flaw(line, name, args), parse=pop3_fields)

    def _flaw(self, line: bytes, name: str, args: bytes) -> str:
        flaw = flaw_of(line)
        if flaw or name in ("PASS", "AUTH"):  # a password may hold any blanks and be long
            return flaw
        if name == "APOP" and not _APOP.fullmatch(args):
            return "APOP without a name and a digest"
        if name == "USER" and args != args.strip():
            return "blanks where the grammar has none"
        if len(line) > _COMMAND_OCTETS:
            return "a line that is too long (RFC 2449 §4: 255 octets)"
        # RFC 1939 §3: keyword and arguments are separated by a single SPACE. What a server makes
        # of other blanks is its own affair, and so not what was judged.
        if b"\t" in line or (args and name != "USER" and (b"  " in line or args[0] == 32 or args[-1] == 32)):
            return "blanks where the grammar has none"
        if line[len(name) : len(name) + 1] == b" " and not args:
            return "blanks where the grammar has none"
        return ""

    def _response(self) -> Chunk | Cut | None:
        try:
            line = self.inboxes[_CLIENT].line(_SASL_OCTETS)
        except LineTooLong:
            if not self._strict:
                raise WireError(_CLIENT, "a SASL response that is too long") from None
            return Cut(b"-ERR SASL response too long\r\n", "a SASL response that is too long")
        if line is None:
            return None
        if self._strict and flaw_of(line):
            return Cut(b"-ERR SASL response is not a line\r\n", flaw_of(line))
        if self._sasl:
            self._sasl.client(line.rstrip(b"\r\n"))
            if self._strict and self._sasl.flaw:
                return Cut(f"-ERR {self._sasl.flaw}\r\n".encode(), self._sasl.flaw)
        self._client = _WAIT
        return Chunk(line, secret=True)

    def forwarded(self, command: Command) -> bytes:
        if command.verb == "AUTH" and command.args:
            mechanism, _, initial = command.args.partition(b" ")
            self._sasl = SaslExchange(mechanism.decode("ascii", "replace"))
            if initial:
                self._sasl.client(initial)
            self._client = _WAIT
        return command.line

    def refused(self, command: Command) -> None:
        """Nothing follows a POP3 command, so there is nothing to skip."""

    # -- the server's side ------------------------------------------------------------

    def server(self) -> Reply | Chunk | Say | None:
        if self._body is not None:
            return self._chunk(self._body)
        if self._held is not None:
            return self._capabilities(self._held)
        try:
            line = self.inboxes[_SERVER].line(self._limits.reply)
        except LineTooLong:
            raise WireError(_SERVER, "a reply line that is too long") from None
        if line is None:
            return None
        return self._status(line)

    def _status(self, line: bytes) -> Reply | Chunk | Say | None:
        slot = self.slots[0] if self.slots else None
        login = slot is not None and slot.verb == "AUTH"
        if line.startswith(b"+ ") or line in (b"+\r\n", b"+\n"):
            if not login or self._client is not _WAIT:
                raise WireError(_SERVER, "a challenge that nobody asked for", line)
            self._client = _SASL
            return Reply(line, "+", final=False)
        if login and self._client in (_WAIT, _SASL):
            self._client = _LINE
        positive = line[:3].upper() == b"+OK"
        status = "OK" if positive else "ERR"
        if not positive and line[:4].upper() != b"-ERR":
            raise WireError(_SERVER, "a reply that is neither +OK nor -ERR", line)
        if not (slot and positive and _has_body(slot.command)):
            return Reply(line, status)
        if slot.command.verb == "CAPA":
            self._held, self._held_octets = [line], len(line)
            return self._capabilities(self._held)
        self._body = DotScanner()
        return Reply(line, status, more=True)

    def _capabilities(self, held: list[bytes]) -> Reply | None:
        """Collect the list, since it is edited as a whole (RFC 2449 §5)."""
        while True:
            try:
                line = self.inboxes[_SERVER].line(self._limits.line)
            except LineTooLong:
                raise WireError(_SERVER, "a capability line that is too long", self.held()) from None
            if line is None:
                return None
            self._held_octets += len(line)
            if self._held_octets > self._limits.reply:
                raise WireError(_SERVER, "a capability list without end", self.held() + line)
            if line in (b".\r\n", b".\n"):
                self._held = None
                return Reply(b"".join([held[0], *edit_capa(held[1:], self.policy), line]), "OK")
            held.append(line)

    def _chunk(self, body: DotScanner) -> Chunk | None:
        inbox = self.inboxes[_SERVER]
        data = inbox.take(len(inbox))
        if not data:
            return None
        found, at = body.scan(data)
        if found is _NOTHING:
            return Chunk(data)
        self._body = None
        if at < len(data):
            inbox.feed(data[at:])
            data = data[:at]
        return Chunk(data, end=True)

    def held(self) -> bytes:
        held, self._held = self._held, None
        return b"".join(held or ())

    def skip(self, side: Side, octets: int) -> bool:
        if side is _CLIENT or self._body is None:
            return False
        self._body.scan(b"x")  # whatever it was: what comes next is not the start of a line
        return True

    def in_body(self, side: Side) -> bool:
        return side is _SERVER and self._body is not None

    def in_literal(self, side: Side) -> bool:
        return False

    def slot_of(self, reply: Reply) -> Slot | None:
        return self.slots[0] if self.slots else None

    def answered(self, slot: Slot, reply: Reply) -> bool:
        verb = slot.command.verb
        if verb == GREETING:
            self.phase = Phase.AUTHORIZATION if reply.status == "OK" else Phase.LOGOUT
            return True
        if verb == "QUIT":
            self.phase = Phase.LOGOUT
            return True
        if verb == "USER":
            if reply.status == "OK":
                self._asked = _name(slot.command.args)
            return False
        if verb == "UTF8":
            self.utf8 = self.utf8 or reply.status == "OK"
            return False
        if verb not in ("PASS", "APOP", "AUTH"):
            return False
        asked = self.claimant(slot.command)
        self._sasl = None
        if reply.status != "OK" or asked is None or (verb != "PASS" and not slot.command.args):
            return False  # AUTH alone asks for a list; a password may be empty
        self.user, self.mechanism = asked
        self.phase = Phase.TRANSACTION
        return True

    # -- words ------------------------------------------------------------------------

    def claimant(self, command: Command) -> tuple[str, str] | None:
        if command.verb == "PASS":
            return self._asked, "PASS"
        if command.verb == "APOP":
            name, blank, _ = command.args.rpartition(b" ")
            return _name(name if blank else b""), "APOP"
        if command.verb == "AUTH" and command.args:
            mechanism, _, initial = command.args.partition(b" ")
            exchange = self._sasl or SaslExchange(mechanism.decode("ascii", "replace"))
            if initial and not self._sasl:
                exchange.client(initial)
            return exchange.authzid or exchange.user, mechanism_name(mechanism)
        return None

    def refusal(self, command: Command, kind: Refusal, text: str) -> bytes:
        return f"-ERR {_CODES.get(kind, '')}{text}\r\n".encode("ascii", "replace")

    def accepted(self, command: Command, text: str) -> bytes:
        return f"+OK {text}\r\n".encode("ascii", "replace")

    def farewell(self, text: str) -> bytes:
        return f"-ERR [SYS/TEMP] {text}\r\n".encode("ascii", "replace")

    def rewritten(self, command: Command, verb: str) -> Command | None:
        return None

    def shown(self, command: Command) -> bytes:
        return mask(command.verb, command.args)

    def restarted(self) -> None:
        self._asked = ""


def _has_body(command: Command) -> bool:
    """Is a body behind +OK? With LIST, UIDL and LANG only if they have no argument (RFC 1939 §5)."""
    if command.spec is None:
        return False
    if command.verb == "AUTH":
        return not command.args  # servers that know it answer with a list of mechanisms
    if command.spec.shape is not _BODY:
        return False
    return not (command.args and command.verb in ("LIST", "UIDL", "LANG"))


def _name(octets: bytes) -> str:
    return octets[:512].decode("utf-8", "backslashreplace")

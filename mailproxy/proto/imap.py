r"""IMAP (RFC 3501, 9051): tagged replies, untagged data, and literals wherever a string may stand.

:mod:`~mailproxy.proto.imap_commands` reads the client's half; here is the
server's, and what its replies change. Whether a line of the server ends in a
literal is decided by its last octets; a status response holds free text and so
never has one (RFC 9051 §7.1). Lines without end are passed on in pieces.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from mailproxy.proto.capabilities import Policy, edit_imap_line, imap_capabilities
from mailproxy.proto.dialect import GREETING, Cut, Limits, Refusal, Say, Slot
from mailproxy.proto.imap_args import imap_fields, login_arguments, mask
from mailproxy.proto.imap_commands import CommandReader, is_tag
from mailproxy.proto.imap_literals import Literal, literal_at_end
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.sasl import SaslExchange, mechanism_name
from mailproxy.proto.tokens import BadArguments, Chunk, Command, Phase, Reply, Side, WireError

_STATUSES = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_PIECE = 16_384  # a server's line that is longer is passed on in pieces
_KEEP = 32  # of which so many octets stay back: a literal's header may stand there
_CODES = {
    Refusal.POLICY: "NO [NOPERM] ",
    Refusal.PRIVACY: "NO [PRIVACYREQUIRED] ",
    Refusal.TEMPORARY: "NO [UNAVAILABLE] ",
    Refusal.UNAVAILABLE: "NO [CANNOT] ",
    Refusal.TOO_BIG: "BAD [TOOBIG] ",
}


class _Server(Enum):
    LINE = 0
    LITERAL = 1
    REST = 2  # a response goes on, behind a literal or in a very long line


class Imap:
    """The IMAP dialect; see :class:`~mailproxy.proto.dialect.Dialect`."""

    def __init__(self, policy: Policy, limits: Limits, judged: frozenset[str] = frozenset()) -> None:
        self.inboxes = (Inbox(), Inbox())
        self.slots: deque[Slot] = deque()
        self.policy = policy
        self.phase = Phase.GREETING
        self.user = self.mechanism = self.client_name = self.mailbox = self.sender = ""
        self.recipients = 0
        self.capabilities: frozenset[str] | None = None  # the server's own, as far as it told
        self._commands = CommandReader(self.inboxes[Side.CLIENT], limits, judged, policy.guard, self._takes)
        self._limits = limits
        self._strict = policy.guard
        self._server = _Server.LINE
        self._left = 0  # octets of the server's literal still to come

    @property
    def engaged(self) -> bool:
        return self._commands.engaged

    @property
    def idling(self) -> bool:
        return self._commands.idling

    @property
    def boundary(self) -> bool:
        return self._server is _Server.LINE

    # -- the client's side ------------------------------------------------------------

    def client(self) -> Command | Chunk | Say | Cut | None:
        return self._commands.next()

    def forwarded(self, command: Command) -> bytes:
        if command.verb == "ID":
            self.client_name = _id_name(command.args) or self.client_name
        return self._commands.forwarded(command)

    def refused(self, command: Command) -> None:
        self._commands.refused(command)

    def _takes(self, literal: Literal) -> bool:
        """May this literal go to the server without its "+"? Only as the client's own risk."""
        return not self._strict

    # -- the server's side ------------------------------------------------------------

    def server(self) -> Reply | Chunk | Say | None:
        if self._server is _Server.LITERAL:
            data = self.inboxes[Side.SERVER].take(self._left)
            if not data:
                return None
            self._left -= len(data)
            if not self._left:
                self._server = _Server.REST
            return Chunk(data)
        return self._response_line()

    def _response_line(self) -> Reply | Chunk | Say | None:
        inbox = self.inboxes[Side.SERVER]
        try:
            line = inbox.line(self._limits.reply if self._server is _Server.LINE else _PIECE + _KEEP)
        except LineTooLong:
            return self._long_line()
        if line is None:
            return None
        if self._server is _Server.REST:
            return Chunk(line, end=not self._literal_follows(line))
        return self._head(line)

    def _long_line(self) -> Reply | Chunk | None:
        """A piece of a line whose end has not come, or comes later than a piece is long."""
        piece = self.inboxes[Side.SERVER].take(_PIECE)
        if self._server is _Server.REST:
            return Chunk(piece)
        tag, _, rest = piece.partition(b" ")
        if tag != b"*" or rest.partition(b" ")[0].upper() in _STATUSES | {b"CAPABILITY"}:
            raise WireError(Side.SERVER, "a status line that is too long", piece)
        self._server = _Server.REST
        return Reply(piece, "", tag, more=True, final=False)

    def _literal_follows(self, line: bytes) -> bool:
        literal = literal_at_end(line)
        if literal is None:
            self._server = _Server.LINE
            return False
        self._left = literal.octets
        self._server = _Server.LITERAL if literal.octets else _Server.REST
        return True

    def _head(self, line: bytes) -> Reply | Say:
        tag, _, rest = line.partition(b" ")
        if tag == b"*":
            return self._untagged(line, rest)
        if line[:1] == b"+":
            return self._continuation(line)
        status = rest.partition(b" ")[0].rstrip().upper()
        if status not in (b"OK", b"NO", b"BAD"):
            raise WireError(Side.SERVER, "a line that is no IMAP response", line)
        if rest.find(b"[") >= 0:  # a response code: it may be a list of capabilities
            self._learn(line)
            line = edit_imap_line(line, self.policy)
        slot = self._slot(tag)
        if slot is not None:
            self._commands.over(slot.command)
        return Reply(line, status.decode(), tag)

    def _untagged(self, line: bytes, rest: bytes) -> Reply:
        if b"0" <= rest[:1] <= b"9":  # FETCH, EXISTS ...: the number comes first
            literal = literal_at_end(line)
            if literal is not None:  # most often it is here already, with the end behind it
                line = self.inboxes[Side.SERVER].extended(line, literal.octets, _PIECE) or line
            return Reply(line, "", b"*", more=self._literal_follows(line), final=False)
        name = rest.partition(b" ")[0].rstrip().upper()
        greeting = bool(self.slots) and self.slots[0].verb == GREETING
        if name in _STATUSES or name == b"CAPABILITY":
            self._learn(line)
            return Reply(edit_imap_line(line, self.policy), name.decode(), b"*", final=greeting)
        if greeting:
            raise WireError(Side.SERVER, "a greeting that is no status response", line)
        return Reply(line, "", b"*", more=self._literal_follows(line), final=False)

    def _learn(self, line: bytes) -> None:
        if b"CAPABILITY" in line.upper():
            self.capabilities = imap_capabilities(line) or self.capabilities

    def _continuation(self, line: bytes) -> Reply | Say:
        """RFC 9051 §7.6: the server wants more of the one command that is incomplete."""
        try:
            ours = self._commands.asked()
        except ValueError as error:
            raise WireError(Side.SERVER, str(error), line) from None
        return Reply(line, "+", b"+", final=False) if ours is None else ours

    def _slot(self, tag: bytes) -> Slot | None:
        for slot in self.slots:
            if slot.answer is None and slot.command.tag == tag:
                return slot
        return None

    def held(self) -> bytes:
        return b""

    def skip(self, side: Side, octets: int) -> bool:
        if side is Side.CLIENT:
            return self._commands.skip(octets)
        if self._server is not _Server.LITERAL or octets > self._left:
            return False
        self._left -= octets
        self._server = _Server.LITERAL if self._left else _Server.REST
        return True

    def in_body(self, side: Side) -> bool:
        return False

    def in_literal(self, side: Side) -> bool:
        return self._server is _Server.LITERAL if side is Side.SERVER else self._commands.in_literal

    def slot_of(self, reply: Reply) -> Slot | None:
        if reply.tag == b"*":
            return self.slots[0] if self.slots else None  # the greeting
        return self._slot(reply.tag)

    def answered(self, slot: Slot, reply: Reply) -> bool:
        command, good = slot.command, reply.status == "OK"
        if command.spec is not None and not command.spec.hold:
            return False
        match command.verb:
            case "LOGIN" | "AUTHENTICATE":
                asked = self.claimant(command)
                self._commands.exchange = None
                if good and asked:
                    self.user, self.mechanism = asked
                    self.phase = Phase.TRANSACTION
            case "SELECT" | "EXAMINE":
                if reply.status != "BAD":  # RFC 9051 §6.3.2: a failed SELECT leaves none selected
                    self.mailbox = _mailbox(command) if good else ""
                    self.phase = Phase.SELECTED if good else Phase.TRANSACTION
            case "CLOSE" | "UNSELECT":
                if good:
                    self.mailbox, self.phase = "", Phase.TRANSACTION
            case "LOGOUT":
                self.phase = Phase.LOGOUT
            case _:
                if command.verb != GREETING:
                    return False
                self.phase = {"OK": Phase.AUTHORIZATION, "PREAUTH": Phase.TRANSACTION}.get(
                    reply.status, Phase.LOGOUT
                )
        return True

    # -- words ------------------------------------------------------------------------

    def claimant(self, command: Command) -> tuple[str, str] | None:
        if command.verb == "LOGIN":
            try:
                return login_arguments(command.args)[0], "LOGIN"
            except BadArguments:
                return "", "LOGIN"
        if command.verb != "AUTHENTICATE":
            return None
        mechanism, _, initial = command.args.partition(b" ")
        exchange = self._commands.exchange
        if exchange is None:
            exchange = SaslExchange(mechanism.decode("ascii", "replace"))
            if initial:
                exchange.client(initial)
        return exchange.authzid or exchange.user, mechanism_name(mechanism)

    def refusal(self, command: Command, kind: Refusal, text: str) -> bytes:
        tag = command.tag if is_tag(command.tag) else b"*"
        return tag + b" " + f"{_CODES.get(kind, 'BAD ')}{text}\r\n".encode("ascii", "replace")

    def accepted(self, command: Command, text: str) -> bytes:
        return command.tag + b" OK " + text.encode("ascii", "replace") + b"\r\n"

    def farewell(self, text: str) -> bytes:
        return f"* BYE {text}\r\n".encode("ascii", "replace")

    def rewritten(self, command: Command, verb: str) -> Command | None:
        if verb == "UNSELECT" and not (self.capabilities or frozenset()) & {"UNSELECT", "IMAP4REV2"}:
            return None
        head = command.tag + b" " + verb.encode()
        behind = command.line[len(command.tag) + 1 + len(command.verb) :]
        return Command(verb, head + behind, command.args, VERBS[verb], command.tag, parse=imap_fields)

    def shown(self, command: Command) -> bytes:
        return mask(command.verb, command.args)

    def restarted(self) -> None:
        """What the client said in clear is forgotten (RFC 9051 §6.2.1); the server's leg is another one."""
        self.client_name = ""


def _mailbox(command: Command) -> str:
    try:
        return str(command.fields.get("mailbox", ""))
    except BadArguments:
        return ""


def _id_name(args: bytes) -> str:
    """The program's name in ID (RFC 2971 §3.3)."""
    lowered = args.lower()
    at = lowered.find(b'"name" "')
    if at < 0:
        return ""
    return args[at + 8 : at + 8 + 64].partition(b'"')[0].decode("utf-8", "backslashreplace")

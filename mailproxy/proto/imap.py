r"""IMAP (RFC 3501, 9051): lines, with literals wherever a string may stand.

A command is a line; if it ends in ``{n}``, ``{n+}`` or ``~{n}`` then *n* octets
and the rest of the command follow. Three ways lead through here:

* a command without literals is one token;
* a command that is *judged* (a rule names its verb) is collected with its
  literals before anything of it goes upstream: we ask the client for them
  ourselves, and hand them to the server piece by piece;
* any other command with literals goes through as it comes, and so does a
  message (APPEND, REPLACE) as soon as its mailbox is known.

Non-synchronising literals reach a server only if it offered them (RFC 7888):
to any other server ``{n+}`` is sent as ``{n}``, and we wait for its ``+``
ourselves. Otherwise the literal's octets would be read as commands.

Whether a line of the server ends in a literal is decided by its last octets;
a status response holds free text and so never has one (RFC 9051 §7.1).
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum

from mailproxy.proto.capabilities import Policy, edit_imap_line, imap_capabilities
from mailproxy.proto.dialect import GREETING, Cut, Limits, Refusal, Say, Slot, flaw_of
from mailproxy.proto.imap_args import imap_fields, login_arguments, mask
from mailproxy.proto.imap_literals import Literal, literal_at_end, splits
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.sasl import SaslExchange
from mailproxy.proto.tokens import BadArguments, Chunk, Command, Phase, Reply, Side, WireError

_TAG = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&',-./:;<=>?@[]^_`|~")
_TAG_OCTETS = 64
# Nearly every command: a tag, a word and arguments, in one clean line without a literal.
_PLAIN = re.compile(
    rb"([!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|~]{1,64}) ((?:[Uu][Ii][Dd] )?[A-Za-z]+)"
    rb"(?: ([^\r\n\0]*[^\r\n\0}])?)?\r\n"
)
_TWO_WORDS = frozenset(
    {"FETCH", "STORE", "COPY", "MOVE", "SEARCH", "EXPUNGE", "SORT", "THREAD", "REPLACE"}
) | {"CONVERT"}
_MESSAGES = frozenset({"APPEND", "REPLACE", "UID REPLACE"})
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


class _Client(Enum):
    LINE = 0
    WAIT = 1  # for the server's "+" or its final word
    LITERAL = 2  # octets of a literal
    REST = 3  # the command goes on behind a literal
    RESPONSE = 4  # one line of an AUTHENTICATE exchange
    IDLE = 5  # DONE is the only thing that may come
    DISCARD = 6  # the rest of an over-long line


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
        self._limits = limits
        self._strict = policy.guard
        self._judged = judged
        self._client = _Client.LINE
        self._server = _Server.LINE
        self._partial: Command | None = None  # goes upstream piece by piece
        self._gathered: list[bytes] = []  # octets of the command that is still incomplete
        self._gathered_octets = 0
        self._collecting = False
        self._dropping = False  # the command was refused: what is left of it goes nowhere
        self._left = 0  # octets of the client's literal still to come
        self._ours = False  # the next "+" answers what we turned into a synchronising literal
        self._pieces: deque[bytes] = deque()  # of a collected command; each waits for a "+"
        self._server_left = 0
        self._sasl: SaslExchange | None = None

    @property
    def engaged(self) -> bool:
        return self._client not in (_Client.LINE, _Client.WAIT) or bool(self._gathered)

    @property
    def boundary(self) -> bool:
        return self._server is _Server.LINE

    # -- the client's side ------------------------------------------------------------

    def client(self) -> Command | Chunk | Say | Cut | None:
        match self._client:
            case _Client.LINE | _Client.REST:
                return self._line()
            case _Client.LITERAL:
                return self._literal()
            case _Client.RESPONSE:
                return self._response()
            case _Client.IDLE:
                return self._done()
            case _Client.DISCARD if self.inboxes[Side.CLIENT].skip_line():
                self._client = _Client.LINE
                return Command("", b"", flaw="a line that is too long")
            case _:
                return None

    def _line(self) -> Command | Chunk | Say | Cut | None:
        inbox = self.inboxes[Side.CLIENT]
        try:
            line = inbox.line(self._limits.line)
        except LineTooLong:
            if self._client is _Client.REST:
                return self._cut("a command that is too long")
            self._client = _Client.DISCARD
            return self.client()
        if line is None:
            return None
        return self._first(line) if self._client is _Client.LINE else self._next(line)

    def _first(self, line: bytes) -> Command | Chunk | Say | Cut | None:
        """The line a command begins with (RFC 9051 §2.2.1)."""
        plain = _PLAIN.fullmatch(line)
        if plain is not None:
            tag, word, args = plain.groups(b"")
            name = word.upper().decode("ascii")
            return Command(name, line, args, VERBS.get(name), tag, parse=imap_fields)
        tag, name, args = _split(line)
        flaw = _flaw(line, tag)
        literal = literal_at_end(line) if line.endswith(b"}\r\n") else None
        command = Command(name, line, args, VERBS.get(name), tag, flaw, parse=imap_fields)
        if literal is None or (flaw and self._strict):
            return command
        if literal.look_alike:
            command.flaw = "a quoted string without its end"
            return command
        return self._begin(command, literal)

    def _begin(self, command: Command, literal: Literal) -> Command | Chunk | Say | Cut | None:
        command.partial = True
        streams = command.verb in _MESSAGES and _mailbox_is_known(command)
        if not streams and literal.octets > self._limits.literal:
            return self._too_big(command, literal)
        self._partial = command
        self._left = literal.octets
        if command.verb in self._judged and not streams:
            self._collecting = True
            return self._gather(command.line, literal)
        if not streams:
            self._remember(command.line)
        return command

    def _gather(self, line: bytes, literal: Literal) -> Say | None:
        self._remember(line)
        self._client = _Client.LITERAL if literal.octets else _Client.REST
        self._left = literal.octets
        if literal.synchronising:
            return Say(Side.CLIENT, b"+ Ready for literal data\r\n")
        return self.client()  # type: ignore[return-value]

    def _remember(self, octets: bytes) -> None:
        """Keep a command's octets, to know later what it asked for."""
        self._gathered.append(octets)
        self._gathered_octets += len(octets)

    def _too_big(self, command: Command, literal: Literal) -> Command | Cut:
        if literal.synchronising:
            command.flaw, command.partial = "a literal that is too big", False
            return command
        return Cut(
            self.refusal(command, Refusal.TOO_BIG, "The literal is too big") + self.farewell("Closing"),
            "a literal that is too big",
        )

    def _literal(self) -> Command | Chunk | Say | Cut | None:
        data = self.inboxes[Side.CLIENT].take(self._left)
        if not data:
            return None
        self._left -= len(data)
        if not self._left:
            self._client = _Client.REST
        if self._dropping:
            return Chunk(b"")
        if self._collecting:
            self._remember(data)
            return self.client() if not self._left else None
        secret = bool(self._partial and self._partial.spec and self._partial.spec.secret)
        if self._gathered:
            self._remember(data)
        return Chunk(data, secret=secret)

    def _next(self, line: bytes) -> Command | Chunk | Say | Cut | None:
        """The rest of a command, behind a literal: a blank, a parenthesis or the end."""
        command = self._partial
        assert command is not None
        sound = line[:1] in b" )\r" and not flaw_of(line)
        if not sound and (self._strict or self._collecting):
            return self._cut("octets behind a literal that cannot stand there")
        literal = literal_at_end(line) if line.endswith(b"}\r\n") else None
        if self._dropping:
            return self._drop_on(literal)
        if literal and (literal.look_alike or self._over_limit(literal)):
            return self._cut("a literal that is too big or in a quoted string")
        if self._collecting:
            if literal:
                return self._gather(line, literal)
            self._remember(line)
            return self._collected(command)
        return self._pass_on(command, line, literal)

    def _over_limit(self, literal: Literal) -> bool:
        message = self._partial is not None and self._partial.verb in _MESSAGES
        return not message and self._gathered_octets + literal.octets > self._limits.literal

    def _drop_on(self, literal: Literal | None) -> Chunk:
        """What is left of a refused command; a client that still waits for "+" got its answer instead."""
        if literal and not literal.synchronising:
            self._left = literal.octets
            self._client = _Client.LITERAL if literal.octets else _Client.REST
        else:
            self._end()
        return Chunk(b"")

    def _collected(self, command: Command) -> Command:
        whole = b"".join(self._gathered)
        self._end()
        _, _, args = _split(whole)
        return Command(command.verb, whole, args, command.spec, command.tag, parse=imap_fields)

    def _pass_on(self, command: Command, line: bytes, literal: Literal | None) -> Chunk:
        if self._gathered:
            self._remember(line)
        secret = bool(command.spec and command.spec.secret)
        if literal:
            return Chunk(self._announce(line, literal), secret=secret)
        if self._gathered:
            command.line = b"".join(self._gathered)
            command.args = _split(command.line)[2]
        command.partial = False
        self._end()
        return Chunk(line, end=True, secret=secret)

    def _announce(self, line: bytes, literal: Literal) -> bytes:
        """A line that ends in a literal goes upstream: wait for "+" if the server will send one."""
        self._left = literal.octets
        self._ours = False
        if literal.synchronising:
            self._client = _Client.WAIT
            return line
        if self._takes(literal):
            self._client = _Client.LITERAL if literal.octets else _Client.REST
            return line
        self._ours = True
        self._client = _Client.WAIT
        return literal.synchronised(line)

    def _takes(self, literal: Literal) -> bool:
        """Does the server take this literal without being asked (RFC 7888 §4, §5)?"""
        if not self._strict and self.capabilities is None:
            return True
        have = self.capabilities or frozenset()
        return "LITERAL+" in have or (literal.octets <= 4096 and bool(have & {"LITERAL-", "IMAP4REV2"}))

    def _cut(self, why: str) -> Cut:
        tag = self._partial.tag if self._partial else b"*"
        self._end()
        return Cut(tag + b" BAD " + why.encode() + b"\r\n* BYE Closing\r\n", why)

    def _end(self) -> None:
        self._client = _Client.LINE
        self._partial = None
        self._collecting = self._dropping = self._ours = False
        self._gathered, self._gathered_octets = [], 0

    def _response(self) -> Chunk | Cut | None:
        try:
            line = self.inboxes[Side.CLIENT].line(self._limits.line)
        except LineTooLong:
            return self._cut("a SASL response that is too long")
        if line is None:
            return None
        if self._strict and flaw_of(line):
            return self._cut(flaw_of(line))
        if self._sasl:
            self._sasl.client(line.rstrip(b"\r\n"))
            if self._strict and self._sasl.flaw:
                return self._cut(self._sasl.flaw)
        self._client = _Client.WAIT
        return Chunk(line, secret=True)

    def _done(self) -> Chunk | Cut | None:
        """RFC 9051 §6.3.13: nothing but DONE may end IDLE."""
        try:
            line = self.inboxes[Side.CLIENT].line(self._limits.line)
        except LineTooLong:
            return self._cut("a line that is too long")
        if line is None:
            return None
        if self._strict and line.upper() != b"DONE\r\n":
            return self._cut("only DONE ends IDLE")
        self._client = _Client.LINE
        return Chunk(line)

    def forwarded(self, command: Command) -> bytes:
        match command.verb:
            case "AUTHENTICATE":
                mechanism, _, initial = command.args.partition(b" ")
                self._sasl = SaslExchange(mechanism.decode("ascii", "replace"))
                if initial:
                    self._sasl.client(initial)
                self._client = _Client.WAIT
            case "IDLE":
                self._client = _Client.WAIT
            case "ID":
                self.client_name = _id_name(command.args) or self.client_name
        if command.partial:
            literal = literal_at_end(command.line)
            assert literal is not None
            return self._announce(command.line, literal)
        if command.line.find(b"}\r\n", 0, -3) < 0:
            return command.line
        first, *rest = splits(command.line, self._takes)
        self._pieces.extend(rest)
        if rest:
            self._client = _Client.WAIT
        return first

    def refused(self, command: Command) -> None:
        if not command.partial:
            return
        literal = literal_at_end(command.line)
        if literal is None or literal.synchronising:
            self._end()  # the client takes our answer for the missing "+"
            return
        self._dropping, self._left = True, literal.octets
        self._gathered = []
        self._client = _Client.LITERAL if literal.octets else _Client.REST

    # -- the server's side ------------------------------------------------------------

    def server(self) -> Reply | Chunk | Say | None:
        if self._server is _Server.LITERAL:
            data = self.inboxes[Side.SERVER].take(self._server_left)
            if not data:
                return None
            self._server_left -= len(data)
            if not self._server_left:
                self._server = _Server.REST
            return Chunk(data)
        return self._response_line()

    def _response_line(self) -> Reply | Chunk | Say | None:
        inbox = self.inboxes[Side.SERVER]
        try:
            line = inbox.line(self._limits.reply if self._server is _Server.LINE else _PIECE)
        except LineTooLong:
            return self._long_line()
        if line is None:
            return self._long_line() if self._server is _Server.REST and len(inbox) > _PIECE else None
        if self._server is _Server.REST:
            return Chunk(line, end=not self._literal_follows(line))
        return self._head(line)

    def _long_line(self) -> Reply | Chunk | None:
        """A piece of a line whose end has not come, or comes later than a piece is long."""
        inbox = self.inboxes[Side.SERVER]
        piece = inbox.take(min(_PIECE, len(inbox) - _KEEP))
        if self._server is _Server.REST:
            return Chunk(piece)
        tag, _, rest = piece.partition(b" ")
        if tag != b"*" or rest.partition(b" ")[0].upper() in _STATUSES | {b"CAPABILITY"}:
            raise WireError(Side.SERVER, "a status line that is too long", piece)
        self._server = _Server.REST
        return Reply(piece, "", tag, more=True, final=False)

    def _literal_follows(self, line: bytes) -> bool:
        literal = literal_at_end(line) if line.endswith(b"}\r\n") else None
        if literal is None or literal.look_alike:
            self._server = _Server.LINE
            return False
        self._server_left = literal.octets
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
        self._command_is_over(tag)
        return Reply(line, status.decode(), tag)

    def _untagged(self, line: bytes, rest: bytes) -> Reply:
        if b"0" <= rest[:1] <= b"9":  # FETCH, EXISTS ...: the number comes first
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
        if self._pieces:
            piece = self._pieces.popleft()
            if not self._pieces:
                self._client = _Client.LINE
            return Say(Side.SERVER, piece)
        if self._client is not _Client.WAIT:
            raise WireError(Side.SERVER, "a continuation request that nobody waits for", line)
        if self._partial is not None:
            self._client = _Client.LITERAL if self._left else _Client.REST
            return Say(Side.SERVER, b"") if self._ours else Reply(line, "+", b"+", final=False)
        idle = any(slot.verb == "IDLE" and slot.answer is None for slot in self.slots)
        self._client = _Client.IDLE if idle else _Client.RESPONSE
        return Reply(line, "+", b"+", final=False)

    def _command_is_over(self, tag: bytes) -> None:
        """The server's final word may come while it was still to be asked for a literal or a response."""
        if self._client is _Client.LINE:
            return
        slot = self._slot(tag)
        if slot is None:
            return
        if self._pieces and slot is self._last_forwarded():
            self._pieces.clear()
            self._client = _Client.LINE
        elif self._partial is slot.command and self._client is _Client.WAIT:
            if self._ours:  # the client sends the literal without waiting
                self._dropping, self._gathered = True, []
                self._client = _Client.LITERAL if self._left else _Client.REST
            else:
                self._end()
        elif slot.verb in ("IDLE", "AUTHENTICATE") and self._client is not _Client.DISCARD:
            self._client = _Client.LINE

    def _last_forwarded(self) -> Slot | None:
        return next((slot for slot in reversed(self.slots) if slot.answer is None), None)

    def _slot(self, tag: bytes) -> Slot | None:
        for slot in self.slots:
            if slot.answer is None and slot.command.tag == tag:
                return slot
        return None

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
                self._sasl = None
                if good and asked:
                    self.user, self.mechanism = asked
                    self.phase = Phase.TRANSACTION
                    self._forget_capabilities(reply)
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

    def _forget_capabilities(self, reply: Reply) -> None:
        """A server may offer other things after the login (RFC 9051 §6.2.2); of the old list only the
        literals it takes are still believed: those do not change in the middle of a session."""
        if self.capabilities is not None and b"[CAPABILITY" not in reply.data.upper():
            self.capabilities &= {"LITERAL+", "LITERAL-", "IMAP4REV2", "UNSELECT"}

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
        exchange = self._sasl or SaslExchange(mechanism.decode("ascii", "replace"))
        if initial and not self._sasl:
            exchange.client(initial)
        return exchange.authzid or exchange.user, mechanism.upper().decode("ascii", "replace")

    def refusal(self, command: Command, kind: Refusal, text: str) -> bytes:
        tag = command.tag if _is_tag(command.tag) else b"*"
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
        """RFC 9051 §6.2.1: capabilities learnt before are forgotten, also those of the server's side."""
        self.client_name = ""


def _split(line: bytes) -> tuple[bytes, str, bytes]:
    """Tag, verb (with UID in front where it belongs) and arguments of a command line."""
    text = line[:-2] if line.endswith(b"\r\n") else line.rstrip(b"\r\n")
    tag, _, rest = text.partition(b" ")
    word, _, args = rest.partition(b" ")
    name = word.upper().decode("ascii", "replace")
    if name == "UID":
        second, _, behind = args.partition(b" ")
        two = second.upper().decode("ascii", "replace")
        if two in _TWO_WORDS:
            return tag, f"UID {two}", behind
    return tag, name, args


def _is_tag(tag: bytes) -> bool:
    return 0 < len(tag) <= _TAG_OCTETS and _TAG.issuperset(tag)


def _flaw(line: bytes, tag: bytes) -> str:
    flaw = flaw_of(line)
    if flaw:
        return flaw
    return "" if _is_tag(tag) else "a tag that is none (RFC 9051 §2.2.1)"


def _mailbox_is_known(command: Command) -> bool:
    try:
        return bool(command.fields)
    except BadArguments:
        return True  # whatever it is, it is not to be collected: the rule's judge says what becomes of it


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

r"""The client's half of IMAP: its octets cut into commands (RFC 9051 §2.2.1, §4.3).

A command is a line; if it ends in ``{n}``, ``{n+}`` or ``~{n}`` then *n* octets
and the rest of the command follow. Three ways lead through here:

* a command without literals is one token;
* a command that is *judged* (a rule names its verb) is collected with its
  literals before anything of it goes upstream: we ask the client for them
  ourselves, and hand them to the server piece by piece. So are SELECT and EXAMINE
  of a guarding listener, since what they name is what later rules ask for;
* any other command with literals goes through as it comes, and so does a
  message (APPEND, REPLACE) as soon as its mailbox is known.

Non-synchronising literals never reach a server from a guarding listener, not
even one that offers them (RFC 7888): ``{n+}`` is sent as ``{n}``, and we wait
for its ``+`` ourselves. A server does not ask for a literal where it expects
none, but it may skip such a header, and read the octets behind it as commands.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from enum import Enum

from mailproxy.proto.dialect import Cut, Limits, Say, flaw_of
from mailproxy.proto.imap_args import imap_fields, login_arguments
from mailproxy.proto.imap_literals import Literal, ends_like_a_literal, literal_at_end, splits
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.sasl import SaslExchange
from mailproxy.proto.tokens import BadArguments, Chunk, Command, Side, WireError

Token = Command | Chunk | Say | Cut

_TAG = re.compile(rb"[!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|~]{1,64}")
# Nearly every command: a tag, a word and arguments, in one clean line without a literal.
_PLAIN = re.compile(
    rb"(" + _TAG.pattern + rb") ((?:[Uu][Ii][Dd] )?[A-Za-z]+)(?: ([^\r\n\0]*[^\r\n\0}])?)?\r\n"
)
_MESSAGES = frozenset({"APPEND", "REPLACE", "UID REPLACE"})
_SELECTING = frozenset({"SELECT", "EXAMINE"})


class _Mode(Enum):
    LINE = 0
    WAIT = 1  # for the server's "+" or its final word
    LITERAL = 2  # octets of a literal
    REST = 3  # the command goes on behind a literal
    RESPONSE = 4  # one line of an AUTHENTICATE exchange
    IDLE = 5  # DONE is the only thing that may come
    DISCARD = 6  # the rest of an over-long line


class _Way(Enum):
    """What becomes of the octets of the command that is under way."""

    PASS = 0  # upstream, as they come
    COLLECT = 1  # kept until the command is complete
    DROP = 2  # nowhere: it was refused


class CommandReader:
    """Cuts the client's octets; :class:`~mailproxy.proto.imap.Imap` tells it what the server said."""

    def __init__(
        self,
        inbox: Inbox,
        limits: Limits,
        judged: frozenset[str],
        strict: bool,
        takes: Callable[[Literal], bool],
    ) -> None:
        """``takes`` says whether the server takes a literal without being asked."""
        self._inbox = inbox
        self._limits = limits
        self._judged = judged
        self._strict = strict
        self._takes = takes
        self._mode = _Mode.LINE
        self._way = _Way.PASS
        self._current: Command | None = None  # not complete, or in a dialogue with the server
        self._kept: list[bytes] = []  # its octets so far, where they have to be known
        self._kept_octets = 0
        self._left = 0  # octets of the literal that are still to come
        self._pieces: deque[bytes] = deque()  # of what was collected; each waits for a "+"
        self._answered = False  # the server's final word came before the command's end
        self._ours = False  # the next "+" answers a literal that is synchronising only upstream
        self._then = _Mode.LINE  # what the client sends once the server said "+"
        self.exchange: SaslExchange | None = None  # of the AUTHENTICATE that is under way

    @property
    def idling(self) -> bool:
        """Is nothing due from the client, though it may say DONE at any time?"""
        return self._mode is _Mode.IDLE

    @property
    def engaged(self) -> bool:
        """Is the client in the middle of a command, or asked to go on with one?"""
        return self._mode not in (_Mode.LINE, _Mode.WAIT)

    @property
    def in_literal(self) -> bool:
        """Are the next octets those of a literal?"""
        return self._mode is _Mode.LITERAL

    def skip(self, octets: int) -> bool:
        """So many octets of a literal were never seen; False when they are not all in it."""
        if self._mode is not _Mode.LITERAL or octets > self._left:
            return False
        self._left -= octets
        if not self._left:
            self._mode = _Mode.REST
        return True

    def next(self) -> Token | None:
        """The next token; None when octets are missing, or the server must speak first."""
        match self._mode:
            case _Mode.LINE | _Mode.REST:
                return self._line()
            case _Mode.LITERAL:
                return self._literal()
            case _Mode.RESPONSE | _Mode.IDLE:
                return self._dialogue()
            case _Mode.DISCARD:
                return self._discarded()
            case _:
                return None

    def _discarded(self) -> Token | None:
        tail = self._inbox.skip_line()
        if tail is None:
            return None
        self._mode = _Mode.LINE
        if tail.endswith(b"+}\r\n"):  # what follows would be taken for commands
            return self._cut("a line that is too long, with a literal")
        return Command("", b"", flaw="a line that is too long")

    # -- commands -----------------------------------------------------------------------

    def _line(self) -> Token | None:
        begins = self._mode is _Mode.LINE
        try:
            line = self._inbox.line(self._limits.line)
        except LineTooLong:
            if not begins or not self._strict:
                return self._cut("a command that is too long")
            self._mode = _Mode.DISCARD
            return self.next()
        if line is None:
            return None
        return self._first(line) if begins else self._behind_literal(line)

    def _first(self, line: bytes) -> Token | None:
        plain = _PLAIN.fullmatch(line)
        if plain is not None:
            tag, word, args = plain.groups(b"")
            name = word.upper().decode("ascii")
            command = Command(name, line, args, VERBS.get(name), tag, parse=imap_fields)
            if args and name == "IDLE":
                command.flaw = "IDLE takes no argument"
            elif name in _SELECTING:
                command.flaw = _unselectable(command)
            return command
        tag, name, args = split(line)
        flaw = flaw_of(line) or ("" if is_tag(tag) else "a tag that is none (RFC 9051 §2.2.1)")
        command = Command(name, line, args, VERBS.get(name), tag, flaw, parse=imap_fields)
        literal = literal_at_end(line)
        if ends_like_a_literal(line) and (literal is None or literal.odd):
            command.flaw = flaw = flaw or "the header of a literal that is none"
        if name == "IDLE" and args:  # servers skip them, and their "+" is not for a literal
            command.flaw = flaw = flaw or "IDLE takes no argument"
        if literal is None:
            if flaw and self._strict and line.endswith(b"+}\r\n"):
                self._current = command
                return self._cut(flaw)
            if name in _SELECTING:
                command.flaw = flaw or _unselectable(command)
            return command
        if literal.look_alike:
            flaw = flaw or "a quoted string without its end"
        if flaw and self._strict:
            command.flaw = flaw
            if literal.synchronising:
                return command
            self._current = command
            return self._cut(flaw)  # the octets that come unasked would be read as commands
        if literal.look_alike:
            return command
        return self._begins_with_literal(command, literal)

    def _begins_with_literal(self, command: Command, literal: Literal) -> Token | None:
        command.partial = True
        self._current = command
        if self._streams(command):
            return command
        if literal.octets > self._limits.literal:
            if not self._strict:
                return self._cut("a literal that is too big", command.line)
            return self._too_big(command, literal)
        self._keep(command.line)
        if command.verb in self._judged or (self._strict and command.verb in _SELECTING):
            self._way = _Way.COLLECT
            return self._collect(literal)
        return command

    def _streams(self, command: Command) -> bool:
        """Is the literal at its end a message, which is never held?"""
        if command.verb not in _MESSAGES:
            return False
        try:
            return bool(command.fields)
        except BadArguments:
            return True  # whatever it is, it is not a mailbox name to be waited for

    def _too_big(self, command: Command, literal: Literal) -> Command | Cut:
        self._end()
        if not literal.synchronising:  # the client sends it without waiting for our answer
            return Cut(
                command.tag + b" BAD [TOOBIG] The literal is too big\r\n* BYE Closing\r\n",
                "a literal that is too big",
            )
        command.flaw, command.partial = "a literal that is too big", False
        return command

    def _keep(self, octets: bytes) -> None:
        self._kept.append(octets)
        self._kept_octets += len(octets)

    def _collect(self, literal: Literal) -> Token | None:
        self._await(literal)
        if literal.synchronising:
            return Say(Side.CLIENT, b"+ Ready for literal data\r\n")
        return Chunk(b"")

    def _await(self, literal: Literal) -> None:
        self._left = literal.octets
        self._mode = _Mode.LITERAL if literal.octets else _Mode.REST

    def _literal(self) -> Token | None:
        data = self._inbox.take(self._left)
        if not data:
            return None
        self._left -= len(data)
        if not self._left:
            self._mode = _Mode.REST
        if self._kept:
            self._keep(data)
        return Chunk(data if self._way is _Way.PASS else b"", secret=self._is_secret())

    def _is_secret(self) -> bool:
        command = self._current
        return command is not None and command.spec is not None and command.spec.secret

    def _behind_literal(self, line: bytes) -> Token | None:
        """The rest of a command: a blank, a parenthesis or the end."""
        sound = line[:1] in b" )\r" and not flaw_of(line)
        if not sound and self._strict:
            return self._cut("octets behind a literal that cannot stand there")
        literal = literal_at_end(line)
        if self._strict and ends_like_a_literal(line) and (literal is None or literal.odd):
            return self._cut("the header of a literal that is none")
        if self._way is _Way.DROP:
            return self._drop_on(literal)
        if literal and (literal.look_alike or self._too_much(literal)):
            return self._cut("a literal that is too big or in a quoted string", line)
        if self._kept:
            self._keep(line)
        return self._collected(literal) if self._way is _Way.COLLECT else self._pass_on(line, literal)

    def _too_much(self, literal: Literal) -> bool:
        """Literals that are kept are limited in sum, so that a thousand small ones are no way round."""
        command = self._current
        message = command is not None and command.verb in _MESSAGES
        return not message and self._kept_octets + literal.octets > self._limits.literal

    def _drop_on(self, literal: Literal | None) -> Chunk:
        """What is left of a refused command; a client that waits for "+" has its answer already."""
        if literal and not literal.synchronising:
            self._await(literal)
        else:
            self._end()
        return Chunk(b"")

    def _collected(self, literal: Literal | None) -> Token | None:
        """All of it is here, or all but a message."""
        current = self._current
        if literal is not None and (current is None or current.verb not in _MESSAGES):
            return self._collect(literal)
        command = self._whole()
        if literal is None:
            self._end()
            if command.verb in _SELECTING:
                command.flaw = _unselectable(command)
            return command
        command.partial = True
        if not self._streams(command):
            return self._collect(literal)
        self._end()
        self._current = command
        return command

    def _whole(self) -> Command:
        line = b"".join(self._kept)
        tag, name, args = split(line)
        return Command(name, line, args, VERBS.get(name), tag, parse=imap_fields)

    def _pass_on(self, line: bytes, literal: Literal | None) -> Chunk | Cut:
        command, secret = self._current, self._is_secret()
        if self._kept and command is not None and (literal is None or command.verb in _MESSAGES):
            whole = self._whole()
            command.line, command.args = whole.line, whole.args  # what it was is known only now
            self._kept, self._kept_octets = [], 0  # of a message, nothing is kept
        if literal is not None:
            if command is not None and command.verb in _MESSAGES and command.verb in self._judged:
                return self._cut("a second message in one command, which no rule can judge")
            if self._answered:
                return self._cut("a literal of a command that the server has answered already", line)
            return Chunk(self._announce(line, literal), secret=secret)
        if command is not None:
            command.partial = False
            if self._strict and command.verb == "LOGIN" and not is_login(command.args):
                return self._cut("a LOGIN that does not say clearly who logs in")
        self._end()
        return Chunk(line, end=True, secret=secret)

    def _announce(self, line: bytes, literal: Literal) -> bytes:
        """A line that ends in a literal goes upstream; returns it as the server takes it."""
        self._await(literal)
        self._ours = not literal.synchronising and not self._takes(literal)
        if literal.synchronising or self._ours:
            self._then, self._mode = self._mode, _Mode.WAIT
        return literal.synchronised(line) if self._ours else line

    def _cut(self, why: str, taken: bytes = b"") -> Cut:
        """Raises WireError where all is only observed: then it goes on unread, ``taken`` first."""
        if not self._strict:
            raise WireError(Side.CLIENT, why, taken)
        tag = self._current.tag if self._current is not None and is_tag(self._current.tag) else b"*"
        self._end()
        return Cut(tag + b" BAD " + why.encode() + b"\r\n* BYE Closing\r\n", why)

    def _end(self) -> None:
        self._mode, self._way, self._current = _Mode.LINE, _Way.PASS, None
        self._kept, self._kept_octets, self._ours, self._answered = [], 0, False, False

    # -- dialogues ----------------------------------------------------------------------

    def _dialogue(self) -> Token | None:
        """A line of AUTHENTICATE, or DONE: nothing else may end IDLE (RFC 9051 §6.3.13)."""
        try:
            line = self._inbox.line(self._limits.line)
        except LineTooLong:
            return self._cut("a line that is too long")
        if line is None:
            return None
        if self._strict and flaw_of(line):
            return self._cut("a line that is none")
        if self._mode is _Mode.IDLE:
            if self._strict and line.upper() != b"DONE\r\n":
                return self._cut("only DONE ends IDLE")
            self._end()
            return Chunk(line)
        if self.exchange is not None:
            self.exchange.client(line.rstrip(b"\r\n"))
            if self._strict and self.exchange.flaw:
                return self._cut(self.exchange.flaw)
        self._mode = _Mode.WAIT
        return Chunk(line, secret=True)

    # -- what became of a command, and what the server said ----------------------------------

    def forwarded(self, command: Command) -> bytes:
        """It goes upstream; returns the octets to send now."""
        pieces = deque([command.line])
        if command.line.find(b"}\r\n", 0, -2) >= 0:
            pieces.extend(splits(pieces.pop(), self._takes))
        first = pieces.popleft()
        self._pieces = pieces
        if pieces:
            self._current, self._mode = command, _Mode.WAIT
            return first
        return self._complete(command, first)

    def _complete(self, command: Command, last: bytes) -> bytes:
        """Its last octets that are here go upstream; returns them as the server takes them."""
        if command.partial:
            literal = literal_at_end(command.line)
            assert literal is not None, "what is missing of it is a literal"
            return self._announce(last, literal)
        self._mode = _Mode.LINE
        if self._current is not None:
            self._end()
        if command.verb in ("IDLE", "AUTHENTICATE"):
            self._current, self._mode = command, _Mode.WAIT
            self._then = _Mode.IDLE if command.verb == "IDLE" else _Mode.RESPONSE
        if command.verb == "AUTHENTICATE":
            mechanism, _, initial = command.args.partition(b" ")
            self.exchange = SaslExchange(mechanism.decode("ascii", "replace"))
            if initial:
                self.exchange.client(initial)
        return last

    def refused(self, command: Command) -> None:
        """It was answered here; what the client still sends of it goes nowhere."""
        literal = literal_at_end(command.line) if command.partial else None
        self._end()
        if literal is not None and not literal.synchronising:
            self._current, self._way = command, _Way.DROP
            self._await(literal)

    def asked(self) -> Say | None:
        """The server said "+"; returns what it gets, None when the client is the one to go on.

        Raises:
            ValueError: nobody waits for it.
        """
        if self._mode is not _Mode.WAIT or self._current is None:
            raise ValueError("a continuation request that nobody waits for")
        if self._pieces:
            piece = self._pieces.popleft()
            return Say(Side.SERVER, piece if self._pieces else self._complete(self._current, piece))
        self._mode = self._then
        return Say(Side.SERVER, b"") if self._ours else None

    def over(self, command: Command) -> None:
        """The server's final word on a command, which may come before the command is complete."""
        if command is not self._current:
            return
        self._answered = True
        if self._ours and self._mode is _Mode.WAIT and not self._pieces:
            self._way, self._mode = _Way.DROP, self._then  # the client sends the literal without waiting
            self._kept = []
        elif self._mode in (_Mode.WAIT, _Mode.RESPONSE, _Mode.IDLE):
            drops = self._pieces and command.partial
            self._pieces.clear()
            self._end()
            if drops:
                self.refused(command)


def split(line: bytes) -> tuple[bytes, str, bytes]:
    """Tag, verb (with UID in front where it belongs) and arguments of a command line."""
    text = line[:-2] if line.endswith(b"\r\n") else line.rstrip(b"\r\n")
    tag, _, rest = text.partition(b" ")
    word, _, args = rest.partition(b" ")
    if word.upper() == b"UID":
        second, _, args = args.partition(b" ")
        word += b" " + second
    return tag, word.upper().decode("ascii", "replace"), args


def is_login(args: bytes) -> bool:
    """Is it clear which user a LOGIN with these arguments is for?"""
    try:
        return bool(login_arguments(args)[0])
    except BadArguments:
        return False


def _unselectable(command: Command) -> str:
    """Why a server could select another mailbox than the one that is read here; empty if it cannot."""
    misfit = command.misfit
    return f"{command.verb} does not name its mailbox clearly: {misfit}" if misfit else ""


def is_tag(tag: bytes) -> bool:
    """Is it what RFC 9051 §9 calls a tag, and of a length that is to be echoed?"""
    return _TAG.fullmatch(tag) is not None

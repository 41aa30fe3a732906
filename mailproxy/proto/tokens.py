"""What the bytes of a mail session are cut into.

A *dialect* (:mod:`~mailproxy.proto.dialect`) turns the bytes of each side into
tokens. The client sends a :class:`Command` and :class:`Chunk`; the server sends
a :class:`Reply` and :class:`Chunk`. Tokens hold the bytes as they arrived, so
that what is forwarded is what came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any


class Side(IntEnum):
    """A peer of the session; also the index into pairs kept for both."""

    CLIENT = 0
    SERVER = 1

    @property
    def other(self) -> Side:
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class Phase(Enum):
    """Where a session stands, in the words of RFC 1939 §3 and RFC 9051 §3."""

    GREETING = "greeting"
    AUTHORIZATION = "authorization"  # IMAP: not authenticated; SMTP: before MAIL is allowed
    TRANSACTION = "transaction"  # IMAP: authenticated; SMTP: after EHLO
    SELECTED = "selected"  # IMAP only
    MAIL = "mail"  # SMTP only: a mail transaction is open (RFC 5321 §3.3)
    LOGOUT = "logout"


class Shape(Enum):
    """How the end of a reply is found."""

    LINE = "line"  # POP3: one line
    BODY = "body"  # POP3: after +OK, lines up to a lone dot
    SASL = "sasl"  # a dialogue of challenges ends in a status
    TAGGED = "tagged"  # IMAP
    CODES = "codes"  # SMTP: lines with the same code


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of a protocol's table: all that the proxy knows of a command.

    ``fields`` are the names a rule may use for it beside those of the session.
    ``hold`` says that commands sent behind this one wait for its reply,
    because the reply changes how they are read or judged.
    ``refused`` is the reason why we answer it ourselves, always: what it
    would start cannot be followed (empty: it is forwarded).
    ``alone`` says that it waits itself until all before it is answered.
    """

    name: str
    rfc: str
    phases: frozenset[Phase]
    shape: Shape
    fields: tuple[str, ...] = ()
    removes: bool = False
    secret: bool = False
    hold: bool = False
    refused: str = ""
    alone: bool = False


class Command:
    """One command of the client, complete: ``line`` is every octet of it.

    ``verb`` is the upper-case name (``"DELE"``, ``"UID STORE"``); ``spec`` is
    its row, or None when the protocol does not know it. ``args`` are the octets
    behind the verb as they were sent, without the line end. ``flaw`` says why
    two parsers could read the line in two ways; such a command is never
    forwarded by a guarding listener. ``partial`` marks an IMAP command that is
    forwarded while a literal of it is still to come.
    """

    __slots__ = ("_fields", "_parse", "args", "flaw", "line", "partial", "spec", "tag", "verb")

    def __init__(
        self,
        verb: str,
        line: bytes,
        args: bytes = b"",
        spec: Verb | None = None,
        tag: bytes = b"",
        flaw: str = "",
        partial: bool = False,
        parse: Callable[[Command], dict[str, Any]] | None = None,
    ) -> None:
        self.verb = verb
        self.line = line
        self.args = args
        self.spec = spec
        self.tag = tag
        self.flaw = flaw
        self.partial = partial
        self._parse = parse
        self._fields: dict[str, Any] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The arguments by name, parsed when first asked for.

        Raises:
            BadArguments: they do not follow the verb's grammar.
        """
        return self._read()

    @property
    def misfit(self) -> str:
        """Why the arguments do not follow the verb's grammar; empty when they do."""
        try:
            self._read()
        except BadArguments as error:
            return str(error)
        return ""

    def _read(self) -> dict[str, Any]:
        if self._fields is None:
            self._fields = self._parse(self) if self._parse else {}
        return self._fields

    def __repr__(self) -> str:  # never the arguments: they may hold a password
        return f"<Command {self.verb or '?'} {len(self.line)} octets>"


@dataclass(slots=True)
class Reply:
    """The head of a server's reply: a status, or an untagged IMAP response.

    ``data`` is every octet of it. ``status`` is ``OK``, ``ERR``, ``NO``,
    ``BAD``, ``PREAUTH``, ``BYE``, ``+`` or an SMTP code, and empty for an
    untagged response with data. ``tag`` is ``*`` or ``+`` or the tag of an IMAP command.
    ``more`` means that chunks follow; the last one has ``end`` set.
    ``final`` means that the command it answers is over when the reply is.
    """

    data: bytes
    status: str
    tag: bytes = b""
    more: bool = False
    final: bool = True


@dataclass(slots=True)
class Chunk:
    """Octets inside a body, a literal or a SASL exchange, as they arrived."""

    data: bytes
    end: bool = False
    secret: bool = False


class WireError(Exception):
    """The bytes of ``side`` cannot be read any further; the session ends.

    ``taken`` are octets that were already taken out of the inbox, and passed on to nobody.
    """

    def __init__(self, side: Side, why: str, taken: bytes = b"") -> None:
        super().__init__(why)
        self.side = side
        self.why = why
        self.taken = taken


class BadArguments(ValueError):
    """A command's arguments do not follow its grammar. The text never quotes them."""

"""What a protocol has to know for a session to be able to follow it.

A dialect reads both directions, since what a line means depends on what the
other side said: DATA starts a message only after ``354``, a literal follows
only after ``+``. It *pulls*: :meth:`Dialect.client` and :meth:`Dialect.server`
return one token, or None when more octets are needed or this side must not be
read now. It decides nothing: whether a command is forwarded or answered is
told to it by :meth:`Dialect.forwarded` and :meth:`Dialect.refused`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.inbox import Inbox
from mailproxy.proto.tokens import Chunk, Command, Phase, Reply, Side, WireError


@dataclass(frozen=True, slots=True)
class Limits:
    """Octets a side may send without ending what it began."""

    line: int = 65_536  # a command line; POP3 and SMTP lower it
    reply: int = 131_072  # a reply that has to be held whole: CAPA, EHLO
    literal: int = 65_536  # the literals of one command that is no message


class Refusal(Enum):
    """Why the proxy answers a command itself; each protocol has its words for it."""

    POLICY = "policy"  # a rule, or a thing this proxy never lets through
    SYNTAX = "syntax"  # two parsers could read it in two ways
    UNKNOWN = "unknown"  # the protocol has no such command
    TOO_BIG = "too big"
    SEQUENCE = "sequence"  # not now
    PRIVACY = "privacy"  # not without TLS
    UNAVAILABLE = "unavailable"  # the upstream cannot do it
    TEMPORARY = "temporary"  # a later try may succeed


GREETING = "(greeting)"  # the verb of the slot that waits for the server's first word


class Slot:
    """The place of one command's answer in the reply stream.

    ``answer`` is our own answer; None means that the server's is awaited. ``own`` marks a
    command of ours, of whose answer the client sees nothing.
    """

    __slots__ = (
        "answer",
        "close",
        "command",
        "octets",
        "own",
        "rule",
        "since",
        "status",
        "upgrade",
        "verb",
        "verdict",
        "why",
    )

    def __init__(self, command: Command, since: float, verdict: str = "forward") -> None:
        self.command = command
        self.verb = command.verb
        self.octets = len(command.line)
        self.since = since
        self.verdict = verdict
        self.answer: bytes | None = None
        self.status = ""
        self.rule = ""
        self.why = ""
        self.close = False
        self.upgrade = False
        self.own = False


@dataclass(slots=True)
class Say:
    """Octets of our own for one side, part of a dialogue the other side need not see."""

    side: Side
    data: bytes


@dataclass(slots=True)
class Cut:
    """The client's input cannot be followed any further: answer it, then close.

    What the server has got is never completed: it gets ``last`` and no octet more.
    Without an answer, the client still has to be listened to until there is one.
    """

    answer: bytes
    why: str
    last: bytes = b""


ClientToken = Command | Chunk | Say | Cut
ServerToken = Reply | Chunk | Say


class Dialect(Protocol):
    """One protocol's reader of both directions."""

    inboxes: tuple[Inbox, Inbox]
    slots: deque[Slot]
    policy: Policy
    phase: Phase
    user: str
    mechanism: str
    client_name: str
    mailbox: str
    sender: str
    recipients: int

    @property
    def engaged(self) -> bool:
        """The client is in the middle of a command, or the server asked it to go on."""
        ...

    @property
    def idling(self) -> bool:
        """Engaged, but nothing is due from the client (IMAP IDLE)."""
        ...

    @property
    def boundary(self) -> bool:
        """No reply of the server is half sent: our own words may stand here."""
        ...

    def client(self) -> ClientToken | None:
        """The client's next token.

        Raises:
            WireError: its octets cannot be read any further.
        """
        ...

    def server(self) -> ServerToken | None:
        """The server's next token.

        Raises:
            WireError: its octets cannot be read any further.
        """
        ...

    def held(self) -> bytes:
        """Lines of a reply that is not complete: they are taken out, since nobody will complete it."""
        ...

    def skip(self, side: Side, octets: int) -> bool:
        """So many octets of ``side`` were never seen: read on behind them, if they are inside a body.

        False: nobody can know where these octets end what.
        """
        ...

    def in_body(self, side: Side) -> bool:
        """Is ``side`` in the middle of a body that a lone dot ends?"""
        ...

    def in_literal(self, side: Side) -> bool:
        """Are the next octets of ``side`` those of an IMAP literal?"""
        ...

    def slot_of(self, reply: Reply) -> Slot | None:
        """The open command that ``reply`` answers, None for what nobody asked."""
        ...

    def forwarded(self, command: Command) -> bytes:
        """The command goes upstream; returns the octets to send now."""
        ...

    def refused(self, command: Command) -> None:
        """The command was answered here."""
        ...

    def answered(self, slot: Slot, reply: Reply) -> bool:
        """The final reply of a forwarded command; True when a fact of the session changed."""
        ...

    def claimant(self, command: Command) -> tuple[str, str] | None:
        """User and mechanism of a command that asks for a login, None for others."""
        ...

    def refusal(self, command: Command, kind: Refusal, text: str) -> bytes:
        """Our answer to a command in the protocol's own words."""
        ...

    def accepted(self, command: Command, text: str) -> bytes:
        """Our positive answer (STARTTLS)."""
        ...

    def farewell(self, text: str) -> bytes:
        """The line that says why the proxy ends the session."""
        ...

    def rewritten(self, command: Command, verb: str) -> Command | None:
        """The command with another verb, None when the upstream cannot do that."""
        ...

    def shown(self, command: Command) -> bytes:
        """The arguments with every secret masked."""
        ...

    def restarted(self) -> None:
        """The client's leg is encrypted now: what was said before counts no more."""
        ...


def flaw_of(line: bytes) -> str:
    """Why a line could be read in two ways; empty for a clean one ending in CRLF."""
    if line.find(b"\r") != len(line) - 2 or line[-1:] != b"\n":
        return "a bare CR or LF; a line must end in CRLF (openssl s_client needs -crlf)"
    if b"\0" in line:
        return "a NUL octet"
    return ""


__all__ = ["GREETING", "Cut", "Dialect", "Limits", "Phase", "Refusal", "Say", "Slot", "WireError", "flaw_of"]

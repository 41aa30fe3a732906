"""All that the proxy can say about a session.

Events are plain data; sinks in :mod:`mailproxy.record` turn them into log
lines, rows and counters. No event ever holds a password, a digest or a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """Whose fault a failure is: it decides the log level and the answer."""

    CLIENT = "client"
    SERVER = "server"
    NETWORK = "network"
    TLS = "tls"
    CONFIG = "config"
    OURS = "ours"


class Secret(bytes):
    """Octets that never show themselves."""

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"


@dataclass(slots=True)
class SessionStarted:
    """A client connected. ``client`` and ``listener`` are ``address:port``."""

    protocol: str
    listener: str
    client: str
    upstream: str


@dataclass(slots=True)
class LegSecured:
    """TLS is up on one side. ``version`` is e.g. ``TLSv1.3``."""

    side: str
    version: str
    cipher: str


@dataclass(slots=True)
class LoggedIn:
    """The server accepted a login."""

    user: str
    mechanism: str
    tls: bool


@dataclass(slots=True)
class LoginFailed:
    """The server, or a rule, refused a login."""

    user: str
    mechanism: str


@dataclass(slots=True)
class CommandDone:
    """A command was answered. ``text`` is safe to show: secrets are masked, and it is cut.

    ``verdict`` is ``forward`` or the word of the action; ``seconds`` runs from
    the command's last octet to its final reply.
    """

    verb: str
    text: str
    verdict: str
    status: str
    seconds: float
    rule: str = ""
    why: str = ""


@dataclass(slots=True)
class WouldHave:
    """A rule in observe mode matched: ``action`` is what it would have done."""

    verb: str
    rule: str
    action: str


@dataclass(slots=True)
class Anomaly:
    """Something no honest program does, or that a guard could not be sure of."""

    name: str
    side: str
    detail: str = ""


@dataclass(slots=True)
class Failure:
    """The session cannot go on, or could not begin."""

    fault: Fault
    what: str
    detail: str = ""


@dataclass(slots=True)
class SessionEnded:
    """The summary of a session. Octets are those of the mail protocol, without TLS."""

    protocol: str
    client: str
    user: str
    seconds: float
    commands: int
    octets_in: int
    octets_out: int
    tls_client: str
    tls_server: str
    verdicts: dict[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True)
class MailboxSeen:
    """The server said how much is in a POP3 mailbox: ``octets`` of all ``messages`` (RFC 1939 §5, STAT)."""

    messages: int
    octets: int


@dataclass(slots=True)
class QuotaSeen:
    """The server said how full a mailbox is. Octets; ``limit`` is 0 where there is none (RFC 9208 §4.2.1)."""

    used: int
    limit: int


@dataclass(slots=True)
class OverQuota:
    """The server refused mail for want of room. ``where`` is the protocol and the command."""

    where: str


@dataclass(slots=True)
class Deleted:
    """A POP3 session ended with QUIT, and the server agreed.

    ``messages`` were really deleted on the server; ``kept`` are those that the program believes deleted.
    """

    messages: int
    kept: int


@dataclass(slots=True)
class UidlChurn:
    """Most of the kept mail is gone from the server's list at once: ``missing`` of ``kept`` messages."""

    missing: int
    kept: int


@dataclass(slots=True)
class KeepUnavailable:
    """Mail cannot be kept in this session; deletions are refused instead."""

    why: str


@dataclass(slots=True)
class ExpireZero:
    """The server deletes what was read over POP3: ``EXPIRE 0`` (RFC 2449 §6.7).

    ``upstream`` is empty where a session finds it, and set where it is told.
    """

    upstream: str = ""


@dataclass(slots=True)
class GmailPop:
    """The server is Gmail's: what becomes of mail read over POP3 is one of its web settings.

    ``upstream`` is as in :class:`ExpireZero`.
    """

    upstream: str = ""


@dataclass(slots=True)
class Conflict:
    """One mailbox is read with IMAP, and a POP3 program deletes from it.

    Both happened in the last ``since_days``. ``pop3_client`` and ``imap_client`` are the addresses that were
    seen last; ``deleted`` counts all messages that these POP3 programs ever deleted on the server; ``rule``
    is the file that would help.
    """

    upstream: str
    user: str
    pop3_client: str
    imap_client: str
    deleted: int
    since_days: int
    rule: str


@dataclass(slots=True)
class MailboxNearlyFull:
    """A mailbox is close to its quota. ``kept`` are the octets of kept mail in it."""

    upstream: str
    user: str
    used: int
    limit: int
    kept: int


@dataclass(slots=True)
class KeptMailGrows:
    """Kept mail takes up much of a mailbox: ``share`` of it, from 0 to 1."""

    upstream: str
    user: str
    messages: int
    octets: int
    share: float


@dataclass(slots=True)
class UsageLost:
    """What was seen of ``events`` logins, deletions and sizes could not be remembered. Mail goes on."""

    events: int
    why: str


@dataclass(slots=True)
class BrakeHeld:
    """A user deleted too much: from here on nothing is deleted for him until an operator releases him."""

    user: str
    rule: str
    why: str


@dataclass(slots=True)
class CaptureWanted:
    """A rule wants this session to be recorded, from its first octet on."""

    rule: str


@dataclass(slots=True)
class MovedToTrash:
    """So many ``messages`` of ``mailbox`` were moved to ``trash`` where an IMAP program expunged them."""

    mailbox: str
    trash: str
    messages: int


@dataclass(slots=True)
class TrashFailed:
    """What a program wanted expunged while closing ``mailbox`` could not be moved, and stays there."""

    mailbox: str
    why: str


@dataclass(slots=True)
class ArchiveFailed:
    """What a program wanted expunged from ``mailbox`` could not be archived first, and stays there."""

    mailbox: str
    why: str


Event = (
    SessionStarted
    | LegSecured
    | LoggedIn
    | LoginFailed
    | CommandDone
    | WouldHave
    | Anomaly
    | Failure
    | SessionEnded
    | MailboxSeen
    | QuotaSeen
    | OverQuota
    | Deleted
    | UidlChurn
    | KeepUnavailable
    | ExpireZero
    | GmailPop
    | Conflict
    | MailboxNearlyFull
    | KeptMailGrows
    | UsageLost
    | BrakeHeld
    | CaptureWanted
    | MovedToTrash
    | TrashFailed
    | ArchiveFailed
)

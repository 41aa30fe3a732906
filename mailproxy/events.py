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
)

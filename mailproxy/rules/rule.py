"""One rule, checked and ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mailproxy.proto.tokens import Verb
from mailproxy.rules.expression import Condition
from mailproxy.session.verdict import DEFAULT_SETTINGS, Action, Decision, Settings

NOTES = frozenset({Action.ALLOW, Action.OBSERVE, Action.CAPTURE})
"""The actions that leave the command as it is."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an example says of the session before the first line is sent."""

    protocol: str
    user: str = ""
    client_ip: str = "192.0.2.1"
    client_name: str = ""
    listener: str = ""
    upstream: str = ""
    tls: bool = True
    tls_version: str = ""
    mechanism: str = ""
    mailbox: str = ""
    sender: str = ""
    recipients: int = 0
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A dialogue that shows what a rule does: ``expect`` is ``forward`` or the word of an action."""

    given: Given
    send: tuple[str, ...]
    expect: str
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its file says it. ``verbs`` are pairs of protocol and verb; ``line`` counts from 1."""

    name: str
    action: Action
    verbs: tuple[tuple[str, Verb], ...]
    condition: Condition | None = None
    enforce: bool = True
    why: str = ""
    reply: str = ""
    on: tuple[str, ...] = ()
    file: Path = Path()
    line: int = 0
    examples: tuple[Example, ...] = field(default=())
    settings: Settings = DEFAULT_SETTINGS

    @property
    def stops(self) -> bool:
        """Whether a match ends the search: false for what is only to be noted."""
        return self.enforce and self.action is not Action.OBSERVE

    def decision(self) -> Decision:
        return Decision(self.action, self.name, self.why, self.reply, self.enforce, self.settings)

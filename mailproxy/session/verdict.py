"""What a rule decides about a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from mailproxy.proto.tokens import Command


class Action(Enum):
    """What happens to the command; the value is the word in a rule file's ``do``."""

    ALLOW = "allow"
    OBSERVE = "observe"  # forward it, but say that the rule matched
    BLOCK = "block"  # the proxy answers with the protocol's own refusal
    CLOSE = "close"  # the session ends
    EXAMINE = "examine"  # IMAP SELECT goes upstream as EXAMINE: the server itself refuses changes
    UNSELECT = "unselect"  # IMAP CLOSE goes upstream as UNSELECT: nothing is expunged


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of one rule on one command.

    ``enforced`` is False when the rule's mode is ``observe``: the verdict is
    logged as what would have happened, and nothing changes.
    ``reply`` is the human text of our answer (no line ends), empty for the default.
    """

    action: Action
    rule: str
    why: str = ""
    reply: str = ""
    enforced: bool = True


@dataclass(slots=True)
class Facts:
    """What is known of the session while a command is judged. Updated by the session.

    ``user`` is empty before a login succeeded; while the login itself is judged
    it is the name that asks to be let in.
    """

    protocol: str
    listener: str = ""
    upstream: str = ""
    client_ip: str = ""
    client_name: str = ""  # EHLO name, or IMAP ID name
    tls: bool = False
    tls_version: str = ""
    user: str = ""
    mechanism: str = ""
    mailbox: str = ""  # IMAP: the selected mailbox
    sender: str = ""  # SMTP: of the open mail transaction
    recipients: int = 0  # SMTP: how many RCPT of this transaction are accepted or still open
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules in force, as the session sees them.

    ``verbs`` are the names (of this protocol) that at least one rule concerns, so a
    verb without a rule costs one look-up. ``decide`` is never called for others.
    """

    verbs: frozenset[str] = frozenset()
    decide: Callable[[Command, Facts], Decision | None] = lambda command, facts: None


NO_RULES = Judge()

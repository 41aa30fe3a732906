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
    KEEP = "keep"  # POP3 DELE: the program sees its deletion succeed, the server keeps the message
    DELAY = "delay"  # POP3 DELE: as KEEP, for one program, and the server deletes it later
    TRASH = "trash"  # IMAP: what would be expunged is moved to the mailbox with \Trash
    ARCHIVE = "archive"  # a copy is written down here before the deletion goes upstream
    BRAKE = "brake"  # deletions go upstream until there are too many of them
    CAPTURE = "capture"  # forward it, and record the session from its first octet on


GUARDED = frozenset({Action.KEEP, Action.DELAY, Action.TRASH, Action.ARCHIVE, Action.BRAKE})
"""The actions that take a guard: a dialogue of the proxy's own with the server, or a memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a rule says beside its action; each key is for some of the actions only."""

    keep_for: float | None = None  # KEEP, DELAY: seconds until the server deletes it; None: never
    view: str = "user"  # KEEP, DELAY: whom the message is hidden from: "user", "listener", "client.ip"
    mailbox: str = "Trash"  # TRASH: the mailbox to be made where the server has none with \Trash
    empty: bool = True  # TRASH: may what is in the trash be removed?
    limit: int = 0  # BRAKE: so many messages may be deleted ``within`` seconds; 0: any number
    percent: float = 0.0  # BRAKE: or so much of the mailbox; 0: any part
    within: float = 3600.0


DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of one rule on one command.

    ``enforced`` is False when the rule's mode is ``observe``: the verdict is
    logged as what would have happened, and nothing changes.
    ``reply`` is the human text of our answer (no line ends), empty for the default.
    ``lifted`` is True while an operator has allowed what the rule forbids: the
    command goes upstream as if the rule were not there.
    """

    action: Action
    rule: str
    why: str = ""
    reply: str = ""
    enforced: bool = True
    settings: Settings = DEFAULT_SETTINGS
    lifted: bool = False


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
    ``dialogues`` are those of them that may take a dialogue with the server. ``brake`` is
    asked beside ``decide``, for ``brakes`` alone: a brake that does not hold leaves the
    verdict to the other rules. ``settled`` are verbs whose rules ask for nothing but what is
    known at the login: what they say of one such command holds for the whole session.
    ``capture`` is asked for ``captures``, until it has said once that the session is to be recorded.
    """

    verbs: frozenset[str] = frozenset()
    decide: Callable[[Command, Facts], Decision | None] = lambda command, facts: None
    dialogues: frozenset[str] = frozenset()
    brakes: frozenset[str] = frozenset()
    brake: Callable[[Command, Facts], Decision | None] = lambda command, facts: None
    settled: frozenset[str] = frozenset()
    captures: frozenset[str] = frozenset()
    capture: Callable[[Command, Facts], Decision | None] = lambda command, facts: None


NO_RULES = Judge()

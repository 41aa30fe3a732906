r"""What a guard is to a session: somebody who may hold a dialogue of his own with the server.

A *guard* belongs to one session that is logged in. For the commands it cares about it
says what becomes of them: the octets to forward, the answer to give, or a *dialogue*: a
generator that yields what it needs, is resumed with what came of it, and returns the
outcome. No I/O happens here; the session sends what is asked, and the relay does the work
that :class:`Do` stands for.

A dialogue runs only when no other command is open, and no other command is read before it
has ended, so all that the server says meanwhile is said to the dialogue, or unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailproxy.events import Event
from mailproxy.proto.tokens import Command
from mailproxy.session.verdict import Decision, Facts, Judge

LARGEST_ANSWER = 64 * 1024 * 1024  # octets that are collected of one answer


def nothing(line: bytes) -> bool:
    """Wants no untagged response."""
    return False


@dataclass(frozen=True, slots=True)
class Ask:
    """A command of our own for the server. The dialogue is resumed with an :class:`Answer`.

    ``line`` is ``b"UIDL"`` or ``b"UID SEARCH DELETED"``: without tag and without line end, and
    never with a literal. ``mine`` tells which untagged IMAP responses (a whole line, or its
    beginning when a literal follows) are for the dialogue alone; the others go to the
    client as they come. The octets of a POP3 body, or of what ``mine`` chose, are collected,
    up to ``limit``, or handed piece by piece to ``sink``, which must not wait.
    An answer that is larger than ``limit`` ends the session.
    """

    line: bytes
    mine: Callable[[bytes], bool] = nothing
    sink: Callable[[bytes], None] | None = None
    limit: int = LARGEST_ANSWER


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to an :class:`Ask`.

    ``status`` is as in :class:`~mailproxy.proto.tokens.Reply` (``OK``, ``ERR``, ``NO``, ``BAD``);
    ``line`` is the status line as it came, without the tag. ``data`` is what was collected: a
    POP3 body with its final dot, dots stuffed; or the untagged responses that were chosen.
    """

    status: str
    line: bytes
    data: bytes = b""

    @property
    def good(self) -> bool:
        return self.status == "OK"


@dataclass(frozen=True, slots=True)
class Do:
    """Work that may wait for a disk or a database. It is done in another thread.

    The dialogue is resumed with what ``call`` returns; what it raises is raised in the dialogue.
    """

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Forward:
    """The command goes upstream, changed to ``line`` if that is given (POP3: with CRLF, and the same verb).

    ``command`` replaces it altogether (IMAP: CLOSE that becomes UNSELECT).
    """

    line: bytes = b""
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """It is answered here. ``cut``: the server's leg is cut off, without QUIT, and the session ends.

    ``by`` is the decision that is behind it, where that is another one than the guard was given.
    """

    answer: bytes
    close: bool = False
    cut: bool = False
    by: Decision | None = None


Step = Ask | Do | tuple[Ask | Do, ...]
"""Several are asked together, and at most one :class:`Do` is done meanwhile; the dialogue is resumed
with a tuple of what came of each, when all of it is there."""

Outcome = Forward | Local
Dialogue = Generator[Step, Any, Outcome]
Opening = Generator[Step, Any, None]


@dataclass(slots=True)
class Treatment:
    """What a guard makes of a command: an outcome at once, or the dialogue that leads to one.

    ``verdict`` is the word for the log; empty leaves the one that is there. ``hush`` holds
    the server's untagged responses back until the command is answered. If that is OK, the client
    has left its mailbox, and hears nothing of it any more; else it hears all of them.
    """

    what: Outcome | Dialogue
    verdict: str = ""
    hush: bool = False


class Guard(Protocol):
    """Watches one session from its login on."""

    @property
    def verbs(self) -> frozenset[str]:
        """The commands it wants to see."""
        ...

    @property
    def alone(self) -> frozenset[str]:
        """Those of them that wait until all before them are answered, since they may need a dialogue."""
        ...

    def opened(self) -> Opening | None:
        """A dialogue before the first command is looked at; None when none is needed."""
        ...

    def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
        """What becomes of this command; None: it goes upstream as it is.

        ``decision`` is what the rules say; it is None, or one that the session leaves to the guard.
        """
        ...

    def replied(self, command: Command, status: str) -> None:
        """The server's final word on a command of :attr:`verbs` that was forwarded."""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard gets to know of its session."""

    facts: Facts
    judge: Judge
    emit: Callable[[Event], None]
    capabilities: Callable[[], frozenset[str]] = field(default=frozenset)  # IMAP: what the server told


GuardMaker = Callable[[Situation], Guard | None]
"""Asked once, after the login. None: nothing is guarded in this session."""


def no_guards(situation: Situation) -> Guard | None:
    """Guards nothing."""
    return None

"""How a captured server is played: the face that all players share."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from mailproxy.player.pieces import Piece

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Recording

Tls = Literal["none", "starttls", "implicit"]
Passwords = Callable[[str], bytes | None]
Choose = Callable[[str], "Recording | None"]
_MOST_NOTES = 1000


@dataclass(slots=True)
class Memory:
    """What clients changed in the mailboxes, for as long as the server lives.

    ``removed`` are keys of messages that POP3 clients deleted. ``expunged`` and ``flags`` are
    what IMAP clients did beyond the capture, by mailbox and UID.
    """

    removed: set[tuple[str, bytes]] = field(default_factory=set)
    expunged: set[tuple[str, int]] = field(default_factory=set)
    flags: dict[tuple[str, int], frozenset[bytes]] = field(default_factory=dict)


class Notes(list[str]):
    """What a player had to make up; the same is said once."""

    def say(self, text: str) -> None:
        """One more, unless it was said, or there are too many."""
        if text not in self and len(self) < _MOST_NOTES:
            self.append(text)


def shown(verb: str, args: bytes, known: Container[str]) -> str:
    """A command in a note. One that the protocol does not have may be a password that came too late."""
    if verb not in known:
        return "(an unknown command)"
    first = args.partition(b"\r\n")[0]  # behind it stands a literal
    return f"{verb} {first[:80].decode('latin-1')}".strip()


class Player(Protocol):
    """One connection with a server that is played from a recording. No I/O.

    ``closed`` is True when nothing more is read or said. ``wants_tls`` is True between our
    positive answer to STARTTLS and :meth:`secured`. ``notes`` tell which commands the capture
    did not hold, and what was made up; their texts hold what the client sent, never a secret.
    ``user`` is who logged in. ``tls`` says how the connection is to be encrypted.
    """

    closed: bool
    tls: Tls
    wants_tls: bool
    notes: Notes
    user: str

    def greet(self) -> list[Piece]:
        """What the server says first."""
        ...

    def receive(self, data: bytes) -> list[Piece]:
        """What the client sent, and what the server says to it, in order."""
        ...

    def feed(self, data: bytes) -> None:
        """What the client sent, to be answered by :meth:`answer`."""
        ...

    def answer(self) -> list[Piece] | None:
        """What the server says to the next command; None when no whole one is left."""
        ...

    def secured(self) -> None:
        """TLS is up."""
        ...

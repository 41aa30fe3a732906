"""What guards remember between sessions. They say what they need; a store keeps it.

Times are seconds since 1970-01-01 UTC. A user is the name as it was given at the login:
whether ``Aiko`` and ``aiko`` are one person is known to the server alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class MemoryFailed(Exception):
    """What was to be remembered, or recalled, could not be. The text holds no secret."""


@dataclass(frozen=True, slots=True)
class ViewKey:
    """Whose view of a mailbox. ``program`` is empty for the one view of all programs of a user."""

    upstream: str
    user: str
    program: str = ""


class Kept(NamedTuple):
    """A message that a program believes deleted.

    ``octets`` is the size that LIST told when it was kept; ``since`` when that was;
    ``missing`` since when the server does not list it any more, 0.0 while it does;
    ``due`` is True when an operator has asked for its deletion on the server.
    """

    uidl: bytes
    octets: int
    since: float
    missing: float = 0.0
    due: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A message that is to be kept."""

    uidl: bytes
    octets: int


class KeptMail(Protocol):
    """Which messages are kept, for each view. Every method is one durable transaction.

    Raises:
        MemoryFailed: by any method; then nothing of the call has happened.
    """

    def recall(self, key: ViewKey, now: float) -> Mapping[bytes, Kept]:
        """All that is kept in this view, by UIDL. Notes that the view was used now."""
        ...

    def keep(
        self,
        key: ViewKey,
        marks: Sequence[Mark],
        rule: str,
        now: float,
        missing: Collection[bytes] = (),
        found: Collection[bytes] = (),
    ) -> None:
        """Keep these. ``missing`` are UIDLs the server does not list any more, ``found`` are those it
        lists again. What is missing for 30 days is forgotten."""
        ...

    def forget(self, key: ViewKey, uidls: Collection[bytes], now: float) -> None:
        """The server has deleted these, or they are to be seen again."""
        ...

    def wanted_elsewhere(self, key: ViewKey, uidls: Collection[bytes], since: float) -> Collection[bytes]:
        """Those of ``uidls`` that are not kept in another view of the same mailbox used after ``since``:
        a program may still want to see them."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a rule lets a user delete: ``most`` messages after ``since``; 0: any number.

    ``why`` says in words why so many are too many.
    """

    rule: str
    most: int
    since: float
    why: Callable[[int], str]


class Admission(NamedTuple):
    """Whether deletions were admitted: not if the user was ``held`` already, or if ``total`` is not 0.

    ``total`` is what would have been deleted since the time of the limit. It is too much, and
    holds the user from then on.
    """

    held: bool = False
    total: int = 0

    @property
    def granted(self) -> bool:
        return not self.held and not self.total


class Brakes(Protocol):
    """How much each user deleted lately, and who is held back.

    Raises:
        MemoryFailed: by any method; then nothing of the call has happened.
    """

    def admit(self, upstream: str, user: str, count: int, limit: Limit, now: float) -> Admission:
        """Note that so many messages are about to be deleted, unless that would be too many.

        It is one step for all sessions and processes: however many ask at the same time, they
        are not granted more than the limit together.
        """
        ...

    def recent(self, upstream: str, user: str, since: float) -> int:
        """How many messages were deleted after ``since``, and not before the last release."""
        ...

    def deleted(self, upstream: str, user: str, count: int, now: float) -> None:
        """So many are about to be deleted, whatever the limit is."""
        ...

    def held(self, upstream: str, user: str) -> bool: ...

    def hold(self, upstream: str, user: str, rule: str, why: str, now: float) -> None:
        """Hold this user back. Who is held already stays so for the first reason."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """Where an archived message was. ``id`` is a UIDL, or ``UIDVALIDITY.UID`` with the mailbox's name."""

    upstream: str
    user: str
    protocol: str
    mailbox: str  # IMAP; for POP3 it is INBOX
    id: str
    internaldate: str = ""  # as IMAP prints it: 17-Jul-1996 02:44:25 -0700
    flags: tuple[str, ...] = ()
    rule: str = ""


class Writing(Protocol):
    """One message on its way to the archive."""

    def write(self, data: bytes) -> None:
        """Takes the next octets. Never raises: a failure is told by :meth:`finish`."""
        ...

    def finish(self, now: float) -> None:
        """It is whole: returns when it would survive a loss of power. May wait for the disk.

        Raises:
            MemoryFailed: it is not in the archive.
        """
        ...

    def abandon(self) -> None:
        """It will not become whole; what was written goes away. Harmless after ``finish``."""
        ...


class Archive(Protocol):
    """Copies of messages that are deleted on the server."""

    def begin(self, message: Message) -> Writing | None:
        """None: it is in the archive already. May wait for the disk or the database.

        Raises:
            MemoryFailed: nothing can be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """All that guards remember."""

    kept: KeptMail
    brakes: Brakes
    archive: Archive

"""The mail of one account, in memory, shared by the three embedded servers."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import trio

from mailproxy.events import Secret

SEEN = "\\Seen"
DELETED = "\\Deleted"
INBOX = "INBOX"


@dataclass(slots=True, eq=False)
class Message:
    """One stored message. ``octets`` have CRLF line ends; ``uid`` is never used again."""

    uid: int
    octets: bytes
    flags: set[str] = field(default_factory=set)
    arrived: datetime = field(default_factory=lambda: datetime.now(UTC))


class Mailbox:
    """Messages in the order of their arrival; whoever waits is told of each change."""

    def __init__(self, octets: Iterable[bytes] = (), uid_validity: int = 1) -> None:
        self.uid_validity = uid_validity
        self.messages: list[Message] = []
        self.uid_next = 1
        self.locked = False  # POP3 holds the maildrop alone (RFC 1939 §4)
        self._changed = trio.Event()
        for each in octets:
            self.append(each)

    def append(self, octets: bytes, flags: Collection[str] = (), arrived: datetime | None = None) -> Message:
        """Store a message under the next uid."""
        message = Message(self.uid_next, octets, set(flags), arrived or datetime.now(UTC))
        self.uid_next += 1
        self.messages.append(message)
        self.touch()
        return message

    def remove(self, gone: Collection[Message]) -> None:
        """Take these messages out for good."""
        self.messages = [message for message in self.messages if message not in gone]
        self.touch()

    def touch(self) -> None:
        """Wake everybody in :meth:`wait_changed`; called after flags were changed, too."""
        self._changed.set()
        self._changed = trio.Event()

    async def wait_changed(self) -> None:
        """Return after the next change."""
        await self._changed.wait()


class Account:
    """A user, a password and the mailboxes; INBOX is always there."""

    def __init__(self, user: str, password: str, octets: Iterable[bytes] = ()) -> None:
        self.user = user
        self.password = Secret(password.encode())
        self.inbox = Mailbox(octets)
        self.mailboxes: dict[str, Mailbox] = {INBOX: self.inbox}

    def admits(self, user: bytes, password: bytes) -> bool:
        """Are these the name and the password?"""
        known = hmac.compare_digest(user, self.user.encode())
        return hmac.compare_digest(password, self.password) and known

    def admits_plain(self, response: bytes) -> bool:
        """The same for a decoded SASL PLAIN response (RFC 4616 §2)."""
        parts = response.split(b"\0")
        return len(parts) == 3 and self.admits(parts[1], parts[2])

    def find(self, name: str) -> Mailbox | None:
        """The mailbox of that name; INBOX in any case of letters (RFC 9051 §5.1)."""
        return self.mailboxes.get(INBOX if name.upper() == INBOX else name)

    def create(self, name: str) -> Mailbox:
        """Make an empty mailbox, with a uid validity of its own."""
        self.mailboxes[name] = Mailbox(uid_validity=len(self.mailboxes) + 1)
        return self.mailboxes[name]

"""What a server showed a client, of which the next server may show something else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_MOST_TIMES = 1000  # of one verb

_MARKED = re.compile(r"<[^<>]*>")
_CODED = re.compile(r"\b(?=\w*[0-9])\w+\b")


@dataclass(slots=True)
class Seen:
    """One message, as far as it was looked at. ``mailbox`` and ``uid`` are IMAP's, ``number`` is POP3's."""

    number: int = 0
    mailbox: str = ""
    uid: int = 0
    message_id: str = ""
    digest: str = ""  # SHA-256 of all its octets


@dataclass(slots=True)
class Mailbox:
    """An IMAP mailbox. None: it was not told."""

    uidvalidity: int | None = None
    uidnext: int | None = None
    exists: int | None = None
    sizes: dict[int, int] = field(default_factory=dict)  # UID: octets


@dataclass(slots=True)
class Folder:
    """What LIST said of a name (RFC 9051 §7.3.1)."""

    separator: str
    attributes: frozenset[str]


@dataclass(slots=True)
class Profile:
    """One session, or all of one user.

    ``capabilities`` are those ``before login`` and ``after login``; ``statuses`` counts the final ones of
    each verb; ``replies`` has the first text for a verb and status, see :func:`normalised`; ``uidls`` and
    ``octets`` are those of a POP3 maildrop by message number; ``seconds`` are the times from each
    command until its reply began, or of SMTP until it was complete.
    """

    protocol: str
    user: str = ""
    sessions: list[int] = field(default_factory=list)
    greeting: str = ""
    capabilities: dict[str, set[str]] = field(default_factory=dict)
    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    replies: dict[tuple[str, str], str] = field(default_factory=dict)
    uidls: dict[int, str] = field(default_factory=dict)
    octets: dict[int, int] = field(default_factory=dict)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def mailbox(self, name: str) -> Mailbox:
        """The mailbox of that name, which is remembered from now on."""
        return self.mailboxes.setdefault(name, Mailbox())

    def answered(self, verb: str, status: str, text: str) -> None:
        """A command got its final reply."""
        self.statuses.setdefault(verb, Counter())[status] += 1
        self.replies.setdefault((verb, status), normalised(text))

    def took(self, verb: str, seconds: float) -> None:
        """A reply began so long after its command."""
        times = self.seconds.setdefault(verb, [])
        if len(times) < _MOST_TIMES:
            times.append(seconds)

    def merge(self, later: Profile) -> None:
        """A later session of the same user. What both told is as the later one told it."""
        self.sessions += later.sessions
        self.greeting = later.greeting or self.greeting
        for stage, names in later.capabilities.items():
            self.capabilities.setdefault(stage, set()).update(names)
        for verb, statuses in later.statuses.items():
            self.statuses.setdefault(verb, Counter()).update(statuses)
        self.replies |= later.replies
        if later.uidls or later.octets:  # numbers are those of one session (RFC 1939 §5)
            self.uidls, self.octets = later.uidls, later.octets
            self.seen = [one for one in self.seen if not one.number]
        for name, mailbox in later.mailboxes.items():
            _merge(self.mailbox(name), mailbox)
        self.folders |= later.folders
        self.seen += later.seen
        for verb, times in later.seconds.items():
            for seconds in times:
                self.took(verb, seconds)


def _merge(mailbox: Mailbox, later: Mailbox) -> None:
    if later.uidvalidity is not None and mailbox.uidvalidity != later.uidvalidity:
        mailbox.sizes.clear()
    mailbox.uidvalidity = mailbox.uidvalidity if later.uidvalidity is None else later.uidvalidity
    mailbox.uidnext = mailbox.uidnext if later.uidnext is None else later.uidnext
    mailbox.exists = mailbox.exists if later.exists is None else later.exists
    mailbox.sizes |= later.sizes


def normalised(text: str) -> str:
    """A reply without what differs each time: ``#`` for words with digits, ``<#>`` for what stands in <>."""
    return _CODED.sub("#", _MARKED.sub("<#>", text)).strip()

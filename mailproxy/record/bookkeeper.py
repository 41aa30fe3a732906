"""Writes down who uses which mailbox how, and finds what a person should know of.

It may wait for the database: it is called in a thread of its own, one batch at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from mailproxy.events import (
    Conflict,
    Deleted,
    Event,
    ExpireZero,
    GmailPop,
    KeptMailGrows,
    LoggedIn,
    MailboxNearlyFull,
    MailboxSeen,
    OverQuota,
    QuotaSeen,
)
from mailproxy.record.findings import CONFLICT_DAYS, Sizes, Use, conflict, kept_grows, nearly_full
from mailproxy.record.recent import Recent

_HOUR = 3600.0
_DAY = 24 * _HOUR

Finding = Conflict | MailboxNearlyFull | KeptMailGrows | ExpireZero | GmailPop
Box = tuple[str, str]
"""A mailbox: upstream and user."""

_KINDS: dict[type, str] = {
    Conflict: "conflict",
    MailboxNearlyFull: "mailbox.nearly_full",
    KeptMailGrows: "kept.grows",
    ExpireZero: "expire_zero",
    GmailPop: "gmail_pop",
}
"""How a finding is called in the audit, which is as in the log."""


class Usage(Protocol):
    """Who used which mailbox. Times are seconds since 1970-01-01 UTC, sizes octets."""

    def used(
        self, upstream: str, user: str, protocol: str, client: str, deleted: int, now: float
    ) -> object: ...
    def uses(self, upstream: str, user: str, since: float) -> Sequence[Use]: ...
    def told(self, upstream: str, user: str, kind: str, now: float, every: float) -> bool:
        """May it be told now? Then it counts as told, and is not to be told for ``every`` seconds."""
        ...

    def seen(
        self,
        upstream: str,
        user: str,
        now: float,
        messages: int | None = None,
        octets: int | None = None,
        used: int | None = None,
        limit: int | None = None,
    ) -> object:
        """What is None stays as it was."""
        ...

    def sizes(self, upstream: str, user: str) -> Sizes | None: ...


class KeptTotals(Protocol):
    """How much mail is kept."""

    def total(self, upstream: str, user: str) -> tuple[int, int]:
        """Messages and their octets."""
        ...


class Audit(Protocol):
    """What is written down for good."""

    def write(
        self, at: float, kind: str, upstream: str, user: str, detail: Mapping[str, object]
    ) -> object: ...


class UsageStore(Protocol):
    """The parts of a store that are needed here."""

    @property
    def usage(self) -> Usage: ...
    @property
    def kept(self) -> KeptTotals: ...
    @property
    def audit(self) -> Audit: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """An event of a session, and whose it was. ``user`` is empty before the login."""

    protocol: str
    upstream: str
    user: str
    client: str
    event: Event


class Bookkeeper:
    """Keeps the books in ``store``. Not for two threads at once."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._logins = Recent(_HOUR)
        self._sizes = Recent(_HOUR)
        self._upstreams = Recent(_DAY)

    def enter(self, batch: Sequence[Seen], now: float) -> Iterator[Finding]:
        """Writes the batch down; yields what is to be told, each kind once a day for a mailbox.

        Raises:
            Exception: whatever the store raises; then the rest of the batch is not written.
        """
        yield from self._uses(batch, now)
        yield from self._sizes_of(batch, now)
        yield from self._warnings(batch, now)
        self._over_quota(batch, now)

    def _uses(self, batch: Sequence[Seen], now: float) -> Iterator[Finding]:
        deleted: Counter[tuple[Box, str]] = Counter()
        logins: dict[tuple[Box, str], None] = {}
        for seen in batch:
            who = (seen.upstream, seen.user), seen.client
            if isinstance(seen.event, Deleted):
                deleted[who] += seen.event.messages
            elif isinstance(seen.event, LoggedIn) and self._logins.due(who, now):
                logins[who] = None
        changed: dict[Box, None] = {}
        for box, client in logins:
            self._store.usage.used(*box, "imap", client, 0, now)
            self._logins.note((box, client), now)
            changed[box] = None
        for (box, client), count in deleted.items():
            if count:
                self._store.usage.used(*box, "pop3", client, count, now)
                changed[box] = None
        for box in changed:
            uses = self._store.usage.uses(*box, now - CONFLICT_DAYS * _DAY)
            yield from self._once(box, conflict(*box, uses), now)

    def _sizes_of(self, batch: Sequence[Seen], now: float) -> Iterator[Finding]:
        last: dict[tuple[Box, type], MailboxSeen | QuotaSeen] = {}
        weigh: dict[Box, None] = {}
        for seen in batch:
            box = seen.upstream, seen.user
            if isinstance(seen.event, MailboxSeen | QuotaSeen):
                last[box, type(seen.event)] = seen.event
            elif isinstance(seen.event, Deleted) and seen.event.kept:
                weigh[box] = None
        for key, size in last.items():
            if self._sizes.due(key, now, size):
                self._write_size(key[0], size, now)
                self._sizes.note(key, now, size)
                weigh[key[0]] = None
        for box in weigh:
            yield from self._weighed(box, now)

    def _write_size(self, box: Box, size: MailboxSeen | QuotaSeen, now: float) -> None:
        if isinstance(size, MailboxSeen):
            self._store.usage.seen(*box, now, messages=size.messages, octets=size.octets)
        else:
            self._store.usage.seen(*box, now, used=size.used, limit=size.limit)

    def _weighed(self, box: Box, now: float) -> Iterator[Finding]:
        sizes = self._store.usage.sizes(*box)
        if sizes is None:
            return
        messages, octets = self._store.kept.total(*box)
        yield from self._once(box, nearly_full(*box, sizes, octets), now)
        yield from self._once(box, kept_grows(*box, sizes, messages, octets), now)

    def _warnings(self, batch: Sequence[Seen], now: float) -> Iterator[Finding]:
        for seen in batch:
            kind = type(seen.event)
            if kind not in (ExpireZero, GmailPop) or not self._upstreams.due((seen.upstream, kind), now):
                continue
            finding = ExpireZero(seen.upstream) if kind is ExpireZero else GmailPop(seen.upstream)
            yield from self._once((seen.upstream, ""), finding, now)
            self._upstreams.note((seen.upstream, kind), now)

    def _over_quota(self, batch: Sequence[Seen], now: float) -> None:
        """Written down once a day; that it is told in each session's log is enough for people."""
        for seen in batch:
            if not isinstance(seen.event, OverQuota):
                continue
            box = seen.upstream, seen.user
            sizes = self._store.usage.sizes(*box)
            if seen.protocol == "imap" and sizes is not None and sizes.limit:
                self._store.usage.seen(*box, now, used=sizes.limit)
            if self._store.usage.told(*box, "over_quota", now, _DAY):
                detail = {"where": seen.event.where, "client": seen.client}
                self._store.audit.write(now, "over_quota", *box, detail)

    def _once(self, box: Box, finding: Finding | None, now: float) -> Iterator[Finding]:
        """Tells it, unless it was told within the last day, and writes it down."""
        if finding is None:
            return
        kind = _KINDS[type(finding)]
        if self._store.usage.told(*box, kind, now, _DAY):
            yield finding  # first: it is told even if the audit cannot be written
            self._store.audit.write(now, kind, *box, _detail(finding))


def _detail(finding: Finding) -> Mapping[str, object]:
    return {name: value for name, value in asdict(finding).items() if name not in ("upstream", "user")}

"""What guards remember, in this process alone; and what happens when it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from mailproxy.guards.memory import (
    Admission,
    Kept,
    Limit,
    Mark,
    Memory,
    MemoryFailed,
    Message,
    ViewKey,
    Writing,
)

NOW = 1_000_000_000.0  # the time of every test
DAY = 86_400.0


class RememberedMail:
    """Kept mail as the store keeps it; ``broken`` names methods that fail."""

    def __init__(self, *broken: str) -> None:
        self.views: dict[ViewKey, dict[bytes, Kept]] = {}
        self.used: dict[ViewKey, float] = {}
        self.broken = set(broken)

    def _check(self, name: str) -> None:
        if name in self.broken:
            raise MemoryFailed("the disk is full")

    def recall(self, key: ViewKey, now: float) -> Mapping[bytes, Kept]:
        self._check("recall")
        self.used[key] = now
        return dict(self.views.get(key, {}))

    def keep(
        self,
        key: ViewKey,
        marks: Sequence[Mark],
        rule: str,
        now: float,
        missing: Collection[bytes] = (),
        found: Collection[bytes] = (),
    ) -> None:
        self._check("keep")
        view = self.views.setdefault(key, {})
        for uidl in missing:
            if uidl in view:
                view[uidl] = view[uidl]._replace(missing=now)
        for uidl in found:
            if uidl in view:
                view[uidl] = view[uidl]._replace(missing=0.0)
        for mark in marks:
            old = view.get(mark.uidl)
            due = old is not None and old.due and old.octets == mark.octets
            view[mark.uidl] = Kept(mark.uidl, mark.octets, now, due=due)
        for uidl in [uidl for uidl, kept in view.items() if kept.missing and kept.missing < now - 30 * DAY]:
            del view[uidl]

    def forget(self, key: ViewKey, uidls: Collection[bytes], now: float) -> None:
        self._check("forget")
        for uidl in uidls:
            self.views.get(key, {}).pop(uidl, None)

    def wanted_elsewhere(self, key: ViewKey, uidls: Collection[bytes], since: float) -> Collection[bytes]:
        self._check("wanted_elsewhere")
        others = [
            self.views.get(other, {})
            for other, used in self.used.items()
            if other != key and (other.upstream, other.user) == (key.upstream, key.user) and used >= since
        ]
        return {uidl for uidl in uidls if any(uidl not in view for view in others)}


class RememberedBrakes:
    """Deletions and holds as the store keeps them; ``broken`` makes every method fail."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.counts: list[tuple[str, str, int, float]] = []
        self.holds: dict[tuple[str, str], str] = {}
        self._turn = Lock()

    def _check(self) -> None:
        if self.broken:
            raise MemoryFailed("the disk is full")

    def admit(self, upstream: str, user: str, count: int, limit: Limit, now: float) -> Admission:
        with self._turn:
            if self.held(upstream, user):
                return Admission(held=True)
            total = self.recent(upstream, user, limit.since) + count
            if limit.most and total > limit.most:
                self.hold(upstream, user, limit.rule, limit.why(total), now)
                return Admission(total=total)
            self.deleted(upstream, user, count, now)
            return Admission()

    def recent(self, upstream: str, user: str, since: float) -> int:
        self._check()
        return sum(n for where, who, n, at in self.counts if (where, who) == (upstream, user) and at > since)

    def deleted(self, upstream: str, user: str, count: int, now: float) -> None:
        self._check()
        self.counts.append((upstream, user, count, now))

    def held(self, upstream: str, user: str) -> bool:
        self._check()
        return (upstream, user) in self.holds

    def hold(self, upstream: str, user: str, rule: str, why: str, now: float) -> None:
        self._check()
        self.holds.setdefault((upstream, user), why)


class RememberedMessage:
    """One message on its way into :class:`RememberedArchive`."""

    def __init__(self, archive: RememberedArchive, message: Message) -> None:
        self._archive = archive
        self._message = message
        self._octets = bytearray()

    def write(self, data: bytes) -> None:
        self._octets += data

    def finish(self, now: float) -> None:
        if self._archive.full:
            raise MemoryFailed("the disk is full")
        self._archive.messages[self._message] = bytes(self._octets)

    def abandon(self) -> None:
        self._octets.clear()


class RememberedArchive:
    """Archived messages."""

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.messages: dict[Message, bytes] = {}

    def begin(self, message: Message) -> Writing | None:
        return None if message in self.messages else RememberedMessage(self, message)


def memory() -> Memory:
    """An empty one."""
    return Memory(RememberedMail(), RememberedBrakes(), RememberedArchive())

"""Which programs use a mailbox, how large it is, and what its operator was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, select, update

from mailproxy.store.database import Database
from mailproxy.store.tables import SIZES, TOLD, USES

PRUNE_SECONDS = 400 * 86400.0
"""Programs that were not seen for so long are forgotten."""


@dataclass(frozen=True, slots=True)
class Use:
    """One program at a mailbox: how many messages it deleted in all, and when it was last seen."""

    protocol: str
    client: str
    deleted: int
    last: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a server told of a mailbox, at last at ``at``; None: it never did.

    ``octets`` are the mailbox's; ``used`` and ``limit`` are its quota, in octets.
    """

    messages: int | None
    octets: int | None
    used: int | None
    limit: int | None
    at: float


class Usage:
    """Each method is one transaction; each raises MemoryFailed when it did not happen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def used(self, upstream: str, user: str, protocol: str, client: str, deleted: int, now: float) -> None:
        """Notes that a program was here, and deleted so many messages."""
        whose = {"upstream": upstream, "username": user, "protocol": protocol, "client": client}
        new = self._database.insert(USES).values(**whose, deleted=deleted, last=now)
        later = case((USES.c.last > new.excluded.last, USES.c.last), else_=new.excluded.last)
        more = {"last": later, "deleted": USES.c.deleted + new.excluded.deleted}
        old = delete(USES).where(
            USES.c.upstream == upstream, USES.c.username == user, USES.c.last <= now - PRUNE_SECONDS
        )
        with self._database.writing() as connection:
            connection.execute(old)
            connection.execute(new.on_conflict_do_update(index_elements=list(whose), set_=more))

    def uses(self, upstream: str, user: str, since: float) -> list[Use]:
        """The programs that were seen at or after ``since``, the latest first."""
        asked = (
            select(USES.c.protocol, USES.c.client, USES.c.deleted, USES.c.last)
            .where(USES.c.upstream == upstream, USES.c.username == user, USES.c.last >= since)
            .order_by(USES.c.last.desc(), USES.c.protocol, USES.c.client)
        )
        with self._database.reading() as connection:
            return [Use(*row) for row in connection.execute(asked)]

    def told(self, upstream: str, user: str, kind: str, now: float, every: float) -> bool:
        """Is it time to tell this? True at most once within ``every`` seconds, over all processes."""
        long_ago = now - every
        whose = {"upstream": upstream, "username": user, "kind": kind}
        first = self._database.insert(TOLD).values(**whose, at=long_ago).on_conflict_do_nothing()
        telling = update(TOLD).filter_by(**whose).where(TOLD.c.at <= long_ago).values(at=now)
        with self._database.writing() as connection:
            connection.execute(first)
            return connection.execute(telling).rowcount == 1

    def seen(
        self,
        upstream: str,
        user: str,
        now: float,
        messages: int | None = None,
        octets: int | None = None,
        used: int | None = None,
        limit: int | None = None,
    ) -> None:
        """Notes what a server told of this mailbox. None leaves what is known."""
        whose = {"upstream": upstream, "username": user}
        told = {"messages": messages, "octets": octets, "quota_used": used, "quota_limit": limit}
        new = self._database.insert(SIZES).values(**whose, **told, at=now)
        known: dict[str, Any] = {name: func.coalesce(new.excluded[name], SIZES.c[name]) for name in told}
        anew = new.on_conflict_do_update(index_elements=list(whose), set_={**known, "at": new.excluded.at})
        with self._database.writing() as connection:
            connection.execute(anew)

    def sizes(self, upstream: str, user: str) -> Sizes | None:
        """What is known of this mailbox; None: nothing."""
        asked = select(
            SIZES.c.messages, SIZES.c.octets, SIZES.c.quota_used, SIZES.c.quota_limit, SIZES.c.at
        ).where(SIZES.c.upstream == upstream, SIZES.c.username == user)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else Sizes(*row)

"""How much each user deleted lately, and who is held back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from mailproxy.store.database import Database
from mailproxy.store.tables import DELETIONS, HOLDS

PRUNE_SECONDS = 366 * 86400.0
"""Deletions older than this do not count any more, whatever a rule asks for."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A user who may delete nothing until released."""

    upstream: str
    user: str
    rule: str
    why: str
    since: float


class BrakesTable:
    """Implements :class:`mailproxy.guards.memory.Brakes`, and what the command line asks.

    Each method is one transaction; each raises MemoryFailed when it did not happen.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, upstream: str, user: str, since: float) -> int:
        """How many messages were deleted after ``since``, and not before the last release."""
        asked = select(func.sum(DELETIONS.c.messages)).where(
            DELETIONS.c.username == user, DELETIONS.c.upstream == upstream, DELETIONS.c.at > since
        )
        with self._database.reading() as connection:
            return int(connection.execute(asked).scalar() or 0)

    def deleted(self, upstream: str, user: str, count: int, now: float) -> None:
        """Notes that so many messages were deleted."""
        old = delete(DELETIONS).where(
            DELETIONS.c.username == user,
            DELETIONS.c.upstream == upstream,
            DELETIONS.c.at <= now - PRUNE_SECONDS,
        )
        new = DELETIONS.insert().values(upstream=upstream, username=user, at=now, messages=count)
        with self._database.writing() as connection:
            connection.execute(old)
            connection.execute(new)

    def held(self, upstream: str, user: str) -> bool:
        """May this user delete nothing?"""
        asked = select(HOLDS.c.since).where(HOLDS.c.upstream == upstream, HOLDS.c.username == user)
        with self._database.reading() as connection:
            return connection.execute(asked).first() is not None

    def hold(self, upstream: str, user: str, rule: str, why: str, now: float) -> None:
        """Holds this user back. Who is held already stays so for the first reason."""
        new = self._database.insert(HOLDS).values(
            upstream=upstream, username=user, rule=rule, why=why, since=now
        )
        with self._database.writing() as connection:
            connection.execute(new.on_conflict_do_nothing())

    def release(self, user: str, upstream: str | None = None, now: float | None = None) -> int:
        """Ends the holds of this user, and what was deleted until ``now`` counts no more.

        Returns how many holds that were, one for each upstream.
        """
        until = time.time() if now is None else now
        ending = delete(HOLDS).where(HOLDS.c.username == user)
        counted = delete(DELETIONS).where(DELETIONS.c.username == user, DELETIONS.c.at <= until)
        if upstream is not None:
            ending = ending.where(HOLDS.c.upstream == upstream)
            counted = counted.where(DELETIONS.c.upstream == upstream)
        with self._database.writing() as connection:
            connection.execute(counted)
            return connection.execute(ending).rowcount

    def holding(self) -> list[Hold]:
        """Who is held back, the longest first."""
        asked = select(HOLDS.c.upstream, HOLDS.c.username, HOLDS.c.rule, HOLDS.c.why, HOLDS.c.since).order_by(
            HOLDS.c.since, HOLDS.c.upstream, HOLDS.c.username
        )
        with self._database.reading() as connection:
            return [Hold(*row) for row in connection.execute(asked)]

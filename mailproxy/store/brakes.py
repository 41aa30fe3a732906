"""How much each user deleted lately, and who is held back.

Whoever is to be admitted must see what all others were admitted before. SQLite's write
transactions follow one another anyway; on PostgreSQL there is a lock for each user at an upstream.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Connection, delete, func, select

from mailproxy.guards.memory import Admission, Limit
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

    def admit(self, upstream: str, user: str, count: int, limit: Limit, now: float) -> Admission:
        """Notes deletions that are about to be made, unless they are too many; see the protocol."""
        with self._database.writing() as connection:
            _lock(connection, upstream, user)
            if _is_held(connection, upstream, user):
                return Admission(held=True)
            if limit.most:
                total = _sum(connection, upstream, user, limit.since) + count
                if total > limit.most:
                    self._hold(connection, upstream, user, limit.rule, limit.why(total), now)
                    return Admission(total=total)
            _note(connection, upstream, user, count, now)
            return Admission()

    def recent(self, upstream: str, user: str, since: float) -> int:
        """How many messages were deleted after ``since``, and not before the last release."""
        with self._database.reading() as connection:
            return _sum(connection, upstream, user, since)

    def deleted(self, upstream: str, user: str, count: int, now: float) -> None:
        """Notes that so many messages are about to be deleted."""
        with self._database.writing() as connection:
            _note(connection, upstream, user, count, now)

    def held(self, upstream: str, user: str) -> bool:
        """May this user delete nothing?"""
        with self._database.reading() as connection:
            return _is_held(connection, upstream, user)

    def hold(self, upstream: str, user: str, rule: str, why: str, now: float) -> None:
        """Holds this user back. Who is held already stays so for the first reason."""
        with self._database.writing() as connection:
            self._hold(connection, upstream, user, rule, why, now)

    def _hold(
        self, connection: Connection, upstream: str, user: str, rule: str, why: str, now: float
    ) -> None:
        new = self._database.insert(HOLDS).values(
            upstream=upstream, username=user, rule=rule, why=why, since=now
        )
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


def _sum(connection: Connection, upstream: str, user: str, since: float) -> int:
    asked = select(func.sum(DELETIONS.c.messages)).where(
        DELETIONS.c.username == user, DELETIONS.c.upstream == upstream, DELETIONS.c.at > since
    )
    return int(connection.execute(asked).scalar() or 0)


def _is_held(connection: Connection, upstream: str, user: str) -> bool:
    asked = select(HOLDS.c.since).where(HOLDS.c.upstream == upstream, HOLDS.c.username == user)
    return connection.execute(asked).first() is not None


def _note(connection: Connection, upstream: str, user: str, count: int, now: float) -> None:
    old = delete(DELETIONS).where(
        DELETIONS.c.username == user,
        DELETIONS.c.upstream == upstream,
        DELETIONS.c.at <= now - PRUNE_SECONDS,
    )
    connection.execute(old)
    connection.execute(DELETIONS.insert().values(upstream=upstream, username=user, at=now, messages=count))


def _lock(connection: Connection, upstream: str, user: str) -> None:
    """Until the end of the transaction nobody else is admitted for this user."""
    if connection.dialect.name == "postgresql":
        # Two users with one number merely wait for each other.
        name = b"\0".join(part.encode() for part in ("mailproxy brake", upstream, user))
        number = int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(number)))

"""What operators have allowed for a while although a rule forbids it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from mailproxy.store.database import Database
from mailproxy.store.tables import LIFTS


@dataclass(frozen=True, slots=True)
class Lift:
    """This rule does not hold this user back before ``until``, in seconds since 1970-01-01 UTC."""

    rule: str
    user: str
    until: float


class Lifts:
    """Each method is one transaction; each raises MemoryFailed when it did not happen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, rule: str, user: str, until: float, now: float, by: str = "") -> None:
        """Lifts the rule for this user. A lift that is there already ends at the new time, be it sooner."""
        new = self._database.insert(LIFTS).values(rule=rule, username=user, until=until, at=now, given_by=by)
        anew = {name: new.excluded[name] for name in ("until", "at", "given_by")}
        with self._database.writing() as connection:
            connection.execute(delete(LIFTS).where(LIFTS.c.until <= now))
            connection.execute(new.on_conflict_do_update(index_elements=["rule", "username"], set_=anew))

    def active(self, now: float) -> tuple[Lift, ...]:
        """The lifts that have not ended, by rule and user."""
        asked = (
            select(LIFTS.c.rule, LIFTS.c.username, LIFTS.c.until)
            .where(LIFTS.c.until > now)
            .order_by(LIFTS.c.rule, LIFTS.c.username)
        )
        with self._database.reading() as connection:
            return tuple(Lift(*row) for row in connection.execute(asked))

    def end(self, rule: str, user: str, now: float) -> int:
        """Ends a lift before its time. Returns how many there were: 1 or 0."""
        ending = delete(LIFTS).where(LIFTS.c.rule == rule, LIFTS.c.username == user, LIFTS.c.until > now)
        with self._database.writing() as connection:
            return connection.execute(ending).rowcount

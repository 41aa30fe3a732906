"""Kept mail: which messages the programs believe deleted.

A row of VIEWS is also the lock for its rows of KEPT: whoever changes those has changed or
locked it first, so writers of one view follow one another on PostgreSQL too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)

from mailproxy.guards.memory import Kept, Mark, ViewKey
from mailproxy.store.database import Database
from mailproxy.store.tables import KEPT, VIEWS

FORGET_SECONDS = 30 * 86400.0
"""How long a message must be missing on the server before it is forgotten."""

USED_SECONDS = 3600.0
"""So old may be what is noted of a view's last use."""

_RECALLING = select(KEPT.c.uidl, KEPT.c.octets, KEPT.c.since, KEPT.c.missing, KEPT.c.due).where(
    KEPT.c.view == bindparam("view")
)


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One kept message of one view, for people."""

    upstream: str
    user: str
    program: str
    uidl: bytes
    octets: int
    since: float
    rule: str
    missing: float
    due: bool


class KeptMailTable:
    """Implements :class:`mailproxy.guards.memory.KeptMail`, and what the command line asks.

    Each method is one transaction; each raises MemoryFailed when it did not happen.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, key: ViewKey, now: float) -> Mapping[bytes, Kept]:
        """All that is kept in this view, by UIDL. Notes that the view was used, to the hour.

        So most logins read only, and wait for no other transaction.
        """
        whose = {"upstream": key.upstream, "username": key.user, "program": key.program}
        with self._database.reading() as connection:
            found = connection.execute(select(VIEWS.c.id, VIEWS.c.used).filter_by(**whose)).one_or_none()
            rows = _raw(connection.execute(_RECALLING, {"view": found.id})) if found is not None else ()
        if found is None or found.used <= now - USED_SECONDS:
            with self._database.writing() as connection:
                self._touch(connection, key, now)
        return {
            uidl: Kept(uidl, octets, since, missing, bool(due)) for uidl, octets, since, missing, due in rows
        }

    def keep(
        self,
        key: ViewKey,
        marks: Sequence[Mark],
        rule: str,
        now: float,
        missing: Collection[bytes] = (),
        found: Collection[bytes] = (),
    ) -> None:
        """Keeps these. What was kept before gets the size, rule and time of now, and stays due."""
        with self._database.writing() as connection:
            view = self._touch(connection, key, now)
            _set_missing(connection, view, missing, now)
            _set_missing(connection, view, found, 0.0)
            if marks:
                connection.execute(self._marking(), [_row(view, mark, rule, now) for mark in marks])
            long_gone = and_(KEPT.c.missing > 0, KEPT.c.missing <= now - FORGET_SECONDS)
            connection.execute(delete(KEPT).where(KEPT.c.view == view, long_gone))

    def forget(self, key: ViewKey, uidls: Collection[bytes], now: float) -> None:
        """These are no longer kept."""
        if not uidls:
            return
        with self._database.writing() as connection:
            for view in _locked(connection, key.user, key.upstream, key.program):
                forgetting = delete(KEPT).where(KEPT.c.view == view, KEPT.c.uidl == bindparam("which"))
                connection.execute(forgetting, [{"which": uidl} for uidl in uidls])

    def wanted_elsewhere(self, key: ViewKey, uidls: Collection[bytes], since: float) -> Collection[bytes]:
        """Those that are not kept in another view of the mailbox that was used after ``since``, or so."""
        others = (
            select(VIEWS.c.id, KEPT.c.uidl)
            .outerjoin_from(VIEWS, KEPT)
            .where(VIEWS.c.upstream == key.upstream, VIEWS.c.username == key.user)
            .where(VIEWS.c.program != key.program, VIEWS.c.used > since - USED_SECONDS)
        )
        with self._database.reading() as connection:
            rows = connection.execute(others).all()
        kept: dict[int, set[bytes]] = {}
        for view, uidl in rows:
            kept.setdefault(view, set()).add(uidl)
        return frozenset(uidls).difference(frozenset(uidls).intersection(*kept.values()))

    def listing(self, user: str | None = None, upstream: str | None = None) -> list[KeptRow]:
        """What is kept, of one user or of all."""
        asked = (
            select(
                VIEWS.c.upstream,
                VIEWS.c.username,
                VIEWS.c.program,
                KEPT.c.uidl,
                KEPT.c.octets,
                KEPT.c.since,
                KEPT.c.rule,
                KEPT.c.missing,
                KEPT.c.due,
            )
            .join_from(VIEWS, KEPT)
            .where(*_of(user, upstream))
            .order_by(VIEWS.c.upstream, VIEWS.c.username, VIEWS.c.program, KEPT.c.since, KEPT.c.uidl)
        )
        with self._database.reading() as connection:
            return [KeptRow(*row) for row in connection.execute(asked)]

    def restore(
        self,
        user: str,
        upstream: str | None = None,
        uidls: Collection[bytes] | None = None,
        program: str | None = None,
    ) -> int:
        """The program sees these again, or all. Returns how many rows that were, one for each view."""
        with self._database.writing() as connection:
            views = _locked(connection, user, upstream, program)
            return _changed(connection, delete(KEPT).where(KEPT.c.view.in_(views)), uidls)

    def purge(self, user: str, upstream: str | None = None, uidls: Collection[bytes] | None = None) -> int:
        """These, or all, are due for deletion on the server. Returns how many rows were not yet."""
        with self._database.writing() as connection:
            views = _locked(connection, user, upstream)
            asking = update(KEPT).where(KEPT.c.view.in_(views), KEPT.c.due.is_(False)).values(due=True)
            return _changed(connection, asking, uidls)

    def total(self, upstream: str, user: str) -> tuple[int, int]:
        """How many messages are kept that the server still lists, and their octets, each once."""
        each = (
            select(func.max(KEPT.c.octets).label("octets"))
            .join_from(KEPT, VIEWS)
            .where(*_of(user, upstream), KEPT.c.missing == 0)
            .group_by(KEPT.c.uidl)
            .subquery()
        )
        with self._database.reading() as connection:
            count, octets = connection.execute(select(func.count(), func.sum(each.c.octets))).one()
        return int(count), int(octets or 0)

    def _touch(self, connection: Connection, key: ViewKey, now: float) -> int:
        """The view's number; it is made, or its time brought forward, and it is locked."""
        whose = {"upstream": key.upstream, "username": key.user, "program": key.program}
        new = self._database.insert(VIEWS).values(**whose, used=now)
        later = case((VIEWS.c.used > new.excluded.used, VIEWS.c.used), else_=new.excluded.used)
        connection.execute(new.on_conflict_do_update(index_elements=list(whose), set_={"used": later}))
        return int(connection.execute(select(VIEWS.c.id).filter_by(**whose)).scalar_one())

    def _marking(self) -> Any:
        new = self._database.insert(KEPT)
        anew: dict[str, Any] = {name: new.excluded[name] for name in ("octets", "since", "rule", "missing")}
        # Of another size it is another message, and nobody has asked for the deletion of that one.
        anew["due"] = and_(KEPT.c.due, KEPT.c.octets == new.excluded.octets)
        return new.on_conflict_do_update(index_elements=["view", "uidl"], set_=anew)


def _raw(result: CursorResult[Any]) -> Sequence[Any]:
    """The driver's own tuples: rows of SQLAlchemy round them take as long again when there are thousands."""
    assert result.cursor is not None, "a SELECT has a cursor"
    return result.cursor.fetchall()


def _row(view: int, mark: Mark, rule: str, now: float) -> dict[str, object]:
    return {
        "view": view,
        "uidl": mark.uidl,
        "octets": mark.octets,
        "since": now,
        "rule": rule,
        "missing": 0.0,
        "due": False,
    }


def _set_missing(connection: Connection, view: int, uidls: Collection[bytes], since: float) -> None:
    """The first time at which it was missing is the one that stays."""
    if uidls:
        noting = update(KEPT).where(KEPT.c.view == view, KEPT.c.uidl == bindparam("which"))
        if since:
            noting = noting.where(KEPT.c.missing == 0)
        connection.execute(noting.values(missing=since), [{"which": uidl} for uidl in uidls])


def _of(user: str | None, upstream: str | None, program: str | None = None) -> list[ColumnElement[bool]]:
    asked = {VIEWS.c.username: user, VIEWS.c.upstream: upstream, VIEWS.c.program: program}
    return [column == value for column, value in asked.items() if value is not None]


def _locked(
    connection: Connection, user: str, upstream: str | None, program: str | None = None
) -> Sequence[int]:
    """The numbers of these views, which nobody else changes until the transaction ends."""
    asked = select(VIEWS.c.id).where(*_of(user, upstream, program)).order_by(VIEWS.c.id).with_for_update()
    return connection.execute(asked).scalars().all()


def _changed(connection: Connection, statement: Any, uidls: Collection[bytes] | None) -> int:
    if uidls is None:
        return int(connection.execute(statement).rowcount)
    one = statement.where(KEPT.c.uidl == bindparam("which"))
    return sum(int(connection.execute(one, {"which": uidl}).rowcount) for uidl in set(uidls))

"""Who did what: rows that are written and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, select

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.database import Database
from mailproxy.store.tables import AUDIT


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What happened ``at`` this time, in seconds since 1970-01-01 UTC."""

    id: int
    at: float
    kind: str
    upstream: str
    user: str
    detail: Mapping[str, object]


class Audit:
    """Each method is one transaction; each raises MemoryFailed when it did not happen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, at: float, kind: str, upstream: str, user: str, detail: Mapping[str, object]) -> None:
        """Adds one row. ``detail`` becomes JSON, in which octets are base64."""
        new = AUDIT.insert().values(
            at=at, kind=kind, upstream=upstream, username=user, detail=_json(kind, detail)
        )
        with self._database.writing() as connection:
            connection.execute(new)

    def rows(
        self,
        since: float | None = None,
        user: str | None = None,
        kind: str | None = None,
        limit: int = 1000,
    ) -> list[AuditRow]:
        """The latest ``limit`` rows of those at or after ``since``, the oldest of them first."""
        asked = select(AUDIT)
        if since is not None:
            asked = asked.where(AUDIT.c.at >= since)
        if user is not None:
            asked = asked.where(AUDIT.c.username == user)
        if kind is not None:
            asked = asked.where(AUDIT.c.kind == kind)
        latest = asked.order_by(AUDIT.c.at.desc(), AUDIT.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            found = connection.execute(latest).all()
        return [_written(row) for row in reversed(found)]


def _json(kind: str, detail: Mapping[str, object]) -> str:
    try:
        return msgspec.json.encode(detail).decode()
    except (TypeError, ValueError) as error:
        raise MemoryFailed(
            f"the detail of an audit row ({kind}) cannot be written as JSON: {error}"
        ) from error


def _written(row: Row[Any]) -> AuditRow:
    detail = msgspec.json.decode(row.detail, type=dict[str, object])
    return AuditRow(row.id, row.at, row.kind, row.upstream, row.username, detail)

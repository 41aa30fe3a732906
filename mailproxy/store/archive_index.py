"""Which messages are in the archive, and in which file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from mailproxy.guards.memory import Message
from mailproxy.store.database import Database
from mailproxy.store.tables import ARCHIVE

_KEY = ("upstream", "username", "protocol", "mailbox", "message")


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One archived message: where it was, and the file that has its ``octets`` since ``at``."""

    id: int
    message: Message
    file: str
    octets: int
    at: float


class ArchiveIndex:
    """A message is known by upstream, user, protocol, mailbox and id.

    Each method is one transaction; each raises MemoryFailed when it did not happen.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, message: Message) -> bool:
        """Is it there?"""
        with self._database.reading() as connection:
            return connection.execute(select(ARCHIVE.c.id).where(*_same(message))).first() is not None

    def add(self, message: Message, file: str, octets: int, now: float) -> int:
        """The number of the row. One that was there keeps its number, and tells of the new file from now on:
        its own is gone, or else the message would not have been copied again."""
        copy: dict[str, Any] = {
            "internaldate": message.internaldate,
            "flags": " ".join(message.flags),
            "rule": message.rule,
            "file": file,
            "octets": octets,
            "at": now,
        }
        new = self._database.insert(ARCHIVE).values(
            upstream=message.upstream,
            username=message.user,
            protocol=message.protocol,
            mailbox=message.mailbox,
            message=message.id,
            **copy,
        )
        with self._database.writing() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_=copy))
            return int(connection.execute(select(ARCHIVE.c.id).where(*_same(message))).scalar_one())

    def listing(
        self, user: str | None = None, upstream: str | None = None, since: float | None = None
    ) -> list[ArchiveRow]:
        """What was archived at or after ``since``, the oldest first."""
        asked = select(ARCHIVE).order_by(ARCHIVE.c.at, ARCHIVE.c.id)
        if user is not None:
            asked = asked.where(ARCHIVE.c.username == user)
        if upstream is not None:
            asked = asked.where(ARCHIVE.c.upstream == upstream)
        if since is not None:
            asked = asked.where(ARCHIVE.c.at >= since)
        with self._database.reading() as connection:
            return [_archived(row) for row in connection.execute(asked)]

    def get(self, id: int) -> ArchiveRow | None:
        """The row with this number."""
        with self._database.reading() as connection:
            row = connection.execute(select(ARCHIVE).where(ARCHIVE.c.id == id)).first()
        return None if row is None else _archived(row)


def _same(message: Message) -> list[ColumnElement[bool]]:
    return [
        ARCHIVE.c.upstream == message.upstream,
        ARCHIVE.c.username == message.user,
        ARCHIVE.c.protocol == message.protocol,
        ARCHIVE.c.mailbox == message.mailbox,
        ARCHIVE.c.message == message.id,
    ]


def _archived(row: Row[Any]) -> ArchiveRow:
    message = Message(
        row.upstream,
        row.username,
        row.protocol,
        row.mailbox,
        row.message,
        row.internaldate,
        tuple(row.flags.split()),
        row.rule,
    )
    return ArchiveRow(row.id, message, row.file, row.octets, row.at)

"""The tables as this version of mailproxy uses them; ``versions.py`` is what makes them.

Times are seconds since 1970-01-01 UTC. ``username`` is the login name: ``user`` alone is a word of SQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

TABLES = MetaData()


def _number() -> Column[Any]:
    # SQLite gives out numbers by itself for INTEGER alone, which has 64 bits there.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _needed(name: str, kind: type[TypeEngine[Any]], *, key: bool = False) -> Column[Any]:
    return Column(name, kind, primary_key=key, nullable=False)


VIEWS = Table(
    "mailproxy_views",
    TABLES,
    _number(),
    _needed("upstream", Text),
    _needed("username", Text),
    _needed("program", Text),
    _needed("used", Double),
    UniqueConstraint("upstream", "username", "program"),
)

KEPT = Table(
    "mailproxy_kept",
    TABLES,
    Column("view", BigInteger, ForeignKey(VIEWS.c.id), primary_key=True),
    _needed("uidl", LargeBinary, key=True),
    _needed("octets", BigInteger),
    _needed("since", Double),
    _needed("rule", Text),
    _needed("missing", Double),  # since when the server does not list it; 0: it does
    _needed("due", Boolean),
)

DELETIONS = Table(
    "mailproxy_deletions",
    TABLES,
    _number(),
    _needed("upstream", Text),
    _needed("username", Text),
    _needed("at", Double),
    _needed("messages", BigInteger),
)

HOLDS = Table(
    "mailproxy_holds",
    TABLES,
    _needed("upstream", Text, key=True),
    _needed("username", Text, key=True),
    _needed("rule", Text),
    _needed("why", Text),
    _needed("since", Double),
)

LIFTS = Table(
    "mailproxy_lifts",
    TABLES,
    _needed("rule", Text, key=True),
    _needed("username", Text, key=True),
    _needed("until", Double),
    _needed("at", Double),
    _needed("given_by", Text),
)

ARCHIVE = Table(
    "mailproxy_archive",
    TABLES,
    _number(),
    _needed("upstream", Text),
    _needed("username", Text),
    _needed("protocol", Text),
    _needed("mailbox", Text),
    _needed("message", Text),
    _needed("internaldate", Text),
    _needed("flags", Text),  # with blanks between them
    _needed("rule", Text),
    _needed("file", Text),
    _needed("octets", BigInteger),
    _needed("at", Double),
    UniqueConstraint("upstream", "username", "protocol", "mailbox", "message"),
)

USES = Table(
    "mailproxy_uses",
    TABLES,
    _needed("upstream", Text, key=True),
    _needed("username", Text, key=True),
    _needed("protocol", Text, key=True),
    _needed("client", Text, key=True),
    _needed("deleted", BigInteger),
    _needed("last", Double),
)

TOLD = Table(
    "mailproxy_told",
    TABLES,
    _needed("upstream", Text, key=True),
    _needed("username", Text, key=True),
    _needed("kind", Text, key=True),
    _needed("at", Double),
)

SIZES = Table(
    "mailproxy_sizes",
    TABLES,
    _needed("upstream", Text, key=True),
    _needed("username", Text, key=True),
    Column("messages", BigInteger),
    Column("octets", BigInteger),
    Column("quota_used", BigInteger),
    Column("quota_limit", BigInteger),
    _needed("at", Double),
)

AUDIT = Table(
    "mailproxy_audit",
    TABLES,
    _number(),
    _needed("at", Double),
    _needed("kind", Text),
    _needed("upstream", Text),
    _needed("username", Text),
    _needed("detail", Text),  # a JSON object
)

"""From the URL of a store to its database."""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from mailproxy.store.database import Database
from mailproxy.store.errors import StoreError
from mailproxy.store.postgresql import open_postgresql
from mailproxy.store.sqlite import open_sqlite

_POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgres")

_FORMS = "write sqlite:////folder/file.db or postgresql://user@host/database"


def open_database(url: str) -> Database:
    """The database that ``url`` names; a new SQLite file is made, a PostgreSQL database is not.

    Raises:
        StoreError: the URL names none, or it cannot be opened.
    """
    if url.startswith("sqlite:"):
        return open_sqlite(url)
    parsed = _parsed(url)
    if parsed.drivername not in _POSTGRESQL:
        raise StoreError("the store's url", f"{parsed.drivername}:// is no database for mailproxy", _FORMS)
    return open_postgresql(parsed)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Their texts repeat the URL with its password, and so would a chain of exceptions.
        raise StoreError("the store's url", "it cannot be understood", _FORMS) from None

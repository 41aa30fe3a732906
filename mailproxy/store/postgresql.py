"""A store for several machines: PostgreSQL through psycopg."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from mailproxy.store.database import WAIT_SECONDS, Database
from mailproxy.store.errors import StoreError

STATEMENT_SECONDS = 30.0

_PATIENCE = {
    "connect_timeout": int(WAIT_SECONDS),
    "tcp_user_timeout": int(STATEMENT_SECONDS * 1000),  # milliseconds until a dead network is noticed
}

_SETTINGS = (
    f"SET lock_timeout = {int(WAIT_SECONDS * 1000)}",
    f"SET statement_timeout = {int(STATEMENT_SECONDS * 1000)}",
    # Where the server's default loses commits with the power; what waits for standbys is left alone.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'",
)


def open_postgresql(url: URL) -> Database:
    """The database of ``postgresql://user:password@host:port/name``; nothing is asked of it yet.

    Raises:
        StoreError: its driver is not installed.
    """
    place = place_of(url)
    try:
        return Database(_engine(url), place)
    except ImportError as error:
        raise StoreError(
            place,
            f"the driver for PostgreSQL cannot be loaded ({error})",
            "run: pip install 'mailproxyd[postgresql]'",
        ) from error


def place_of(url: URL) -> str:
    """The URL as it may be shown: its options too may hold a password."""
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    return shown.render_as_string()


def _engine(url: URL) -> Engine:
    patience = {key: value for key, value in _PATIENCE.items() if key not in url.query}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=patience,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,  # the server may have been started anew since
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _settings)
    return engine


def _settings(connection: Any, record: object) -> None:
    with connection.cursor() as cursor:
        for statement in _SETTINGS:
            cursor.execute(statement)
    connection.commit()

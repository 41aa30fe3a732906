"""What is particular to PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text

from mailproxy.guards.memory import Mark, MemoryFailed, ViewKey
from mailproxy.store.address import open_database
from mailproxy.store.errors import StoreError
from mailproxy.store.postgresql import place_of
from mailproxy.store.store import Store
from tests.servers.ports import free_ports
from tests.servers.postgres import Postgres

AIKO = ViewKey("main", "aiko")
PASSWORD = "hush-hush"


@pytest.fixture
def address(postgres: Postgres) -> str:
    """The URL of an empty database."""
    return postgres.emptied()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = Store(address)
    yield opened
    opened.close()


def refused(url: str) -> StoreError:
    """The error for this URL, in which no password stands, nor in what it came from."""
    with pytest.raises(StoreError) as caught:
        Store(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert PASSWORD not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    return caught.value


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:hush-hush@db.example:5433/mail", "postgresql://me@db.example:5433/mail"),
        ("postgresql://db.example/mail?password=hush-hush&user=me", "postgresql://db.example/mail"),
        ("postgresql:///mail?host=/run/postgresql", "postgresql:///mail"),
    ],
)
def test_place_of(url: str, place: str) -> None:
    assert place_of(make_url(url)) == place


def test_a_wrong_password(postgres: Postgres) -> None:
    error = refused(postgres.url(PASSWORD))
    assert error.place == f"postgresql://mailproxy@127.0.0.1:{postgres.port}/postgres"
    assert "password authentication failed" in error.cause
    assert error.next_step.startswith("check that PostgreSQL runs there")


def test_no_such_database(postgres: Postgres) -> None:
    assert 'database "absent" does not exist' in refused(postgres.url(database="absent")).cause


def test_nobody_listens() -> None:
    error = refused(f"postgresql://me:{PASSWORD}@127.0.0.1:{free_ports(1)[0]}/mail")
    assert "onnection refused" in error.cause


@pytest.mark.parametrize("option", ["sslmode=hush-no", "nonsense=1", "connect_timeout=soon"])
def test_a_wrong_option(option: str) -> None:
    error = refused(f"postgresql://me:{PASSWORD}@127.0.0.1:{free_ports(1)[0]}/mail?{option}")
    assert option.split("=")[0] in error.cause


def test_the_driver_is_not_installed() -> None:
    program = f"""
import sys
sys.modules["psycopg"] = None
from mailproxy.store.errors import StoreError
from mailproxy.store.store import Store
try:
    Store("postgresql://me:{PASSWORD}@127.0.0.1/mail")
except StoreError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "postgresql://me@127.0.0.1/mail: the driver for PostgreSQL cannot be loaded"
    )
    assert done.stdout.endswith("; run: pip install 'mailproxyd[postgresql]'\n")


def test_a_user_who_may_make_no_tables(postgres: Postgres, address: str) -> None:
    error = refused(f"{address}?options=-cdefault_transaction_read_only%3Don")
    assert "read-only transaction" in error.cause


@pytest.mark.parametrize(("default", "used"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_commits_are_durable(address: str, default: str, used: str) -> None:
    database = open_database(f"{address}?options=-csynchronous_commit%3D{default}")
    for transaction in (database.reading, database.writing):
        with transaction() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == used
            assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "10s"
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "30s"
            assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
    database.close()


def test_a_server_that_takes_no_writes(store: Store, address: str) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 1)], "keep-pop", 1.0)
    reader = Store(f"{address}?options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(MemoryFailed, match="cannot be written: cannot execute INSERT in a read-only"):
        reader.kept.keep(AIKO, [Mark(b"u2", 1)], "keep-pop", 1.0)
    assert [row.uidl for row in reader.kept.listing()] == [b"u1"]
    reader.close()


def test_connections_that_the_server_has_ended_are_made_anew(store: Store, postgres: Postgres) -> None:
    store.kept.keep(AIKO, [Mark(b"u1", 1)], "keep-pop", 1.0)
    end_all(postgres)
    assert set(store.kept.recall(AIKO, 2.0)) == {b"u1"}


def test_a_connection_that_ends_in_a_transaction(address: str, postgres: Postgres) -> None:
    Store(address).close()
    database = open_database(address)
    insert = text("INSERT INTO mailproxy_lifts VALUES ('rule', 'aiko', 2, 1, '')")

    def write() -> None:
        with database.writing() as connection:
            connection.execute(insert)
            end_all(postgres)
            connection.execute(text("SELECT 1"))

    with pytest.raises(MemoryFailed, match="the store cannot be written: "):
        write()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM mailproxy_lifts")).scalar_one() == 0
    database.close()


def test_a_name_that_postgresql_cannot_hold(store: Store) -> None:
    with pytest.raises(MemoryFailed, match="NUL") as caught:
        store.kept.recall(ViewKey("main", "a\x00b"), 1.0)
    assert "a\x00b" not in "".join(traceback.format_exception(caught.value))


def end_all(postgres: Postgres) -> None:
    postgres.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

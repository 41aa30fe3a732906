"""A private PostgreSQL on loopback, for the store."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.servers.daemon import STOP_SECONDS, last_lines, running, server_folder
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.requirements import need_program, need_user
from tests.waiting import until

PACKAGE = "postgresql"
USER = "mailproxy"
PASSWORD = "Slow:Loris/9@home"  # with what a URL has to escape
ESCAPED = "Slow%3ALoris%2F9%40home"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "fsync": "off",  # no test takes the power away
    "full_page_writes": "off",
    "autovacuum": "off",
}


EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL. ``port`` is on loopback."""

    folder: Path
    port: int

    def url(self, password: str = ESCAPED, database: str = "postgres") -> str:
        """The address of the database, as it stands in a configuration."""
        return f"postgresql://{USER}:{password}@{LOOPBACK}:{self.port}/{database}"

    def run(self, statements: str) -> None:
        """Does this in the database. Raises psycopg.Error."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statements)  # type: ignore[arg-type]

    def emptied(self) -> str:
        """The address of the database, in which nothing is left; a new one each time would take a second."""
        self.run(EMPTY)
        return self.url()


@contextmanager
def postgres_running() -> Iterator[Postgres]:
    """PostgreSQL in a folder of its own; as root, for the user ``postgres``, since it refuses root."""
    programs = _programs()
    with server_folder("postgres") as folder:
        log = folder / "postgres.log"
        log.touch()
        prefix = _as_unprivileged(folder)
        _make_cluster([*prefix, programs / "initdb"], folder)
        server = Postgres(folder, free_ports(1)[0])
        command: list[str | Path] = [*prefix, programs / "postgres", "-D", folder / "data"]
        for name, value in {**SETTINGS, "port": str(server.port)}.items():
            command += ["-c", f"{name}={value}"]
        with running(command, [server.port], log) as process:
            try:
                until(lambda: _serves(server), f"service; the log:\n{last_lines(log)}")
                yield server
            finally:
                # SIGTERM would wait for every client to leave
                process.send_signal(signal.SIGINT)
                process.wait(STOP_SECONDS)


def _programs() -> Path:
    """Debian keeps each version's programs in a folder that is in nobody's PATH."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda folder: int(folder.parent.name))
    return need_program("initdb", PACKAGE).resolve().parent


def _as_unprivileged(folder: Path) -> list[str | Path]:
    """What a command begins with, so that it does not run as root; the folder is handed over."""
    if os.geteuid() != 0:
        return []
    owner = need_user("postgres", PACKAGE)
    for path in (folder, folder / "postgres.log"):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    setpriv = need_program("setpriv", "util-linux")
    return [setpriv, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


def _make_cluster(initdb: list[str | Path], folder: Path) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(
        [*initdb, "-D", folder / "data", f"--username={USER}", f"--pwfile={password}", *options],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"initdb made no database cluster:\n{done.stdout}{done.stderr}"


def _serves(server: Postgres) -> bool:
    try:
        server.run("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True

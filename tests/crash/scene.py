"""A mailbox, what is kept of it, and a program that deletes three messages of it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailproxy.guards.memory import Mark, ViewKey
from mailproxy.store.store import Store
from tests.crash.forks import Forks, fork_server
from tests.crash.mail_server import MailServer, mail_server
from tests.crash.places import Place
from tests.crash.program import USER, program

RULES = Path(__file__).resolve().parents[2] / "rules/pop3-keep-30-days.toml"
DAY = 86400.0
VIEW = ViewKey("main", USER)
CONFIGURATION = """\
state = "."
[log]
file = "mailproxy.log"
[rules]
files = ["{rules}"]
[upstream.main]
host = "127.0.0.1"
pop3 = {{ port = {port}, tls = "none" }}
[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "none"
upstream = "main"
"""

MAIL = {
    b"stays-1": b"Subject: stays\r\n\r\nNobody deletes this.\r\n",
    b"over": b"Subject: over\r\n\r\nKept for more than 30 days.\r\n",
    b"read-1": b"Subject: one\r\n\r\n.\r\n..\r\n",
    b"kept": b"Subject: kept\r\n\r\nKept since yesterday.\r\n",
    b"read-2": b"Subject: two\r\n\r\n" + b"x" * 70 + b"\r\n",
    b"stays-2": b"\r\n",
    b"read-3": b"Subject: three\r\n\r\nThree.\r\n",
}
DELETED = (b"read-1", b"read-2", b"read-3")

Rows = dict[bytes, tuple[int, int, str, bool]]
"""What is kept: octets, for how many days, by which rule, and whether the server has ceased to list it."""

BEFORE: Rows = {
    b"over": (len(MAIL[b"over"]), 31, "an earlier rule", False),
    b"kept": (len(MAIL[b"kept"]), 1, "an earlier rule", False),
    b"vanished": (1000, 2, "an earlier rule", False),
}
MARKED: Rows = {
    **BEFORE,
    b"vanished": (1000, 2, "an earlier rule", True),
    **{uidl: (len(MAIL[uidl]), 0, "pop3-keep-30-days", False) for uidl in DELETED},
}
DONE: Rows = {uidl: row for uidl, row in MARKED.items() if uidl != b"over"}


def write_store(file: Path, now: float) -> None:
    """The store before the session."""
    with closing(Store(f"sqlite:///{file}")) as store:
        for uidl, (octets, days, rule, _) in BEFORE.items():
            store.kept.keep(VIEW, [Mark(uidl, octets)], rule, now - days * DAY)


def read_store(file: Path) -> tuple[list[str], Rows]:
    """What SQLite finds wrong with it, and what is kept."""
    with closing(sqlite3.connect(file)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    problems = [f"SQLite: {said}" for said in found if said != "ok"]
    problems += [f"a row of {table} refers to nothing" for table, *_ in broken]
    with closing(Store(f"sqlite:///{file}")) as store:
        rows = store.kept.listing(USER, VIEW.upstream)
    now = time.time()
    return problems, {
        row.uidl: (row.octets, int((now - row.since) // DAY), row.rule, row.missing > 0) for row in rows
    }


@dataclass(frozen=True)
class Aftermath:
    """What there is after a session: told to the program, heard by the server, and left on both."""

    killed: bool
    told: bytes
    heard: list[bytes]
    store: Path
    mail: dict[bytes, bytes]


class World:
    """A mail server, and proxies in front of it, one after the other."""

    def __init__(self, folder: Path, forks: Forks, server: MailServer) -> None:
        self._folder = folder
        self._forks = forks
        self._server = server
        self._template = folder / "template.db"
        self._count = 0
        write_store(self._template, time.time())

    def delete_three(
        self, place: Place | None = None, fault: str = "none", lines: Path | None = None
    ) -> Aftermath:
        """In a new mailbox a program deletes :data:`DELETED`; the proxy is killed at this place of QUIT."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        shutil.copy(self._template, folder / "mailproxy.db")
        config = folder / "mailproxy.toml"
        config.write_text(CONFIGURATION.format(rules=RULES, port=self._server.port))
        visit = self._server.expect(MAIL)
        with self._forks.proxy(config, fault, place, lines) as run, program(run.port) as one:
            for number, uidl in enumerate(one.uidls(), 1):
                assert one.ask_many(b"RETR %d" % number) == MAIL[uidl]
                if uidl in DELETED:
                    one.ask(b"DELE %d" % number)
            told = one.quit()
        return Aftermath(run.killed, told, visit.heard(), folder / "mailproxy.db", visit.mailbox.messages)

    def look_again(self, after: Aftermath) -> tuple[list[tuple[bytes, bytes]], Aftermath]:
        """A program reads all that a new proxy shows: the unique-ids and bodies; and what is left then."""
        visit = self._server.expect(after.mail)
        with self._forks.proxy(after.store.parent / "mailproxy.toml") as run, program(run.port) as one:
            shown = [(uidl, one.ask_many(b"RETR %d" % number)) for number, uidl in enumerate(one.uidls(), 1)]
            told = one.quit()
        return shown, Aftermath(run.killed, told, visit.heard(), after.store, visit.mailbox.messages)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A world with a fork server of its own."""
    folder.mkdir()
    with fork_server() as forks, mail_server() as server:
        yield World(folder, forks, server)

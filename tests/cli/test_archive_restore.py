"""Archived messages go back onto a real server, or it is said what is in the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from mailproxy.archive.appender import Appender, AppendFailed
from mailproxy.cli.archive_restore import PASSWORD_VARIABLE, password_of
from mailproxy.store.store import Store
from tests.cli.archiving import DATE, archive, configure, forget, open_store
from tests.cli.calling import call
from tests.clients.standard_library import expect, imap_client, read_by_imap
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import BOB, TLS_KINDS, Account, Door
from tests.servers.maildir import fill
from tests.servers.ports import free_ports

TEXT = b"Subject: back\r\n\r\nagain\r\n"


@pytest.fixture
def config(dovecot: Dovecot, tmp_path: Path) -> Path:
    """An upstream for each kind of TLS, ``main`` without IMAP, ``nobody`` where nothing listens."""
    fill(dovecot.maildir(BOB), (), dovecot.uid, dovecot.gid)
    ca = f'ca_file = "{dovecot.authority.ca}"\n'
    upstreams = {tls: f'{ca}imap = {{ port = {dovecot.imap.of(tls)}, tls = "{tls}" }}' for tls in TLS_KINDS}
    upstreams["stranger"] = f'imap = {{ port = {dovecot.imap.secure}, tls = "implicit" }}'
    upstreams["nobody"] = f'{ca}imap = {{ port = {free_ports(1)[0]}, tls = "implicit" }}'
    upstreams["main"] = 'imap = { port = 993, tls = "implicit" }\npop3 = { port = 995, tls = "implicit" }'
    upstreams["pop"] = 'pop3 = { port = 995, tls = "implicit" }'
    return configure(tmp_path, upstreams)


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    store = open_store(config)
    yield store
    store.close()


def door(dovecot: Dovecot) -> Door:
    return Door(dovecot.imap.secure, "implicit", dovecot.authority.ca)


def left(dovecot: Dovecot) -> list[bytes]:
    return read_by_imap(door(dovecot), BOB)


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_put_back(
    dovecot: Dovecot, config: Path, store: Store, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, ("\\Flagged", "\\Deleted", "$Work"), tls)
    monkeypatch.setenv(PASSWORD_VARIABLE, BOB.password)
    done = call("archive", "restore", "1", "-c", config, "--imap")
    assert done.stdout == f"1 message put into INBOX of bob at {tls}\n"
    assert left(dovecot) == [TEXT]
    client = imap_client(door(dovecot))
    client.login(BOB.user, BOB.password)
    expect(client.select("INBOX", readonly=True), "OK")
    (about,) = expect(client.fetch("1", "(FLAGS INTERNALDATE)"), "OK")
    client.logout()
    assert f'INTERNALDATE "{DATE}"'.encode() in about or b"09:44:25 +0000" in about
    assert b"\\Flagged" in about
    assert b"$Work" in about
    assert b"\\Deleted" not in about
    (row,) = store.audit.rows()
    assert (row.kind, row.upstream, row.user) == ("archive.restore", tls, BOB.user)
    assert row.detail["messages"] == ["1"]
    assert BOB.password not in str(row.detail)


def test_the_password_is_asked_for_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input))
        return "typed"

    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert password_of("bob\x1b", "main") == "typed"
    assert asked == [(r"Password of bob\x1b at main", True)]


def test_nobody_to_ask(dovecot: Dovecot, config: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, (), "implicit")
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    result = call("archive", "restore", "1", "-c", config, "--imap", code=1)
    assert f"set {PASSWORD_VARIABLE}" in result.stderr
    assert left(dovecot) == []


@pytest.mark.parametrize(
    ("date", "kept"),
    [("17-JUL-1996 02:44:25 -0700", True), ("17-Jul-1996 02:44:60 -0700", False), ("1\x1b", False)],
)
def test_dates_that_are_odd(
    dovecot: Dovecot, config: Path, store: Store, monkeypatch: pytest.MonkeyPatch, date: str, kept: bool
) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, (), "implicit", date)
    monkeypatch.setenv(PASSWORD_VARIABLE, BOB.password)
    dry = call("archive", "restore", "1", "-c", config, "--imap", "--dry-run")
    done = call("archive", "restore", "1", "-c", config, "--imap")
    assert dry.stderr == done.stderr
    assert ("message 1: its date" in done.stderr) is not kept
    assert "\x1b" not in done.stderr
    client = imap_client(door(dovecot))
    client.login(BOB.user, BOB.password)
    expect(client.select("INBOX", readonly=True), "OK")
    (about,) = expect(client.fetch("1", "(INTERNALDATE)"), "OK")
    client.logout()
    assert (b"Jul-1996" in about) is kept


def test_without_a_row(dovecot: Dovecot, config: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = forget(archive(config, store, "7.1", BOB.user, TEXT, (), "implicit"))
    monkeypatch.setenv(PASSWORD_VARIABLE, BOB.password)
    call("archive", "restore", stray, "-c", config, "--imap")
    assert left(dovecot) == [b"x\r\n"]


@pytest.mark.parametrize("more", [["--dry-run"], []])
@pytest.mark.parametrize(
    ("upstream", "why"), [("gone", "no upstream of this configuration"), ("pop", "has no `imap`")]
)
def test_nowhere_to_put_it(
    dovecot: Dovecot, config: Path, store: Store, upstream: str, why: str, more: list[str]
) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, (), "implicit")
    archive(config, store, "7.2", BOB.user, TEXT, (), upstream)
    result = call("archive", "restore", "1", "2", "-c", config, "--imap", *more, code=1)
    assert why in result.stderr
    assert left(dovecot) == []


@pytest.mark.parametrize(
    ("upstream", "account", "why"),
    [
        ("implicit", Account("bob", "wrong"), "refused the login"),
        ("stranger", BOB, "unknown authority"),
        ("nobody", BOB, "are host and the port of imap right?"),
    ],
)
def test_a_server_that_does_not_take_it(
    config: Path, store: Store, monkeypatch: pytest.MonkeyPatch, upstream: str, account: Account, why: str
) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, (), upstream)
    monkeypatch.setenv(PASSWORD_VARIABLE, account.password)
    result = call("archive", "restore", "1", "-c", config, "--imap", code=1)
    assert why in result.stderr
    assert "nothing was restored" in result.stderr
    assert account.password not in result.output
    assert list(store.audit.rows()) == []


def test_what_was_done_is_said(config: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(config, store, "7.1", BOB.user, TEXT, (), "implicit")
    archive(config, store, "7.2", BOB.user, b"two", (), "implicit")
    real = Appender.append

    def append(self: Appender, mailbox: str, flags: object, date: str, message: object, octets: int) -> None:
        if octets == len(b"two"):
            raise AppendFailed("the server refused APPEND: NO [OVERQUOTA] full")
        real(self, mailbox, flags, date, message, octets)  # type: ignore[arg-type]

    monkeypatch.setattr(Appender, "append", append)
    monkeypatch.setenv(PASSWORD_VARIABLE, BOB.password)
    result = call("archive", "restore", "1", "2", "-c", config, "--imap", code=1)
    assert "refused APPEND" in result.stderr
    assert "already there: 1" in result.stderr
    (row,) = store.audit.rows()
    assert row.detail["messages"] == ["1"]

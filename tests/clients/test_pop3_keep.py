"""POP3 programs that delete, in front of a proxy that keeps: the program has its way, IMAP has its mail."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients import deleting, on_server
from tests.clients.captured import ALL
from tests.clients.claws_mail import claws_mail
from tests.clients.in_store import kept_for
from tests.clients.standard_library import body, letter
from tests.proxy_process import COMMAND, PROJECT, Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import Account
from tests.servers.messages import sample_messages

LOADED = list(sample_messages().values())
FLAGS = {
    1: ["\\Flagged"],
    2: ["\\Answered", "$Forwarded"],
    3: ["\\Draft", "work"],
    5: ["\\Seen", "\\Flagged"],
}
LATER = letter("arrived-later")
THIRTY_ONE_DAYS = 31 * 86400.0

DELETING = [
    deleting.fetchmail,
    deleting.getmail,
    deleting.mpop,
    deleting.curl,
    deleting.poplib,
    claws_mail,
]


@pytest.fixture(scope="module")
def keeping(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with _proxy(dovecot, tmp_path_factory.mktemp("keep"), "pop3-keep") as running:
        yield running


@pytest.fixture(scope="module")
def keeping_thirty_days(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with _proxy(dovecot, tmp_path_factory.mktemp("keep-30-days"), "pop3-keep-30-days") as running:
        yield running


def _proxy(dovecot: Dovecot, folder: Path, rules: str) -> AbstractContextManager[Proxy]:
    way = Way("pop3", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
    return mailproxy_running(folder, [way], [PROJECT / f"rules/{rules}.toml"], more=ALL)


def bodies(messages: list[bytes]) -> list[bytes]:
    """What is compared: programs have header fields and an order of their own."""
    return sorted(body(message) for message in messages)


def without_seen(messages: list[on_server.Stored]) -> list[on_server.Stored]:
    """RETR may say that a message was seen; nothing else may change."""
    return [replace(one, flags=one.flags - {"\\Seen"}) for one in messages]


@pytest.mark.parametrize("collect", DELETING, ids=lambda value: value.__name__)
def test_each_message_comes_once_and_all_stay(
    keeping: Proxy, dovecot: Dovecot, tmp_path: Path, collect: deleting.Collector
) -> None:
    account = dovecot.newcomer(LOADED)
    on_server.add_flags(dovecot, account, FLAGS)
    before = on_server.stored(dovecot, account)
    assert len(before) == len(LOADED)
    door = keeping.door("pop3")

    assert bodies(collect(tmp_path, door, account)) == bodies(LOADED)
    assert without_seen(on_server.stored(dovecot, account)) == without_seen(before)

    dovecot.deliver(account, LATER)
    fetched = bodies(collect(tmp_path, door, account))
    assert fetched == bodies([*LOADED, LATER]), "only what has come since"
    fetched = bodies(collect(tmp_path, door, account))
    assert fetched == bodies([*LOADED, LATER]), "nothing"
    after = on_server.stored(dovecot, account)
    assert without_seen(after[:-1]) == without_seen(before)
    assert body(after[-1].message) == body(LATER)

    _restore_all(keeping, account)
    again = bodies(collect(tmp_path, door, account))
    assert again == bodies([*LOADED, LATER] * 2)
    assert len(on_server.stored(dovecot, account)) == len(LOADED) + 1


def test_a_program_that_keeps_is_not_disturbed(keeping: Proxy, dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer(LOADED)
    before = on_server.stored(dovecot, account)
    other = tmp_path / "other"
    other.mkdir()
    door = keeping.door("pop3")
    for _ in range(2):
        assert bodies(deleting.fetchmail_keeping(tmp_path, door, account)) == bodies(LOADED)
    # what this program has seen, another one of the same user deletes
    assert bodies(deleting.mpop(other, door, account)) == bodies(LOADED)
    dovecot.deliver(account, LATER)
    for _ in range(2):
        fetched = deleting.fetchmail_keeping(tmp_path, door, account)
        assert bodies(fetched) == bodies([*LOADED, LATER])
    assert without_seen(on_server.stored(dovecot, account)[:-1]) == without_seen(before)


@pytest.mark.parametrize("collect", DELETING[:-1], ids=lambda value: value.__name__)
def test_when_the_time_is_over_the_server_deletes(
    keeping_thirty_days: Proxy, dovecot: Dovecot, tmp_path: Path, collect: deleting.Collector
) -> None:
    account = dovecot.newcomer(LOADED)
    door = keeping_thirty_days.door("pop3")
    collect(tmp_path, door, account)
    dovecot.deliver(account, LATER)
    expected = bodies([*LOADED, LATER])
    assert bodies(collect(tmp_path, door, account)) == expected
    assert bodies(on_server.messages(dovecot, account)) == expected
    assert _kept(keeping_thirty_days, account) == len(expected)

    _let_time_pass(keeping_thirty_days, account)
    for _ in range(2):
        assert bodies(collect(tmp_path, door, account)) == expected, "nothing is fetched again"
        assert bodies(on_server.messages(dovecot, account)) == [body(LATER)]
        assert _kept(keeping_thirty_days, account) == 1


def _store(proxy: Proxy) -> Path:
    return proxy.config.parent / "state/mailproxy.db"


def _kept(proxy: Proxy, account: Account) -> int:
    return len(kept_for(f"sqlite:///{_store(proxy)}", account))


def _let_time_pass(proxy: Proxy, account: Account) -> None:
    """All that is kept for the user was kept 31 days earlier, but for what was kept last."""
    mine = "view IN (SELECT id FROM mailproxy_views WHERE username = ?)"
    with closing(sqlite3.connect(_store(proxy))) as store, store:
        changed = store.execute(
            f"UPDATE mailproxy_kept SET since = since - ? WHERE {mine}"
            f" AND since < (SELECT max(since) FROM mailproxy_kept WHERE {mine})",
            (THIRTY_ONE_DAYS, account.user, account.user),
        )
        assert changed.rowcount == len(LOADED)


def _restore_all(proxy: Proxy, account: Account) -> None:
    words = ["kept", "restore", "--user", account.user, "--all", "--config", str(proxy.config)]
    done = subprocess.run(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""Two proxies that share one store, as on two machines: what one has hidden, the other hides too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from poplib import POP3
from threading import Barrier

import pytest

from tests.clients import deleting, on_server
from tests.clients.in_store import kept_for
from tests.clients.standard_library import TIMEOUT_SECONDS, body, letter, pop3_client
from tests.proxy_process import PROJECT, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import Account, Door
from tests.servers.messages import sample_messages
from tests.servers.postgres import Postgres

LOADED = list(sample_messages().values())
COUNT = len(LOADED)
ROUNDS = 5


@dataclass(frozen=True)
class Pair:
    """The doors of two running proxies with the same configuration, but for their ports and folders."""

    doors: tuple[Door, Door]
    store: str


def store_url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of an empty store."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'shared.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.emptied()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    way = Way("pop3", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
    rules = [PROJECT / "rules/pop3-keep.toml"]
    url = store_url(request.param, request, tmp_path_factory.mktemp("store"))
    with ExitStack() as running:
        first, second = (
            running.enter_context(
                mailproxy_running(
                    tmp_path_factory.mktemp(name), [way], rules, more=f'[store]\nurl = "{url}"\n'
                )
            )
            for name in ("first", "second")
        )
        yield Pair((first.door("pop3"), second.door("pop3")), url)


@contextmanager
def session(door: Door, account: Account) -> Iterator[POP3]:
    """Logged in; whoever wants a deletion to count says QUIT himself."""
    client = pop3_client(door)
    try:
        client.user(account.user)
        client.pass_(account.password)
        yield client
    finally:
        client.close()


def test_what_one_hides_the_other_hides(pair: Pair, dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer(LOADED)
    before = on_server.messages(dovecot, account)
    homes = tmp_path / "fetchmail", tmp_path / "mpop"
    for home in homes:
        home.mkdir()
    fetched = deleting.fetchmail(homes[0], pair.doors[0], account)
    assert sorted(map(body, fetched)) == sorted(map(body, LOADED))
    assert deleting.mpop(homes[1], pair.doors[1], account) == []
    dovecot.deliver(account, letter("arrived-later"))
    (later,) = deleting.mpop(homes[1], pair.doors[1], account)
    assert body(later) == body(letter("arrived-later"))
    assert len(deleting.fetchmail(homes[0], pair.doors[0], account)) == COUNT
    assert on_server.messages(dovecot, account)[:COUNT] == before


def test_two_sessions_that_overlap(pair: Pair, dovecot: Dovecot) -> None:
    account = dovecot.newcomer(LOADED)
    before = on_server.messages(dovecot, account)
    with session(pair.doors[0], account) as first, session(pair.doors[1], account) as second:
        assert first.stat() == second.stat()
        for number in range(1, 5):
            first.dele(number)
        first.quit()
        # the numbers of a session stay as they are, whatever others do meanwhile
        assert second.stat()[0] == COUNT
        assert b"".join(line + b"\r\n" for line in second.retr(1)[1]) == before[0]
        for number in range(3, COUNT + 1):
            second.dele(number)
        second.quit()
    for door in pair.doors:
        with session(door, account) as later:
            assert later.stat() == (0, 0)
            later.quit()
    kept = kept_for(pair.store, account)
    assert len(kept) == len(set(kept)) == COUNT
    assert on_server.messages(dovecot, account) == before


def test_two_that_leave_at_the_same_moment(pair: Pair, dovecot: Dovecot) -> None:
    accounts = [dovecot.newcomer(LOADED) for _ in range(ROUNDS)]
    together = Barrier(2, timeout=TIMEOUT_SECONDS)

    def delete_all(door: Door) -> list[tuple[int, bytes]]:
        results = []
        for account in accounts:
            with session(door, account) as client:
                together.wait()  # both are logged in
                count = client.stat()[0]
                for number in range(1, count + 1):
                    client.dele(number)
                together.wait()
                results.append((count, client.quit()[:3]))
        return results

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(delete_all, pair.doors))
    assert both == [[(COUNT, b"+OK")] * ROUNDS] * 2
    for account in accounts:
        kept = kept_for(pair.store, account)
        assert len(kept) == len(set(kept)) == COUNT
        assert len(on_server.messages(dovecot, account)) == COUNT


def test_a_session_without_quit_hides_nothing(pair: Pair, dovecot: Dovecot) -> None:
    account = dovecot.newcomer(LOADED)
    with session(pair.doors[0], account) as lost:
        for number in range(1, COUNT + 1):
            lost.dele(number)
    with session(pair.doors[1], account) as later:
        assert later.stat()[0] == COUNT
        later.quit()
    assert kept_for(pair.store, account) == []

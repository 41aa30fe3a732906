"""What sessions are guarded with: one store, one memory, and the lifts of operators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio

from mailproxy.config import Config, load
from mailproxy.events import Event, LoggedIn
from mailproxy.guardian import Guardian
from mailproxy.guards.pop3 import Pop3Guard
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.record.log import Log
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import parse
from mailproxy.session.guard import Situation
from mailproxy.session.verdict import Facts, Judge
from mailproxy.store.errors import StoreError
from mailproxy.store.store import Store

CONFIG = """
state = "state"
[upstream.main]
host = "127.0.0.1"
pop3 = { port = 995, tls = "none" }
[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "none"
upstream = "main"
"""
RULE = '[[rule]]\nname = "keep"\non = ["pop3 DELE"]\ndo = "keep"\n'
DELE = Command("DELE", b"DELE 1\r\n", b"1", VERBS["DELE"])
ANN = Facts("pop3", upstream="main", user="ann")


@dataclass
class Place:
    """A configuration with its guardian, and the store as others open it."""

    config: Config
    log: Path
    guardian: Guardian
    time: float = 1000.0

    def judge(self) -> Judge:
        return self.guardian.judge(RuleSet(parse(RULE.encode(), Path("r.toml"))).judge("pop3"))

    def lifted(self) -> bool:
        decision = self.judge().decide(DELE, ANN)
        return decision is not None and decision.lifted

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    file = tmp_path / "mailproxy.toml"
    file.write_text(CONFIG)
    config = load(file)
    log = Log(str(tmp_path / "log"))
    made = Place(config, tmp_path / "log", None)  # type: ignore[arg-type]
    made.guardian = Guardian(config, log, lambda: made.time)
    yield made
    made.guardian.close()
    log.close()


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(20):
        while not holds():
            await trio.to_thread.run_sync(lambda: None)  # what is waited for happens in another thread


def test_the_store_lies_in_the_state_folder(place: Place) -> None:
    assert (place.config.state / "mailproxy.db").is_file()


async def test_a_lift_comes_into_force_and_ends_by_itself(place: Place, nursery: trio.Nursery) -> None:
    nursery.start_soon(place.guardian.run)
    store = Store(place.config.store.url)
    assert not place.lifted()
    store.lifts.allow("keep", "ann", 2000.0, 1000.0, "root")
    await until(place.lifted)
    other = place.judge().decide(DELE, replace(ANN, user="bob"))
    assert other is not None
    assert not other.lifted
    place.time = 2000.0
    assert not place.lifted()
    store.close()


async def test_a_store_that_fails_is_told_once(place: Place, nursery: trio.Nursery) -> None:
    place.guardian._store.close()
    nursery.start_soon(place.guardian.run)
    await until(lambda: "store_failed" in place.events())
    assert place.events().count("store_failed") == 1


def test_a_session_gets_a_guard_that_remembers(place: Place) -> None:
    guard = place.guardian.guards(Situation(ANN, place.judge(), lambda event: None))
    assert isinstance(guard, Pop3Guard)


def test_the_events_of_a_session_go_on_to_the_log(place: Place) -> None:
    heard: list[Event] = []
    place.guardian.session("pop3", "main", "192.0.2.7", heard.append)(LoggedIn("ann", "PASS", True))
    assert heard == [LoggedIn("ann", "PASS", True)]


def test_a_store_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "mailproxy.toml"
    file.write_text(CONFIG)
    config = load(file)
    config.state.mkdir()
    (config.state / "mailproxy.db").write_text("this is no database, but a text that is long enough" * 100)
    log = Log(str(tmp_path / "log"))
    with pytest.raises(StoreError, match=r"mailproxy\.db"):
        Guardian(config, log)
    log.close()

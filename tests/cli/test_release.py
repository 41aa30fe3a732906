"""``mailproxy release``: brakes lifted and listed, in a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailproxy.store.store import Store
from tests.cli.calling import call, call_on_terminal, call_process, columns
from tests.cli.conftest import SINCE, SINCE_UTC

WHY = "60 of 100 messages within an hour"


@pytest.fixture
def held(store: Store) -> Store:
    """``aiko`` is held at two upstreams, ``bo`` at one."""
    for upstream, user in (("main", "aiko"), ("other", "aiko"), ("main", "bo")):
        store.brakes.deleted(upstream, user, 60, SINCE)
        store.brakes.hold(upstream, user, "brake-bulk", WHY, SINCE)
    return store


def holding(store: Store) -> list[tuple[str, str]]:
    return sorted((hold.upstream, hold.user) for hold in store.brakes.holding())


def test_list_in_a_pipe(config: Path, held: Store) -> None:
    lines = call("release", "-c", config, "--list", "--upstream", "main").stdout.splitlines()
    assert [line.split("\t") for line in lines] == [
        ["main", user, "brake-bulk", SINCE_UTC, WHY] for user in ("aiko", "bo")
    ]


def test_list_as_json(config: Path, held: Store) -> None:
    described = json.loads(call("release", "-c", config, "--list", "--json").stdout)
    assert len(described) == 3
    assert described[0] == {
        "upstream": "main",
        "user": "aiko",
        "rule": "brake-bulk",
        "why": WHY,
        "since": SINCE_UTC,
    }


def test_list_of_nobody(config: Path, store: Store) -> None:
    assert call("release", "-c", config, "--list").output == ""


def test_release_by_a_process(config: Path, held: Store) -> None:
    done = call_process("release", "aiko", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "aiko at main is released\naiko at other is released\n"
    assert holding(held) == [("main", "bo")]
    assert held.brakes.recent("main", "aiko", 0) == 0
    assert held.brakes.recent("main", "bo", 0) == 60
    rows = held.audit.rows()
    assert [(row.kind, row.upstream, row.user) for row in rows] == [
        ("release", "main", "aiko"),
        ("release", "other", "aiko"),
    ]
    assert rows[0].detail.keys() == {"rule", "why", "by"}
    assert (rows[0].detail["rule"], rows[0].detail["why"]) == ("brake-bulk", WHY)


def test_release_at_one_upstream(config: Path, held: Store) -> None:
    call("release", "aiko", "-c", config, "--upstream", "other")
    assert holding(held) == [("main", "aiko"), ("main", "bo")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aikoo"], 'no brake holds "aikoo"; did you mean "aiko"?'),
        (["zz"], "see mailproxy release --list"),
        (["bo", "--upstream", "other"], 'no brake holds "bo" at other'),
    ],
)
def test_nobody_to_release(config: Path, held: Store, arguments: list[str], said: str) -> None:
    refused = call("release", "-c", config, *arguments, code=1)
    assert said in refused.stderr
    assert refused.stdout == ""
    assert len(holding(held)) == 3
    assert held.audit.rows() == []


@pytest.mark.parametrize("arguments", [[], ["aiko", "--list"], ["aiko", "--json"]])
def test_wrong_usage(config: Path, held: Store, arguments: list[str]) -> None:
    assert "--list" in call("release", "-c", config, *arguments, code=2).stderr
    assert len(holding(held)) == 3


def test_hostile_names_do_not_reach_the_terminal(config: Path, store: Store) -> None:
    store.brakes.hold("main", "eve\x1b]0;owned\x07", "brake\x9b", "why\x1b[2J", SINCE)
    printed = "eve\\x1b]0;owned\\x07"
    code, text = call_on_terminal("release", "-c", config, "--list", kind="dumb")
    assert (code, text.replace("\n", "").isprintable()) == (0, True)
    assert "".join(row[1] for row in columns(text)) == printed
    code, text = call_on_terminal("release", printed, "-c", config)
    assert (code, text) == (0, f"{printed} at main is released\n")
    assert store.brakes.holding() == []

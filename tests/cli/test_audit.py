"""``mailproxy audit``: the rows of a real store, and which of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mailproxy.cli import audit
from mailproxy.store.store import Store
from tests.cli.calling import call, call_on_terminal, call_process, columns
from tests.cli.conftest import SINCE, SINCE_UTC

UIDLS = [f"u{number}" for number in range(7)]


@pytest.fixture
def written(store: Store) -> Store:
    """Three rows: two of long ago, one of an hour ago."""
    store.audit.write(SINCE, "kept.purge", "main", "aiko", {"messages": 7, "uidls": UIDLS, "by": "root"})
    store.audit.write(SINCE + 1, "allow", "", "bo", {"rule": "no-dele"})
    store.audit.write(time.time() - 3600, "release", "main", "aiko", {"why": "60 of 100"})
    return store


def kinds(*arguments: str | Path) -> list[str]:
    return [line.split("\t")[1] for line in call("audit", *arguments).stdout.splitlines()]


def test_in_a_pipe(config: Path, written: Store) -> None:
    rows = [line.split("\t") for line in call("audit", "-c", config).stdout.splitlines()]
    assert rows[:2] == [
        [SINCE_UTC, "kept.purge", "main", "aiko", "messages 7, uidls u0 u1 u2 u3 u4 and 2 more, by root"],
        ["2023-11-14T22:13:21+00:00", "allow", "", "bo", "rule no-dele"],
    ]
    assert len(rows) == 3


def test_as_json_by_a_process(config: Path, written: Store) -> None:
    done = call_process("audit", "--config", config, "--kind", "kept.purge", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    detail = {"messages": 7, "uidls": UIDLS, "by": "root"}
    assert json.loads(done.stdout) == [
        {"at": SINCE_UTC, "kind": "kept.purge", "upstream": "main", "user": "aiko", "detail": detail}
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--user", "aiko"], ["kept.purge", "release"]),
        (["--kind", "allow"], ["allow"]),
        (["--since", "2h"], ["release"]),
        (["--since", "30m"], []),
        (["--since", "2h", "--user", "bo"], []),
    ],
)
def test_which_rows(config: Path, written: Store, arguments: list[str], expected: list[str]) -> None:
    assert kinds("-c", config, *arguments) == expected


def test_a_length_of_time_that_is_none(config: Path, written: Store) -> None:
    assert "no length of time" in call("audit", "-c", config, "--since", "yesterday", code=2).stderr


def test_a_user_who_was_mistyped(config: Path, written: Store) -> None:
    said = call("audit", "-c", config, "--user", "aikoo", "--json")
    assert json.loads(said.stdout) == []
    assert 'there is no row of "aikoo"; did you mean "aiko"?' in said.stderr
    assert call("audit", "-c", config, "--user", "zz").output == ""


def test_more_rows_than_are_printed(config: Path, written: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST", 2)
    said = call("audit", "-c", config)
    assert [line.split("\t")[1] for line in said.stdout.splitlines()] == ["allow", "release"]
    assert "narrow it with --since" in said.stderr
    assert call("audit", "-c", config, "--user", "bo").stderr == ""


def test_hostile_text_does_not_reach_the_terminal(config: Path, store: Store) -> None:
    store.audit.write(SINCE, "k\x1b", "u\x9b", "eve\x07", {"\x1b[2J": "\x1b]0;owned\x07", "list": ["\x1b"]})
    code, text = call_on_terminal("audit", "-c", config, kind="dumb")
    assert (code, text.replace("\n", "").isprintable()) == (0, True)
    assert next(row[1:4] for row in columns(text)) == ["k\\x1b", "u\\x9b", "eve\\x07"]
    assert call("audit", "-c", config, "--json").stdout.replace("\n", "").isprintable()

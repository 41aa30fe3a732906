"""``mailproxy allow``: rules lifted for a while, in a real store."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from mailproxy.store.store import Store
from tests.cli.calling import call, call_on_terminal, call_process, columns
from tests.cli.conftest import Keep

FAR = 32_503_680_000.0  # 3000-01-01


def active(store: Store) -> list[tuple[str, str]]:
    return [(lift.rule, lift.user) for lift in store.lifts.active(time.time())]


@pytest.mark.parametrize(("length", "seconds"), [("90s", 90), ("10m", 600), ("24h", 86400), ("1d", 86400)])
def test_allow(config: Path, store: Store, length: str, seconds: int) -> None:
    before = time.time()
    said = call("allow", "-c", config, "--rule", "no-dele", "--user", "aiko", "--for", length)
    after = time.time()
    (lift,) = store.lifts.active(after)
    assert (lift.rule, lift.user) == ("no-dele", "aiko")
    assert before + seconds <= lift.until <= after + seconds
    until = said.stdout.removeprefix("no-dele is lifted for aiko until ").removesuffix("\n")
    assert datetime.fromisoformat(until).timestamp() == int(lift.until)
    (row,) = store.audit.rows()
    assert (row.kind, row.upstream, row.user) == ("allow", "", "aiko")
    assert (row.detail["rule"], row.detail["until"]) == ("no-dele", until)
    assert row.detail["by"]
    assert said.stderr == ""


def test_allow_list_and_end_by_processes(config: Path, store: Store) -> None:
    which = ("--config", config, "--rule", "no-dele", "--user", "aiko")
    done = call_process("allow", *which, "--for", "10m")
    assert (done.returncode, done.stderr) == (0, "")
    assert active(store) == [("no-dele", "aiko")]
    listed = call_process("allow", "--config", config, "--list")
    assert listed.stdout.split("\t")[:2] == ["no-dele", "aiko"]
    done = call_process("allow", *which, "--end")
    assert (done.returncode, done.stdout) == (0, "no-dele is in force for aiko again\n")
    assert active(store) == []
    assert [row.kind for row in store.audit.rows()] == ["allow", "allow.end"]


def test_list(config: Path, store: Store) -> None:
    store.lifts.allow("no-dele", "aiko", FAR, time.time())
    store.lifts.allow("no-dele", "bo", 1.0, 0.0)
    assert call("allow", "-c", config, "--list").stdout == "no-dele\taiko\t3000-01-01T00:00:00+00:00\n"
    described = json.loads(call("allow", "-c", config, "--list", "--json").stdout)
    assert described == [{"rule": "no-dele", "user": "aiko", "until": "3000-01-01T00:00:00+00:00"}]


def test_who_lifted_it(config: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getlogin", lambda: "operator")
    call("allow", "-c", config, "--rule", "no-dele", "--user", "aiko", "--for", "1m")
    assert store.audit.rows()[0].detail["by"] == "operator"


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ("25h", "longer than 24h"),
        ("2d", "longer than 24h"),
        ("0s", "too short"),
        ("10", "no length of time"),
        ("-5m", "no length of time"),
        ("soon\x1b", "no length of time"),
    ],
)
def test_lengths_that_are_refused(config: Path, store: Store, length: str, said: str) -> None:
    refused = call("allow", "-c", config, "--rule", "no-dele", "--user", "a", "--for", length, code=2)
    assert said in refused.stderr
    assert "\x1b" not in refused.stderr
    assert active(store) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("no-del", 'no rule of this configuration is called "no-del"; did you mean "no-dele"?'),
        ("xyz\x1b", 'called "xyz\\x1b"; see mailproxy rules list'),
    ],
)
def test_a_rule_that_is_not_there(config: Path, store: Store, rule: str, said: str) -> None:
    assert said in call("allow", "-c", config, "--rule", rule, "--user", "a", "--for", "1m", code=1).stderr
    assert active(store) == []


def test_rule_files_that_cannot_be_read(config: Path, store: Store) -> None:
    (config.parent / "rules.toml").write_text("[[rule]]\nnmae = 1\n")
    refused = call("allow", "-c", config, "--rule", "no-dele", "--user", "a", "--for", "1m", code=1)
    assert 'rules.toml:2: unknown key "nmae"' in refused.stderr


def test_a_rule_that_forbids_nothing(config: Path, store: Store) -> None:
    said = call("allow", "-c", config, "--rule", "watch-top", "--user", "aiko", "--for", "1m")
    assert "watch-top only observes" in said.stderr
    assert active(store) == [("watch-top", "aiko")]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("aiko@example.jp", ""),
        ("aik@example.jp", 'nothing was seen of "aik@example.jp" yet; did you mean "aiko@example.jp"?'),
        ("somebody-else", ""),
    ],
)
def test_a_user_who_was_mistyped(config: Path, keep: Keep, user: str, said: str) -> None:
    keep("aiko@example.jp", b"u1")
    told = call("allow", "-c", config, "--rule", "no-dele", "--user", user, "--for", "1m").stderr
    assert (said in told) if said else told == ""


@pytest.mark.parametrize(
    ("rule", "user", "said"),
    [
        ("no-dele", "aik", 'did you mean "aiko"?'),
        ("other", "aiko", "see mailproxy allow --list"),
        ("no-dele", "past", "see mailproxy allow --list"),
    ],
)
def test_nothing_to_end(config: Path, store: Store, rule: str, user: str, said: str) -> None:
    store.lifts.allow("no-dele", "aiko", FAR, time.time())
    store.lifts.allow("no-dele", "past", 1.0, 0.0)
    refused = call("allow", "-c", config, "--rule", rule, "--user", user, "--end", code=1)
    assert f'"{rule}" is not lifted for "{user}"' in refused.stderr
    assert said in refused.stderr
    assert active(store) == [("no-dele", "aiko")]
    assert store.audit.rows() == []


def test_a_lift_of_a_rule_that_is_gone_can_be_ended(config: Path, store: Store) -> None:
    store.lifts.allow("renamed-since", "aiko", FAR, time.time())
    call("allow", "-c", config, "--rule", "renamed-since", "--user", "aiko", "--end")
    assert active(store) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--rule", "no-dele", "--user", "aiko"],
        ["--rule", "no-dele", "--for", "1m"],
        ["--user", "aiko", "--end"],
        ["--rule", "no-dele", "--user", "aiko", "--for", "1m", "--end"],
        ["--list", "--user", "aiko"],
        ["--list", "--end"],
        ["--rule", "no-dele", "--user", "aiko", "--for", "1m", "--json"],
        ["--rule", "no-dele", "--user", "", "--for", "1m"],
        ["--rule", "no-dele", "--user", " ", "--for", "1m"],
    ],
)
def test_wrong_usage(config: Path, store: Store, arguments: list[str]) -> None:
    call("allow", "-c", config, *arguments, code=2)
    assert (active(store), store.audit.rows()) == ([], [])


def test_a_lift_for_nobody_can_be_ended(config: Path, store: Store) -> None:
    store.lifts.allow("no-dele", "", FAR, time.time())
    call("allow", "-c", config, "--rule", "no-dele", "--user", "", "--end")
    assert active(store) == []


def test_hostile_names_do_not_reach_the_terminal(config: Path, store: Store) -> None:
    store.lifts.allow("no-dele", "eve\x1b]0;owned\x07", FAR, time.time())
    code, text = call_on_terminal("allow", "-c", config, "--list")
    assert (code, text.replace("\n", "").isprintable()) == (0, True)
    assert columns(text) == [["no-dele", "eve\\x1b]0;owned\\x07", "3000-01-01 09:00:00"]]
    arguments = ("--rule", "no-dele", "--user", "\x1b[2J", "--for", "1m")
    code, text = call_on_terminal("allow", "-c", config, *arguments)
    assert (code, text.replace("\n", "").isprintable()) == (0, True)

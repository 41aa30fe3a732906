"""The store of a configuration, and what acts on it have in common."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
import typer

from mailproxy.cli.opened import configured, did_you_mean, opened, operator, record, users_of
from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.store import Store
from tests.cli.calling import call
from tests.cli.conftest import Keep
from tests.servers.postgres import ESCAPED, PASSWORD, Postgres


def test_a_store_that_is_there(config: Path, keep: Keep) -> None:
    keep("aiko", b"u1")
    with opened(configured(config)) as store:
        assert users_of(store) == {"aiko"}
    with pytest.raises(MemoryFailed):
        store.kept.listing()


COMMANDS = [
    ["kept", "list"],
    ["kept", "restore", "--user", "a", "--all"],
    ["kept", "purge", "--user", "a", "--all", "--yes"],
    ["release", "a"],
    ["release", "--list"],
    ["allow", "--list"],
    ["allow", "--rule", "no-dele", "--user", "a", "--for", "1m"],
    ["allow", "--rule", "no-dele", "--user", "a", "--end"],
    ["audit"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_store_is_made(config: Path, command: list[str]) -> None:
    refused = call(*command, "--config", config, code=1)
    file = config.parent / "state" / "mailproxy.db"
    assert refused.stderr.startswith(f"mailproxy: error: {file}: there is no store yet; start mailproxy run")
    assert refused.stdout == ""
    assert not file.parent.exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_store_that_is_none(config: Path, command: list[str]) -> None:
    file = config.parent / "state" / "mailproxy.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    refused = call(*command, "--config", config, code=1)
    assert refused.stderr.startswith(f"mailproxy: error: {file}: ")
    assert refused.stderr.count("\n") == 1
    assert (refused.stdout, file.read_bytes()) == ("", b"no database" * 1000)


def test_a_server_that_does_not_answer(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROXY_STORE_PASSWORD", "hush")
    url = f"postgresql:///mail?host={config.parent}"
    config.write_text(config.read_text() + f'[store]\nurl = "{url}"\n')
    refused = call("kept", "list", "--config", config, code=1)
    assert refused.stderr.startswith("mailproxy: error: ")
    assert "hush" not in refused.output


def test_a_server_with_a_password_of_the_environment(
    config: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.emptied().replace(f":{ESCAPED}@", "@")
    config.write_text(config.read_text() + f'[store]\nurl = "{url}"\n')
    assert call("kept", "list", "--config", config, code=1).stderr.startswith("mailproxy: error: ")
    monkeypatch.setenv("MAILPROXY_STORE_PASSWORD", PASSWORD)
    which = ("--config", config, "--rule", "no-dele", "--user", "aiko")
    call("allow", *which, "--for", "10m")
    call("allow", *which, "--end")
    lines = call("audit", "--config", config).stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["allow", "allow.end"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_configuration_that_is_wrong(config: Path, command: list[str]) -> None:
    config.write_text("a = 1\nb = 2\n")
    refused = call(*command, "--config", config, code=1)
    keys = [line.removeprefix("mailproxy: error: ").split(": ")[1] for line in refused.stderr.splitlines()]
    assert keys == ["listener", "a", "b"]


def test_what_fails_within_is_said(config: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, opened(configured(config)):
        raise MemoryFailed("the disk is full \x1b")
    assert left.value.exit_code == 1
    assert capsys.readouterr().err == "mailproxy: error: the disk is full \\x1b\n"


def test_record(store: Store) -> None:
    record(store, "release", "main", "aiko", rule="r")
    (row,) = store.audit.rows()
    assert (row.kind, row.upstream, row.user) == ("release", "main", "aiko")
    assert row.detail == {"rule": "r", "by": operator()}


def test_an_audit_that_cannot_be_written(store: Store) -> None:
    store.close()
    with pytest.raises(MemoryFailed, match="it was done for aiko, but is not in the audit: "):
        record(store, "release", "main", "aiko", rule="r")


def no_login() -> str:
    raise OSError("no controlling terminal")


def test_who_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setattr("os.getlogin", no_login)
    assert operator() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert operator() == "uid 4000000000"
    monkeypatch.setattr("os.getlogin", lambda: "operator")
    assert operator() == "operator"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("aikoo", ["bo", "aiko"], '; did you mean "aiko"?'),
        ("AIKO", ["Aiko"], '; did you mean "Aiko"?'),
        ("aiko", ["aiko"], ""),
        ("zz", ["aiko"], ""),
        ("a", [], ""),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint

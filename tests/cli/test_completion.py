"""What a shell is offered behind ``--user`` and ``--rule``."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mailproxy.cli.completion import complete_rule, complete_user
from mailproxy.store.store import Store
from tests.cli.conftest import Keep


def context(**parameters: object) -> typer.Context:
    """What Typer hands over while a line is typed: the options before the cursor."""
    made = typer.Context(typer.main.get_command(_anything()))
    made.params.update(parameters)
    return made


def _anything() -> typer.Typer:
    app = typer.Typer()
    app.command()(lambda: None)
    return app


@pytest.fixture
def users(store: Store, keep: Keep) -> None:
    keep("aiko", b"u1")
    keep("eve\x1b[2J", b"u1")
    store.brakes.hold("main", "akira", "r", "", 1.0)
    store.lifts.allow("r", "bo", 32_503_680_000.0, 1.0)
    store.audit.write(1.0, "k", "", "amy", {})


def test_users(config: Path, users: None) -> None:
    assert complete_user(context(config=config), "") == ["aiko", "akira", "amy", "bo"]
    assert complete_user(context(config=str(config)), "ai") == ["aiko"]
    assert complete_user(context(config=config), "x") == []


def test_rules(config: Path) -> None:
    assert complete_rule(context(config=config), "") == ["no-dele", "watch-top"]
    assert complete_rule(context(config=config), "w") == ["watch-top"]


def no_option(config: Path) -> typer.Context:
    return context()


def no_file(config: Path) -> typer.Context:
    return context(config=config.with_name("none.toml"))


def no_toml(config: Path) -> typer.Context:
    config.write_text("= 1")
    return context(config=config)


def no_store_and_no_rules(config: Path) -> typer.Context:
    (config.parent / "rules.toml").write_text("[[rule]]\n")
    return context(config=config)


@pytest.mark.parametrize("spoil", [no_option, no_file, no_toml, no_store_and_no_rules])
def test_nothing_is_offered_and_nothing_said(config: Path, spoil, capfd) -> None:  # type: ignore[no-untyped-def]
    made = spoil(config)
    assert complete_user(made, "") == []
    assert complete_rule(made, "") == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kept restore -c FILE --user a", ["aiko", "akira", "amy"]),
        ("release -c FILE ak", ["akira"]),
        ("allow -c FILE --rule n", ["no-dele"]),
        ("kept p", ["purge"]),
    ],
)
def test_in_a_shell(config: Path, users: None, line: str, offered: list[str]) -> None:
    words = f"mailproxy {line}".replace("FILE", str(config))
    environment = {
        **os.environ,
        "_MAILPROXY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(shlex.split(words)) - 1),
    }
    command = [sys.executable, "-m", "mailproxy"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout.split(), done.stderr) == (offered, "")

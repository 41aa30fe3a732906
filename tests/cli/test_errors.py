"""mailproxy.cli.errors: a failure is one plain line on standard error."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from mailproxy import cli
from mailproxy.cli.errors import complain, fail
from mailproxy.config import ConfigError
from mailproxy.guards.memory import MemoryFailed
from mailproxy.rules.errors import RuleError
from mailproxy.store.errors import StoreError
from mailproxy.tls.errors import TlsError


def test_every_problem_of_a_configuration(capsys):
    error = ConfigError(Path("m.toml"), "tls.key", 3, "it is missing", "Add it")
    error.others = (ConfigError(Path("m.toml"), "", 4, "bad \x1b[2J"),)
    assert complain(error)
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err == (
        "mailproxy: error: m.toml:3: tls.key: it is missing. Add it.\n"
        "mailproxy: error: m.toml:4: bad \\x1b[2J.\n"
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/x"), "mailproxy: error: /x: Permission denied\n"),
        (OSError("odd"), "mailproxy: error: odd\n"),
        (StoreError("/m.db", "odd", "look"), "mailproxy: error: /m.db: odd; look\n"),
        (MemoryFailed("full"), "mailproxy: error: full\n"),
        (RuleError("r.toml", 2, "odd"), "mailproxy: error: r.toml:2: odd\n"),
        (TlsError("c.pem", "odd", "look"), f"mailproxy: error: {TlsError('c.pem', 'odd', 'look')}\n"),
    ],
)
def test_what_a_user_can_mend(error, line, capsys):
    assert complain(error)
    assert capsys.readouterr().err == line


def test_fail(capsys):
    with pytest.raises(typer.Exit) as left:
        fail("odd \x1b")
    assert left.value.exit_code == 1
    assert capsys.readouterr().err == "mailproxy: error: odd \\x1b\n"


def test_our_own_mistakes_are_not_hidden(monkeypatch):
    def broken(**_):
        raise KeyError("ours")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(KeyError):
        cli.main()


def test_an_error_ends_with_1(monkeypatch, capsys):
    def broken(**_):
        raise ConfigError(Path("m.toml"), "", 0, "there is no such file")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert "m.toml: there is no such file" in capsys.readouterr().err

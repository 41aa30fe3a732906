"""Names on a command line that no store can hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from mailproxy.cli.names import utf8_name
from mailproxy.store.store import Store
from tests.cli.calling import call

LONE = "eve\udcff"


@pytest.mark.parametrize("name", [None, "", "aiko", "愛子@example.jp", "\x1b"])
def test_all_text_is_a_name(name: str | None) -> None:
    assert utf8_name(name) == name


@pytest.mark.parametrize("name", [LONE, "\ud83d"])
def test_half_a_character_is_none(name: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not UTF-8"):
        utf8_name(name)


@pytest.mark.parametrize(
    "words",
    [
        ["allow", "--rule", "no-dele", "--for", "1m", "--user", LONE],
        ["allow", "--user", "aiko", "--for", "1m", "--rule", LONE],
        ["allow", "--user", "aiko", "--end", "--rule", LONE],
        ["release", LONE],
        ["release", "aiko", "--upstream", LONE],
        ["kept", "list", "--user", LONE],
        ["kept", "restore", "--all", "--user", LONE],
        ["kept", "purge", "--all", "--yes", "--user", LONE],
        ["archive", "list", "--user", LONE],
        ["audit", "--user", LONE],
        ["audit", "--kind", LONE],
    ],
)
def test_every_command_says_so(config: Path, store: Store, words: list[str]) -> None:
    refused = call(*words, "-c", config, code=2)
    said = " ".join(refused.stderr.replace("│", " ").split())
    assert r'"eve\udcff" is not UTF-8; write it as the commands with list print it' in said
    assert store.audit.rows() == []
    assert store.lifts.active(0.0) == ()

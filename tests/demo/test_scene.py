"""All that the story needs, running; and its configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import trio

from mailproxy.config import load
from mailproxy.config.store import sqlite_file
from mailproxy.demo import scene as module
from mailproxy.demo.programs import download_and_delete, look, read_all
from mailproxy.demo.scene import RULE, RuleMissing, configuration, scene, shipped_rule
from mailproxy.demo.world import HOST, PASSWORD, USER, Ports


async def quiet(who: str, text: str) -> None:
    """Nobody looks."""


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_scene(tmp_path: Path, guarded: bool) -> None:
    async with scene(tmp_path, shipped_rule() if guarded else None) as running:
        found = await download_and_delete(running.where.pop3, USER, PASSWORD, quiet)
        assert (found.asked, found.accepted) == (2, 2)
        assert await look(running.where.pop3, USER, PASSWORD, quiet) == 0
        left = await read_all(running.where.imap, USER, PASSWORD, quiet)
        assert len(left) == len(running.account.inbox.messages) == (2 if guarded else 0)
        assert running.ears.deletions == (0 if guarded else 2)
        assert len(await running.kept.listing()) == (2 if guarded else 0)
        port = running.where.smtp.port
        assert running.file.read_text() == running.config
    assert '"listening"' in (tmp_path / "mailproxy.log").read_text()
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream(HOST, port)


async def test_its_files_lie_in_its_folder(tmp_path: Path) -> None:
    async with scene(tmp_path, shipped_rule()) as running:
        config = load(running.file)
        assert sqlite_file(config.store.url) == tmp_path / "state" / "mailproxy.db"
        assert (tmp_path / "state" / "mailproxy.db").is_file()
        assert running.where.pop3.ca_file == tmp_path / "state" / "tls" / "ca.pem"


def test_the_rule_that_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped_rule().name == RULE
    monkeypatch.setattr(module, "shipped", lambda: [tmp_path / "other.toml"])
    with pytest.raises(RuleMissing, match="install mailproxy again, or try --without-rule"):
        shipped_rule()


@pytest.mark.parametrize("rule", [None, Path("/x/r.toml")])
def test_the_configuration_is_a_file_to_learn_from(rule: Path | None) -> None:
    raw = tomllib.loads(configuration(Ports(1, 2, 3), rule))
    assert raw.get("rules") == (None if rule is None else {"files": ["r.toml"]})
    assert [raw["upstream"]["demo"][name]["port"] for name in ("pop3", "imap", "smtp")] == [1, 2, 3]
    assert {listener["tls"] for listener in raw["listener"]} == {"implicit"}
    assert all(listener["address"].startswith(HOST) for listener in raw["listener"])

"""mailproxy run: hands over to the app, and its exit code to the shell."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mailproxy.cli import app


@pytest.mark.parametrize(
    ("arguments", "handed", "code"),
    [
        (["--config", "m.toml"], (Path("m.toml"), None), 0),
        (["-c", "m.toml", "--workers", "3"], (Path("m.toml"), 3), 1),
    ],
)
def test_run(arguments, handed, code, monkeypatch):
    calls = []

    def serve(path, workers=None):
        calls.append((path, workers))
        return code

    fake = types.ModuleType("mailproxy.app")
    fake.serve = serve
    monkeypatch.setitem(sys.modules, "mailproxy.app", fake)
    result = CliRunner().invoke(app, ["run", *arguments])
    assert calls == [handed]
    assert result.exit_code == code

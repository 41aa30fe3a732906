"""The command line as a whole: what is imported when, exit codes, and how errors look."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mailproxy.cli import COMMANDS

HEAVY = "{'trio', 'common_expression_language', 'cel', 'cryptography', 'structlog', 'sqlite3', 'sqlalchemy'}"


def mailproxy(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own, as a user does."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    command = [sys.executable, "-m", "mailproxy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["version"], ["run", "--help"], ["check", "--help"]])
def test_quick_commands_import_nothing_heavy(arguments):
    program = f"""
import sys
import mailproxy.cli
sys.argv = ["mailproxy", *{arguments!r}]
try:
    mailproxy.cli.main() if {arguments!r} else None
except SystemExit as left:
    assert not left.code, left.code
assert not {HEAVY} & sys.modules.keys(), {HEAVY} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_lists_every_command_and_teaches():
    done = mailproxy("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"  {command.name} " in done.stdout
    assert "Examples:\n" in done.stdout
    assert "Exit codes:\n" in done.stdout
    assert "--install-completion" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "Missing option '--config'"),
        (["chekc"], "Did you mean 'check'?"),
        (["run", "--config", "x", "--workers", "-1"], "workers"),
        (["version", "--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_2(arguments, said):
    done = mailproxy(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_completion_offers_the_commands():
    environment = {
        **os.environ,
        "_MAILPROXY_COMPLETE": "complete_bash",
        "COMP_WORDS": "mailproxy c",
        "COMP_CWORD": "1",
    }
    command = [sys.executable, "-m", "mailproxy"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["check", "capture", "ca"]

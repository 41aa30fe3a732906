"""The command line, called within this process or on a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from mailproxy.cli import app

ROOT = Path(__file__).parents[2]
_PROGRAM = (sys.executable, "-m", "mailproxy")


def call(*arguments: str | Path, code: int = 0, typed: str | None = None) -> Result:
    """The outcome of a command; its exit code must be ``code``. Standard input is a pipe with ``typed``."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
    assert result.exit_code == code, result.output
    return result


def call_process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same by a process of its own, with its streams in pipes."""
    return subprocess.run(
        [*_PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        check=False,
    )


def call_on_terminal(*arguments: str | Path, typed: str = "", kind: str = "dumb") -> tuple[int, str]:
    """Exit code, and all that a terminal in Tokyo was sent, after ``typed`` was typed into it.

    ``kind`` is the value of TERM: ``xterm`` has 200 columns, ``dumb`` 80, and gets no commands of ours.
    """
    screen, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": kind, "TZ": "JST-9", "NO_COLOR": "1"}
    try:
        process = subprocess.Popen(
            [*_PROGRAM, *map(str, arguments)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=ROOT,
            env=environment,
        )
    finally:
        os.close(terminal)
    os.write(screen, typed.encode())
    shown = b""
    try:
        while some := os.read(screen, 65536):
            shown += some
    except OSError:  # how Linux says that nobody has the terminal open any more
        pass
    finally:
        os.close(screen)
    return process.wait(), shown.decode().replace("\r\n", "\n")


def columns(shown: str) -> list[list[str]]:
    """The cells of the rows of a table on a terminal, without its head."""
    rows = [re.split(r"[│┃]", line)[1:-1] for line in shown.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]

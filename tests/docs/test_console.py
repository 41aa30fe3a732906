"""What the documentation shows of a console, is what comes when these commands are run.

A block with ``console ran`` is a row of commands, each with the beginning ``$ ``, and what they print
on standard output. Blanks are compared as words are, since a table has tabs in a pipe. A line ``…`` stands
for any number of lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.servers.requirements import need_program

RAN = [block for block in blocks() if block.info == ("console", "ran")]
MORE = ["…"]
SECONDS = 60


@dataclass(frozen=True)
class Step:
    """A command line, and the words of each line that it is to print."""

    command: str
    shown: list[list[str]]


def steps(block: Block) -> list[Step]:
    first, *rest = re.split(r"^\$ ", block.text, flags=re.M)
    assert not first, "a block begins with a command"
    found = []
    for part in rest:
        command, *lines = part.replace("\\\n", " ").splitlines()
        found.append(Step(command, [line.split() for line in lines if line.strip()]))
    return found


@pytest.fixture
def console(tmp_path: Path) -> Path:
    """A folder with captures, rules, and this mailproxy as a program."""
    for name in ("captures", "rules"):
        (tmp_path / name).symlink_to(ROOT / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "mailproxy"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mailproxy "$@"\n')
    program.chmod(0o755)
    return tmp_path


def printed(console: Path, command: str) -> list[list[str]]:
    environment = {
        **os.environ,
        "PATH": f"{console / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "HOME": str(console),
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=console,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: what was asked for was found, or was not
    assert "Traceback" not in done.stderr, done.stderr
    return [line.split() for line in done.stdout.splitlines() if line.strip()]


def runs(shown: list[list[str]]) -> list[list[list[str]]]:
    """The lines between the dots."""
    found: list[list[list[str]]] = [[]]
    for line in shown:
        if line == MORE:
            found.append([])
        else:
            found[-1].append(line)
    return found


def differs(shown: list[list[str]], came: list[list[str]]) -> str:
    """Which lines are not there; empty when all is as it is shown."""
    first, *others = runs(shown)
    if came[: len(first)] != first:
        return f"shown {first}, but it begins with {came[: len(first)]}"
    at = len(first)
    for run in others:
        places = (place for place in range(at, len(came) - len(run) + 1) if came[place:][: len(run)] == run)
        place = next(places, None)
        if place is None:
            return f"not there, or not in this order: {run}"
        at = place + len(run)
    ends = not others or bool(others[-1])
    return f"nobody sees {came[at:]}" if ends and at < len(came) else ""


@pytest.mark.parametrize("block", RAN, ids=str)
def test_the_console_shows_what_comes(block: Block, console: Path) -> None:
    for step in steps(block):
        if step.command.startswith("tshark "):
            need_program("tshark", "tshark")
        different = differs(step.shown, printed(console, step.command))
        assert not different, f"$ {step.command}: {different}"


def test_there_are_such_blocks() -> None:
    assert len(RAN) > 5


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        ("a\nb", "a\nb", True),
        ("a", "a\nb", False),
        ("a\nb", "a", False),
        ("b", "a", False),
        ("a  x", "a\tx", True),
        ("a\n…", "a\nb\nc", True),
        ("a\n…\nc", "a\nb\nc", True),
        ("…\nb\n…", "a\nb\nc", True),
        ("…\nb", "a\nb\nc", False),
        ("…\nc\n…\nb", "a\nb\nc", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_difference_is_seen(shown: str, came: str, same: bool) -> None:
    def words(text: str) -> list[list[str]]:
        return [line.split() for line in text.splitlines()]

    assert (differs(words(shown), words(came)) == "") is same

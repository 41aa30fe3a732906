"""``mailproxy replay rules``, by a process of its own: it may never connect again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import ROOT, call, call_on_terminal, call_process
from tests.player.capture_file import capture_file
from tests.whatif.test_rehearsal import IMAP, LATER, POP3, USER

# Tells each event of the interpreter by which a socket comes into being or is used.
_WATCHED = """
import sys
def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        print("SOCKET", event, file=sys.stderr)
sys.addaudithook(watch)
from mailproxy.cli import main
main()
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "mail.pcap"
    return capture_file(path, ("pop3", POP3.format(login=USER)), ("imap", IMAP), ("pop3", LATER))


def test_the_commands_that_the_shipped_rule_keeps(capture: Path) -> None:
    done = call_process("replay", "rules", capture, "--rules", "pop3-keep")
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(row[0], *row[3:8]) for row in rows if row[5] == "keep"] == [
        ("1", "DELE", "1", "keep", "", "pop3-keep"),
        ("1", "DELE", "2", "keep", "", "pop3-keep"),
    ]
    # In the third session a message is hidden, so that there is no second one.
    assert [(row[0], *row[3:6]) for row in rows if row[0] == "3" and row[3] == "DELE"] == [
        ("3", "DELE", "2", "answered")
    ]
    assert "in 3 sessions of 1 file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--rules", "pop3-keep"], 0),
        (["--rules", "pop3-keep", "--fail-on", "keep,block"], 1),
        (["--rules", "pop3-keep", "--fail-on", "block", "--fail-on", "trash"], 0),
        (["--rules", "pop3-keep", "--rules", "imap-trash", "--fail-on", "trash"], 1),
        (["--rules", "imap-trash", "--fail-on", "change"], 0),
        (["--rules", "imap-trash", "--fail-on", "any"], 1),
    ],
)
def test_exit_code(capture: Path, arguments: list[str], code: int) -> None:
    assert call_process("replay", "rules", capture, *arguments, "--json").returncode == code


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "name the rules"),
        (["--rules", "pop3-keep", "--fail-on", "kepe"], 2, 'did you mean "keep"'),
        (["--rules", "no-such-rule"], 1, "no such rule file"),
        (["--config", "no-such.toml"], 1, "no-such.toml"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    assert said in call("replay", "rules", tmp_path / "none.pcap", *arguments, code=code).output


def test_a_file_that_cannot_be_read_does_not_stop_the_others(capture: Path, tmp_path: Path) -> None:
    (tmp_path / "text.pcap").write_text("this is no capture")
    done = call_process("replay", "rules", tmp_path / "text.pcap", capture, "--rules", "pop3-keep", "--json")
    assert done.returncode == 1
    assert "text.pcap" in done.stderr
    said = json.loads(done.stdout)
    assert said["summary"]["sessions"] == 3
    assert [bool(file["error"]) for file in said["files"]] == [True, False]


def test_no_socket_is_made(capture: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, "replay", "rules", str(capture), "--rules", "archive"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "archive" in done.stdout
    assert "SOCKET" not in done.stderr


def test_a_table_on_a_terminal(capture: Path) -> None:
    code, shown = call_on_terminal("replay", "rules", capture, "--rules", "pop3-keep", kind="xterm")
    assert code == 0
    assert "verdict" in shown
    assert "pop3-keep" in shown


@pytest.mark.parametrize("arguments", [[], ["--sessions"]])
def test_nothing_is_cut_off_in_80_columns(capture: Path, arguments: list[str]) -> None:
    code, shown = call_on_terminal("replay", "rules", capture, capture, "--rules", "pop3-keep", *arguments)
    assert code == 0
    assert "keep" in shown
    assert not [line for line in shown.splitlines() if line.startswith("│") and "…" in line]

"""``mailproxy capture show``: sessions as dialogues, and searches in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.packets import pcap
from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call, call_on_terminal, call_process

POP3 = """
    S: +OK ready
    C: USER {0}
    S: +OK
    C: PASS geheim
    S: +OK
    C: DELE 1
    S: +OK
    ! verdict {{"verb": "DELE", "verdict": "keep", "rule": "pop3-keep", "why": "read elsewhere"}}
    C: RETR 1
    S: +OK
    S: Subject: x
    S: \\x1b]0;owned\\x07
    S: .
    C: QUIT
"""
CLIENT = Talk("pop3", POP3.format("aiko"), session="s1", leg="client")
SERVER = Talk("pop3", POP3.format("aiko"), session="s1", leg="server", client=("192.0.2.3", 40003))
OTHER = Talk("pop3", POP3.format("bo"), client=("192.0.2.4", 40004))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "three.pcapng", CLIENT, SERVER, OTHER)


def numbers(text: str) -> set[str]:
    return {line.split()[0] for line in text.splitlines() if not line.startswith("#")}


def test_one_session(file: Path) -> None:
    lines = call("capture", "show", file, "--session", "1").stdout.splitlines()
    assert lines[0].startswith("# session 1, pop3, the client's leg of s1, 2023-11-14 22:13:20")
    assert lines[1:8] == [
        "  1     +0.100  S: ← +OK ready",
        "  1     +0.200  C: → USER aiko",
        "  1     +0.300  S: ← +OK",
        "  1     +0.400  C: → PASS ******",
        "  1     +0.500  S: ← +OK",
        "  1     +0.600  C: → DELE 1",
        "  1     +0.700  S: ← +OK",
    ]
    assert lines[8] == "  1     +0.800  -- keep by pop3-keep: read elsewhere --"
    assert "[message, 24 octets, Subject: x" in lines[11]
    assert len(lines) == 14


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], {"1", "3"}),
        (["--leg", "both"], {"1", "2", "3"}),
        (["--leg", "server"], {"2", "3"}),
        (["-n", "2"], {"2"}),
        (["-n", "1", "--leg", "both"], {"1", "2"}),
        (["--user", "bo"], {"3"}),
        (["--user", "aiko", "--leg", "both"], {"1", "2"}),
    ],
)
def test_which_sessions(file: Path, arguments: list[str], shown: set[str]) -> None:
    assert numbers(call("capture", "show", file, *arguments).stdout) == shown
    found = json.loads(call("capture", "show", file, *arguments, "--json").stdout)
    assert {str(line["session"]) for line in found} == shown


def test_full_and_secrets(file: Path) -> None:
    plain = call("capture", "show", file, "-n", "1").stdout
    assert "geheim" not in plain
    assert "Subject: x\n" not in plain
    full = call("capture", "show", file, "-n", "1", "--full").stdout
    assert "geheim" not in full
    assert "S: ← Subject: x\n" in full
    assert "S: ← \\x1b]0;owned\\x07\n" in full
    assert "C: → PASS geheim\n" in call("capture", "show", file, "-n", "1", "--secrets").stdout


def test_on_a_terminal(file: Path) -> None:
    code, text = call_on_terminal("capture", "show", file, "--full", "--secrets", "--leg", "both")
    assert code == 0
    assert text.replace("\n", "").isprintable()
    assert "S: ← +OK ready" in text


def test_grep(file: Path) -> None:
    found = call("capture", "show", file, "--grep", "USER").stdout.splitlines()
    assert found == ["  1     +0.200  C: → USER aiko", "  3     +0.200  C: → USER bo"]
    assert call("capture", "show", file, "--grep", "subject: X", "-i", "-n", "3").stdout == (
        "  3     +1.100  S: ← Subject: x\n"
    )
    assert "\\x1b]0;owned\\x07" in call("capture", "show", file, "--grep", "owned", "--user", "bo").stdout
    [hit] = json.loads(call("capture", "show", file, "--grep", "USER", "--user", "bo", "--json").stdout)
    assert (hit["session"], hit["text"], hit["kind"]) == (3, "USER bo", "command")
    [remark] = call("capture", "show", file, "--grep", "keep", "-n", "1").stdout.splitlines()
    assert remark == "  1     +0.800  -- keep by pop3-keep: read elsewhere --"
    [hit] = json.loads(call("capture", "show", file, "--grep", "keep", "-n", "1", "--json").stdout)
    assert (hit["side"], hit["kind"], hit["text"]) == ("", "verdict", "keep by pop3-keep: read elsewhere")


@pytest.mark.parametrize("text", ["subject: X", "geheim", "nothing at all"])
def test_nothing_is_found(file: Path, text: str) -> None:
    result = call("capture", "show", file, "--grep", text, code=1)
    assert (result.stdout, result.stderr) == ("", "")
    assert json.loads(call("capture", "show", file, "--grep", text, "--json", code=1).stdout) == []


@pytest.mark.parametrize(
    "arguments", [["-n", "9"], ["--user", "nobody"], ["--user", "nobody", "--grep", "x"]]
)
def test_a_session_that_is_not_there(file: Path, arguments: list[str]) -> None:
    result = call("capture", "show", file, *arguments, code=1)
    assert "mailproxy capture list" in result.stderr


@pytest.mark.parametrize("arguments", [["-n", "0"], ["--grep", ""], ["--grep", "a\nb"], ["--leg", "left"]])
def test_a_wrong_command_line(file: Path, arguments: list[str]) -> None:
    call("capture", "show", file, *arguments, code=2)


def test_files_that_cannot_be_shown(tmp_path: Path) -> None:
    assert "No such file" in call("capture", "show", tmp_path / "gone", code=1).stderr
    said = call("capture", "show", tmp_path / "gone", "--user", "x", code=1).stderr
    assert said.count("No such file") == 1
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([]))
    assert "there is no mail in it" in call("capture", "show", path).stderr


def test_a_file_that_breaks_off_is_shown_up_to_there(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\x06\0\0\0\xff\xff\xff\x7f" + bytes(40))
    for arguments in ((), ("--grep", "ready"), ("--user", "bo")):
        result = call("capture", "show", file, *arguments, code=1)
        assert "+OK ready" in result.stdout
        assert "mailproxy: error: " in result.stderr


def test_of_a_file_that_breaks_off_nobody_elses_sessions_are_shown(tmp_path: Path) -> None:
    text = POP3 + '! login {{"user": "{0}"}}\n'
    talks = [
        Talk("pop3", text.format(user), session=user, leg="client", client=("192.0.2.5", 40000 + number))
        for number, user in enumerate(("aiko", "bo"))
    ]
    path = capture_file(tmp_path / "x.pcapng", *talks)
    path.write_bytes(path.read_bytes() + b"\x06\0\0\0\xff\xff\xff\x7f" + bytes(40))
    result = call("capture", "show", path, "--user", "bo", code=1)
    assert numbers(result.stdout) == {"2"}
    assert "sessions that were open there are shown" in result.stderr


def test_a_pipe_cannot_be_read_twice(file: Path) -> None:
    done = call_process("capture", "show", "/dev/null", "--user", "x")
    assert done.returncode == 1
    assert "save it" in done.stderr


def test_help() -> None:
    text = call("capture", "show", "-h").stdout
    assert "Examples:" in text
    assert "--grep" in text

"""``mailproxy capture stats``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.packets import pcap
from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call, call_on_terminal, columns

SAID = """
    S: +OK ready\\x1b[2J
    C: USER aiko
    S: +OK
    C: PASS geheim
    S: +OK
    ! verdict {"verdict": "keep"}
    C: RETR 1
    S: +OK
    S: Subject: x
    S: .
    C: STAT
    gap S 7
    S: what
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "one.pcapng", Talk("pop3", SAID))


def test_in_a_pipe(file: Path) -> None:
    rows = [line.split("\t") for line in call("capture", "stats", file, file).stdout.splitlines()]
    by_name = {(row[0], row[1] if row[0] != "verb" else row[2]): row for row in rows}
    assert by_name["protocol", "pop3"][2:] == ["2", "2"]
    assert by_name["verb", "RETR"][3:7] == ["2", "OK 2", "16", "40"]
    assert by_name["verb", "RETR"][7:] == ["0.1000"] * 4
    assert by_name["verb", "STAT"][3:] == ["2", "unanswered 2", "12", "0", "", "", "", ""]
    assert by_name["login", "aiko"][2:] == ["2"]
    assert by_name["verdict", "keep"][2:] == ["2"]
    assert by_name["octets", "missing"][2:] == ["14"]
    assert by_name["octets", "unread"][2:] == ["12"]
    assert by_name["server", "pop3"][2:5] == ["198.51.100.9:110", "2", "+OK ready\\x1b[2J"]


def test_on_a_terminal(file: Path) -> None:
    code, text = call_on_terminal("capture", "stats", file, kind="xterm")
    assert code == 0
    assert ["pop3", "1", "1"] in columns(text)
    assert "+OK ready\\x1b[2J" in text


def test_nothing_is_cut_off_in_80_columns(file: Path) -> None:
    code, text = call_on_terminal("capture", "stats", file)
    assert code == 0
    assert "…" not in text
    assert ["pop3 RETR", "OK 1", "8 bytes", "20 bytes", "0.1000", "0.1000", "0.1000"] in columns(text)


def test_json(file: Path) -> None:
    found = json.loads(call("capture", "stats", "--json", file).stdout)
    assert (found["sessions"], found["messages"], found["logins"]) == ({"pop3": 1}, {"pop3": 1}, {"aiko": 1})
    assert (found["missing"], found["unread"], found["verdicts"]) == (7, 6, {"keep": 1})
    [retr] = [verb for verb in found["verbs"] if verb["verb"] == "RETR"]
    assert (retr["commands"], retr["replies"], retr["seconds"]["measured"]) == (1, {"OK": 1}, 1)
    [server] = found["servers"]
    assert (server["server"], server["capabilities"]) == ("198.51.100.9:110", [])
    assert [about["sessions"] for about in found["files"]] == [1]


def test_what_cannot_be_read(file: Path, tmp_path: Path) -> None:
    result = call("capture", "stats", tmp_path / "gone.pcap", file, code=1)
    assert "gone.pcap: No such file" in result.stderr
    assert "verb\tpop3\tRETR" in result.stdout
    found = json.loads(call("capture", "stats", "--json", tmp_path / "gone.pcap", code=1).stdout)
    assert found["files"][0]["error"]


def test_no_mail(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([]))
    result = call("capture", "stats", path)
    assert (result.stdout, "there is no mail" in result.stderr) == ("", True)


def test_help() -> None:
    assert "Examples:" in call("capture", "stats", "-h").stdout

"""``mailproxy capture diff``, called as people do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call

BEFORE = """
S: +OK Old ready
C: CAPA
S: +OK
S: TOP
S: PIPELINING
S: .
C: USER aiko
S: +OK
C: PASS hemmelig
S: +OK
C: LIST
S: +OK
S: 1 100
S: 2 200
S: 3 300
S: 4 400
S: .
C: UIDL
S: +OK
S: 1 a1
S: 2 a2
S: 3 a3
S: 4 a4
S: .
C: QUIT
S: +OK
"""
AFTER = BEFORE.replace("S: PIPELINING\n", "")
for number in "1234":
    AFTER = AFTER.replace(f"{number} a{number}", f"{number} b{number}")
SMTP = "S: 220 x\nC: QUIT\nS: 221 bye"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "before.pcapng", Talk("pop3", BEFORE))


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "after.pcapng", Talk("pop3", AFTER))


def test_what_changed_since_the_migration(before: Path, after: Path) -> None:
    said = call("capture", "diff", before, after, code=1)
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    again = "UIDL changed: programs download these messages again"
    assert rows == [
        ["pop3 aiko", again, "message 1", "a1", "b1"],
        ["pop3 aiko", again, "message 2", "a2", "b2"],
        ["pop3 aiko", again, "message 3", "a3", "b3"],
        ["pop3 aiko", again, "and 1 more; see --all", "", ""],
        ["pop3 aiko", "capability is gone", "before login", "PIPELINING", ""],
    ]
    assert "message 4\ta4\tb4" in call("capture", "diff", before, after, "--all", code=1).stdout


def test_no_difference(before: Path) -> None:
    said = call("capture", "diff", before, before)
    assert said.output == ""
    (found,) = json.loads(call("capture", "diff", before, before, "--json").stdout)
    assert found == {"protocol": "pop3", "user": "aiko", "sessions": [[1], [1]], "differences": []}


def test_as_json(before: Path, after: Path) -> None:
    (found,) = json.loads(call("capture", "diff", before, after, "--json", code=1).stdout)
    assert [one["kind"] for one in found["differences"]] == ["uidl"] * 4 + ["capability_gone"]
    assert found["differences"][0]["after"] == "b1"


def test_two_sessions_of_one_capture(tmp_path: Path) -> None:
    talks = [
        Talk("pop3", text, client=("192.0.2.1", 40000 + count)) for count, text in enumerate((BEFORE, AFTER))
    ]
    path = capture_file(tmp_path / "both.pcapng", *talks, Talk("smtp", SMTP))
    assert "a1\tb1" in call("capture", "diff", path, "--session", "1:2", code=1).stdout
    assert "b1\ta1" in call("capture", "diff", path, "-n", "2:1", code=1).stdout
    assert call("capture", "diff", path, "--session", "2:2").stdout == ""
    assert "nothing to compare" in call("capture", "diff", path, "--session", "1:3", code=2).stderr


def test_what_is_in_one_capture_only(before: Path, tmp_path: Path) -> None:
    other = capture_file(tmp_path / "o.pcapng", Talk("pop3", BEFORE), Talk("smtp", SMTP))
    said = call("capture", "diff", before, other)
    assert said.stderr == "mailproxy: smtp: only in one of the captures\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name another capture, or two sessions"),
        (["--session", "1"], "two numbers of sessions are needed"),
        (["--session", "1:9"], "there is no such mail session"),
        (["/nowhere/x.pcap"], "No such file"),
    ],
)
def test_trouble(before: Path, arguments: list[str], said: str) -> None:
    assert said in " ".join(call("capture", "diff", before, *arguments, code=2).stderr.split())


def test_nothing_in_common(before: Path, tmp_path: Path) -> None:
    other = capture_file(tmp_path / "o.pcapng", Talk("smtp", SMTP))
    assert "no protocol in common" in call("capture", "diff", before, other, code=2).stderr

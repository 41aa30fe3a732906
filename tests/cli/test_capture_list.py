"""``mailproxy capture list``: sessions of real files, as rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailproxy.cli import capture_list
from tests.capture.packets import pcap
from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call, call_on_terminal, call_process, columns

POP3 = """
    S: +OK ready
    C: USER {0}
    S: +OK
    C: PASS geheim
    S: +OK
    C: RETR 1
    S: +OK
    S: Subject: x
    S: .
    C: QUIT
    S: +OK bye
"""
IMAP = 'S: * OK\n! login {"user": "bo"}\n! verdict {"verdict": "block"}\ngap S 7\nS: what\nend rst'
ONE = Talk("pop3", POP3.format("aiko"))
CLIENT = Talk("imap", IMAP, session="s1", leg="client", client=("192.0.2.2", 40002))
SERVER = Talk("imap", IMAP, session="s1", leg="server", client=("192.0.2.3", 40003))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "three.pcapng", CLIENT, SERVER, ONE)


def test_in_a_pipe(file: Path) -> None:
    rows = [line.split("\t") for line in call("capture", "list", file).stdout.splitlines()]
    one = ["38", "50", "1.200", "quit, fin", "", ""]
    two = ["0", "12", "0.700", "rst", "s1 client", "block 1, 1 gap (7 octets), 6 octets unread"]
    started = "2023-11-14T22:13:20+00:00"
    assert rows == [
        ["1", started, "imap", "192.0.2.2:40002", "198.51.100.9:143", "bo", "", "0", "0", *two],
        ["3", started, "pop3", "192.0.2.1:40000", "198.51.100.9:110", "aiko", "", "4", "1", *one],
    ]


def test_legs(file: Path) -> None:
    lines = call("capture", "list", "--legs", file).stdout.splitlines()
    assert [line.split("\t")[13] for line in lines] == ["s1 client", "s1 server", ""]


def test_on_a_terminal(file: Path) -> None:
    code, text = call_on_terminal("capture", "list", file, kind="xterm")
    assert code == 0
    cells = " ".join(cell for row in columns(text) for cell in row)
    assert "192.0.2.2:40002 → 198.51.100.9:143 bo" in cells
    assert "0 bytes → 12 bytes" in cells


def test_json_by_a_process(file: Path) -> None:
    done = call_process("capture", "list", "--json", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [(row["number"], row["user"], row["verdicts"]) for row in found["sessions"]] == [
        (1, "bo", {"block": 1}),
        (3, "aiko", {}),
    ]
    assert found["sessions"][0]["missing"] == 7
    [about] = found["files"]
    assert (about["file"], about["sessions"], about["error"]) == (str(file), 2, "")


def test_several_files_of_which_one_is_none(file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("this is no capture")
    result = call("capture", "list", wrong, file, tmp_path / "gone.pcap", code=1)
    assert [line.split("\t")[:2] for line in result.stdout.splitlines()] == [
        [str(file), "1"],
        [str(file), "3"],
    ]
    problems = [line for line in result.stderr.splitlines() if line.startswith("mailproxy: error: ")]
    assert [
        str(path) in problem for path, problem in zip((wrong, tmp_path / "gone.pcap"), problems, strict=True)
    ] == [
        True,
        True,
    ]
    found = json.loads(call("capture", "list", "--json", wrong, file, code=1).stdout)
    assert [bool(about["error"]) for about in found["files"]] == [True, False]


def test_no_mail(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([]))
    result = call("capture", "list", path)
    assert result.stdout == ""
    assert "there is no mail in it" in result.stderr
    assert json.loads(call("capture", "list", "--json", path).stdout)["sessions"] == []


def test_a_file_that_breaks_off_is_listed_up_to_there(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\x06\0\0\0\xff\xff\xff\x7f" + bytes(40))
    result = call("capture", "list", file, code=1)
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr.startswith("mailproxy: error: ")


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    talk = Talk(
        "imap", 'S: * OK\n! login {"user": "a\\u001b]0;b\\u0007\\u202e"}', session="\x1b[2J", leg="client"
    )
    path = capture_file(tmp_path / "a.pcapng", talk)
    for arguments in ((), ("--json",)):
        code, text = call_on_terminal("capture", "list", path, *arguments)
        assert code == 0
        assert text.replace("\n", "").isprintable()


def test_rows_come_in_batches_of_sorted_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_list, "BATCH", 2)
    talks = [
        Talk("pop3", "S: +OK\n" * (9 - n) + "end rst", client=("192.0.2.1", 40000 + n)) for n in range(5)
    ]
    lines = call("capture", "list", capture_file(tmp_path / "a.pcapng", *talks)).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["4", "5", "2", "3", "1"]


def test_the_command_line(tmp_path: Path) -> None:
    assert "Examples:" in call("capture", "list", "-h").stdout
    call("capture", "list", code=2)
    assert "list" in call("capture", "--help").stdout

"""``mailproxy capture export``, called as people do."""

from __future__ import annotations

import json
import mailbox
from contextlib import closing
from pathlib import Path

import pytest

from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call, call_process

POP = Talk(
    "pop3",
    """
    S: +OK
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: +OK
    C: RETR 1
    S: +OK
    S: Subject: one
    S: .
    C: TOP 2 0
    S: +OK
    S: Subject: two
    S: .
    C: RETR 3
    S: +OK
    S: Subject: three
    gap S 77
    S: .
    """,
)
SMTP = Talk(
    "smtp",
    """
    S: 220 x
    C: EHLO c
    S: 250 x
    C: MAIL FROM:<bo@example.jp>
    S: 250 ok
    C: RCPT TO:<cy@example.jp>
    S: 250 ok
    C: DATA
    S: 354 go
    C: Subject: four
    C: .
    S: 250 ok
    """,
    client=("192.0.2.2", 40001),
)
CLIENT_LEG = Talk("pop3", POP.text, session="s", leg="client", client=("192.0.2.3", 40002))
SERVER_LEG = Talk("pop3", POP.text, session="s", leg="server", client=("192.0.2.4", 40003))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "x.pcapng", POP, SMTP)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files(capture: Path, folder: Path) -> None:
    said = call("capture", "export", capture, "--eml", folder)
    assert names(folder) == ["0001-0001-retr-1.eml", "0001-0003-retr-3.incomplete.eml", "0002-0001-data.eml"]
    assert (folder / "0001-0001-retr-1.eml").read_bytes() == b"Subject: one\r\n"
    assert sorted(line.split("\t")[0] for line in said.stdout.splitlines()) == names(folder)
    assert "session 1, RETR 3: 77 octets are not in the capture, so it is 0001-0003-retr-3.inc" in said.stderr
    assert "3 messages from" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--session", "2"], ["0002-0001-data.eml"]),
        (["--user", "aiko"], ["0001-0001-retr-1.eml", "0001-0003-retr-3.incomplete.eml"]),
        (
            ["--session", "1", "--partial"],
            ["0001-0001-retr-1.eml", "0001-0002-top-2.partial.eml", "0001-0003-retr-3.incomplete.eml"],
        ),
    ],
)
def test_which_ones(capture: Path, folder: Path, arguments: list[str], expected: list[str]) -> None:
    call("capture", "export", capture, "--eml", folder, *arguments)
    assert names(folder) == expected


def test_the_folder_is_made_for_its_owner_alone(capture: Path, folder: Path) -> None:
    call("capture", "export", capture, "--eml", folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "x.pcapng: it is no folder" in call("capture", "export", capture, "--eml", capture, code=1).stderr
    gone = folder / "not" / "there"
    said = call_process("capture", "export", capture, "--eml", gone)
    assert (said.returncode, said.stderr) == (1, f"mailproxy: error: {gone}: No such file or directory\n")
    said = call_process("capture", "export", capture, "--mbox", gone)
    assert (said.returncode, said.stderr) == (1, f"mailproxy: error: {gone}: No such file or directory\n")


def test_nothing_is_overwritten(capture: Path, folder: Path) -> None:
    call("capture", "export", capture, "--eml", folder)
    said = call("capture", "export", capture, "--eml", folder, code=1)
    assert "0001-0001-retr-1.eml: it is there already; name an empty folder" in said.stderr


def test_one_message_of_a_recorded_session_is_one_file(tmp_path: Path, folder: Path) -> None:
    path = capture_file(tmp_path / "y.pcapng", SERVER_LEG, CLIENT_LEG)
    call("capture", "export", path, "--eml", folder)
    assert len([name for name in names(folder) if "retr-1" in name]) == 1
    call("capture", "export", path, "--mbox", tmp_path / "both", "--leg", "both")
    with closing(mailbox.mbox(tmp_path / "both")) as read:
        assert len(read) == 2


def test_an_mbox(capture: Path, tmp_path: Path) -> None:
    said = call("capture", "export", capture, "--mbox", tmp_path / "mbox")
    with closing(mailbox.mbox(tmp_path / "mbox")) as read:
        assert sorted(message["Subject"] for message in read) == ["four", "one"]
    assert b"From bo@example.jp Tue Nov 14" in (tmp_path / "mbox").read_bytes()
    assert "RETR 3: 77 octets are not in the capture, so it is left out; use --eml" in said.stderr
    assert "name a new file" in call("capture", "export", capture, "--mbox", tmp_path / "mbox", code=1).stderr


def test_an_mbox_into_a_pipe(capture: Path) -> None:
    done = call_process("capture", "export", capture, "--mbox", "-", "--session", "2")
    assert done.returncode == 0
    assert done.stdout.endswith("\nSubject: four\n\n")


def test_text(capture: Path) -> None:
    shown = call("capture", "export", capture, "--text", "--session", "1").stdout
    assert "C> PASS ********\nS> +OK\n" in shown
    assert "# 77 octets of the server are not in the capture\n" in shown
    assert shown.startswith("# session 1: pop3, 192.0.2.1:40000 to 198.51.100.9:110, ")


def test_json(capture: Path) -> None:
    shown = call("capture", "export", capture, "--json").stdout
    found = [json.loads(line) for line in shown.splitlines()]
    assert sorted(one["protocol"] for one in found) == ["pop3", "smtp"]
    assert "hemmelig" not in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "say one of --eml DIR"),
        (["--text", "--json"], 2, "say one of --eml DIR"),
        (["--text", "--session", "9"], 1, "there is no such mail session"),
        (["--text", "--user", "nobody"], 1, "there is no such mail session"),
    ],
)
def test_mistakes(capture: Path, arguments: list[str], code: int, said: str) -> None:
    assert said in " ".join(call("capture", "export", capture, *arguments, code=code).stderr.split())


def test_a_file_that_is_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"hello, world")
    assert "neither pcap nor pcapng" in call("capture", "export", path, "--text", code=1).stderr

"""``mailproxy capture anonymise``, called as people do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.capture.talks import Talk, capture_file
from tests.cli.calling import call

TALK = Talk(
    "pop3",
    """
    S: +OK
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: +OK
    C: RETR 1
    S: +OK
    S: From: aiko@example.jp
    S: Subject: Invoice
    S:
    S: Dear Bo
    S: .
    """,
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "x.pcapng", TALK, Talk("smtp", "S: 220 x\nC: QUIT\nS: 221 x"))


def test_a_copy(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    said = call("capture", "anonymise", capture, out)
    assert said.stdout == f"2 conversations written to {out}\n"
    for word in (b"aiko", b"example", b"Invoice", b"Dear", b"hemmelig", b"Bo\r\n"):
        assert word not in out.read_bytes()
    shown = call("capture", "export", out, "--text", "--session", "1").stdout
    assert "S> Subject: xxxxxxx\nS>\nS> xxxx xx\nS> .\n" in shown


def test_another_time_names_are_other_ones(capture: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        call("capture", "anonymise", capture, tmp_path / name, "--session", "1")
    shown = [call("capture", "export", tmp_path / name, "--text").stdout for name in ("a", "b")]
    assert "C> RETR 1\n" in shown[0]
    assert shown[0] != shown[1]


def test_nothing_is_overwritten_and_nothing_half_stays(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "no such mail session" in call("capture", "anonymise", capture, out, "-n", "9", code=1).stderr
    bad = tmp_path / "bad"
    bad.write_bytes(b"no capture")
    assert "neither pcap nor pcapng" in call("capture", "anonymise", bad, out, code=1).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "x.pcapng"]
    assert "name a new file" in call("capture", "anonymise", capture, bad, code=1).stderr
    assert bad.read_bytes() == b"no capture"


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_reads_it(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    call("capture", "anonymise", capture, out)
    command = [
        "tshark",
        "-r",
        str(out),
        "-T",
        "fields",
        "-e",
        "pop.request.command",
        "-e",
        "_ws.expert.message",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    assert [line.split("\t")[0] for line in lines if line in ("USER", "PASS", "RETR")] == [
        "USER",
        "PASS",
        "RETR",
    ]

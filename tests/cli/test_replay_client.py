"""``mailproxy replay client``, as it is called."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.calling import ROOT, call
from tests.replay.client_scene import capture_file, turns
from tests.secrets_check import forms
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE

PASSWORD = "tea-Party-31"
CAPTURED = """
S: +OK ready
C: USER aiko
S: +OK
C: PASS ************
S: +OK in
C: STAT
S: +OK 2 100
C: DELE 1
S: +OK
C: QUIT
S: +OK bye
"""
LIVE = f"""
S: +OK ready
C: USER aiko
S: +OK
C: PASS {PASSWORD}
S: +OK in
C: STAT
S: +OK 2 100
C: QUIT
S: +OK bye
"""


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    return capture_file(tmp_path / "captured.pcap", ("pop3", CAPTURED))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROXY_PASSWORD", PASSWORD)


@contextmanager
def server(said: str, times: int = 1) -> Iterator[str]:
    """Where somebody answers that way; what it hears must be what it expects."""
    wrong = list[str]()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(times):
                peer, _ = listening.accept()
                with peer:
                    for who, octets in turns(said):
                        if who == "S":
                            peer.sendall(octets)
                        elif (got := peer.recv(65536)) != octets:
                            wrong.append(f"{got!r} in place of {octets!r}")
                            return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join(20)
    assert not wrong, wrong


def test_the_same(captured: Path) -> None:
    with server(LIVE) as to:
        result = call("replay", "client", captured, "--to", to, "--tls", "none")
    assert "left out\t1\t4\tDELE" in result.output
    assert "no real difference" in result.output
    assert not any(form.decode() in result.output for form in forms(PASSWORD.encode()))


def test_a_real_difference(tmp_path: Path) -> None:
    only_looks = CAPTURED.replace("C: DELE 1\nS: +OK\n", "")
    captured = capture_file(tmp_path / "captured.pcap", ("pop3", only_looks))
    with server(LIVE.replace("2 100", "3 100")) as to:
        result = call("replay", "client", captured, "--to", to, "--tls", "none", code=1)
    assert "real\t1\t3\tSTAT\ttext\t2 100\t3 100\t1\t\n" in result.output


def test_a_refused_login_tells_no_password(captured: Path) -> None:
    refused = LIVE.partition("S: +OK in")[0] + f"S: -ERR no {PASSWORD} dGVhLVBhcnR5LTMx"
    with server(refused) as to:
        result = call("replay", "client", captured, "--to", to, "--tls", "none", code=1)
    assert "mailproxy: error: the server refuses the login of aiko: ERR no ****" in result.output
    assert not any(form.decode() in result.output for form in forms(PASSWORD.encode()))


def test_json_and_times(captured: Path) -> None:
    with server(LIVE, times=3) as to:
        result = call("replay", "client", captured, "--to", to, "--tls", "none", "--times", "3", "--json")
    value = json.loads(result.stdout)
    assert value["same"]
    assert value["plays"] == 3
    assert {one["verb"]: one["times"] for one in value["latencies"]} == {
        **dict.fromkeys(("PASS", "QUIT", "STAT", "USER"), 3)
    }


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--to", "mail.example.test"), 2, "it has no port"),
        (("--to", "mail.example.test:0"), 2, "port 0"),
        (("--to", "mail.example.test:110", "--tls", "none"), 2, "say --allow-plaintext"),
        (("--to", "127.0.0.1:1", "--tls", "none", "--session", "7"), 1, "there is no session 7"),
        (("--to", "127.0.0.1:1", "--parallel", "51"), 2, "less than or equal to 50"),
        (("--to", "127.0.0.1:1", "--times", "0"), 2, "greater than or equal to 1"),
        (("--to", "127.0.0.1:1", "--tls", "none", "--password-env", "NONE_HERE"), 1, "NONE_HERE"),
        (("--to", "127.0.0.1:1", "--tls", "none", "--user", "a\nb"), 1, "a line end cannot be said"),
        (("--to", "127.0.0.1:1", "--tls", "none"), 1, "cannot connect to 127.0.0.1:1"),
    ],
)
def test_what_does_not_go(captured: Path, options: tuple[str, ...], code: int, why: str) -> None:
    result = call("replay", "client", captured, *options, code=code)
    assert why in result.output.replace("\n", " ")


def test_a_file_that_is_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "no.pcap"
    path.write_text("hello")
    result = call("replay", "client", path, "--to", "127.0.0.1:1", code=1)
    assert str(path) in result.output


def test_several_users(tmp_path: Path) -> None:
    other = CAPTURED.replace("aiko", "bo")
    path = capture_file(tmp_path / "two.pcap", ("pop3", CAPTURED), ("pop3", other))
    result = call("replay", "client", path, "--to", "127.0.0.1:1", "--tls", "none", code=1)
    assert "these sessions are of 2 users; choose with --session" in result.output


def test_the_password_is_asked_for_on_a_terminal(captured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILPROXY_PASSWORD")
    with server(LIVE) as to:
        code, shown = asked("replay", "client", str(captured), "--to", to, "--tls", "none")
    assert code == 0, shown
    assert shown.startswith("Password of aiko")
    assert PASSWORD not in shown


def asked(*arguments: str) -> tuple[int, str]:
    """Exit code, and what a terminal showed to somebody who types the password once asked for it."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mailproxy", *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=ROOT,
        start_new_session=True,  # what is typed is read from this terminal, and no other one
    )
    os.close(terminal)
    shown = b""
    try:
        while some := os.read(screen, 65536):
            shown += some
            if shown.endswith(b": ") and PASSWORD.encode() not in shown:
                os.write(screen, PASSWORD.encode() + b"\n")
    except OSError:  # how Linux says that nobody has the terminal open any more
        pass
    finally:
        os.close(screen)
    return process.wait(), shown.decode()


def test_with_dovecot_as_a_process(dovecot: Dovecot, tmp_path: Path) -> None:
    said = f"""
    S: * OK [CAPABILITY IMAP4rev1] ready
    C: a LOGIN {ALICE.user} *****
    S: a OK in
    C: b SELECT INBOX
    S: * 7 EXISTS
    S: b OK [READ-WRITE] selected
    C: c STORE 1 +FLAGS (\\Deleted)
    S: c OK done
    C: d EXPUNGE
    S: d OK done
    C: e LOGOUT
    S: * BYE bye
    S: e OK bye
    """
    path = capture_file(tmp_path / "captured.pcap", ("imap", said))
    to = f"127.0.0.1:{dovecot.imap.open}"
    options = ("--to", to, "--ca-file", dovecot.authority.ca, "--json")
    done = subprocess.run(
        [sys.executable, "-m", "mailproxy", "replay", "client", path, *options],
        env={**os.environ, "MAILPROXY_PASSWORD": ALICE.password},
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    value = json.loads(done.stdout)
    assert value["failures"] == []
    assert [(one["verb"], one["why"]) for one in value["left_out"]] == [
        ("STORE", "it removes mail"),
        ("EXPUNGE", "it removes mail"),
    ]
    assert not any(form in done.stdout + done.stderr for form in forms(ALICE.password.encode()))

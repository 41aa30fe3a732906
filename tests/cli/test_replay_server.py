"""``mailproxy replay server`` as a process of its own, with real mail programs."""

from __future__ import annotations

import imaplib
import json
import poplib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import ROOT, call_process
from tests.clients import programs
from tests.clients.standard_library import read_by_imap, read_by_pop3, send_by_smtp
from tests.player.capture_file import capture_file
from tests.player.mailbox_sessions import imap_session, pop3_session, smtp_session
from tests.servers.endpoints import ALICE, BOB, TLS_KINDS, Door, Tls
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.ports import LOOPBACK

MESSAGES = list(sample_messages().values())
WIRE = [on_the_wire(message) for message in MESSAGES]
SECONDS = 30
READERS = (programs.curl_imap, programs.mbsync, programs.curl_pop3, programs.mpop)
SENDERS = (programs.curl_smtp, programs.msmtp, programs.swaks)


@dataclass
class Served:
    """A running server, and what it said on standard error once it has ended."""

    process: subprocess.Popen[str]
    described: dict[str, Any]
    said: str = ""

    def door(self, protocol: str) -> Door:
        (one,) = (each for each in self.described["listening"] if each["protocol"] == protocol)
        ca = self.described.get("ca_file")
        return Door(one["port"], one["tls"], Path(ca) if ca else None)


@contextmanager
def serving(file: Path, *words: str | Path, stop: signal.Signals | None = signal.SIGTERM) -> Iterator[Served]:
    """Serve a capture; it must end with exit code 0, by itself where there is no signal."""
    command = [sys.executable, "-m", "mailproxy", "replay", "server", str(file), "--json", *map(str, words)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.communicate(timeout=SECONDS)[1]
        served = Served(process, json.loads(line))
        yield served
        if stop is not None:
            process.send_signal(stop)
        served.said = process.communicate(timeout=SECONDS)[1]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, served.said
    assert "Traceback" not in served.said
    assert ALICE.password not in served.said


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return capture_file(
        tmp_path_factory.mktemp("capture") / "all.pcap",
        ("pop3", pop3_session(ALICE.user, MESSAGES)),
        ("imap", imap_session(ALICE.user, MESSAGES)),
        ("smtp", smtp_session(ALICE.user, BOB.user)),
    )


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_the_standard_librarys_clients(capture: Path, tmp_path: Path, tls: Tls) -> None:
    with serving(capture, "--tls", tls, "--state", tmp_path) as served:
        assert read_by_pop3(served.door("pop3"), ALICE) == WIRE
        assert read_by_imap(served.door("imap"), ALICE) == WIRE
        send_by_smtp(served.door("smtp"), ALICE, BOB, MESSAGES[0])


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("program", READERS, ids=lambda program: program.__name__)
def test_programs_that_read(capture: Path, tmp_path: Path, tls: Tls, program: programs.Reader) -> None:
    protocol = "imap" if program in (programs.curl_imap, programs.mbsync) else "pop3"
    with serving(capture, "--tls", tls) as served:
        found = program(tmp_path, served.door(protocol), ALICE, len(MESSAGES))
    assert sorted(map(on_the_wire, found)) == sorted(WIRE)


def test_fetchmail(capture: Path, tmp_path: Path) -> None:
    with serving(capture, "--tls", "implicit") as served:
        found = programs.fetchmail(tmp_path, served.door("pop3"), ALICE, len(MESSAGES))
    bodies = [message.partition(b"\n\n")[2].removesuffix(b"\n") for message in found]
    assert bodies == [message.partition(b"\n\n")[2].removesuffix(b"\n") for message in MESSAGES]


@pytest.mark.parametrize("program", SENDERS, ids=lambda program: program.__name__)
def test_programs_that_send(capture: Path, tmp_path: Path, program: programs.Sender) -> None:
    with serving(capture, "--tls", "starttls") as served:
        program(tmp_path, served.door("smtp"), ALICE, BOB, MESSAGES[1])


def test_only_the_right_password(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAYED", ALICE.password)
    with serving(capture, "--password-env", "REPLAYED") as served:
        client = imaplib.IMAP4(LOOPBACK, served.door("imap").port, timeout=SECONDS)
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login(ALICE.user, "another")
        client.login(ALICE.user, ALICE.password)
        client.logout()


def test_what_the_capture_does_not_hold_is_said(capture: Path) -> None:
    with serving(capture) as served:
        client = poplib.POP3(LOOPBACK, served.door("pop3").port, timeout=SECONDS)
        client.user(ALICE.user)
        client.pass_(ALICE.password)
        client.top(1, 0)
        with pytest.raises(poplib.error_proto, match="not in the capture"):
            client._shortcmd("LANG \x1b[2J")  # type: ignore[attr-defined]
        client.quit()
    assert "mailproxy: pop3: TOP 1 0: cut out of the message" in served.said
    assert "mailproxy: pop3: LANG " in served.said
    assert "\x1b" not in served.said


def test_connections_play_the_sessions_in_turn(tmp_path: Path) -> None:
    sessions = [("pop3", pop3_session(ALICE.user, MESSAGES[:count])) for count in (1, 3)]
    with serving(capture_file(tmp_path / "two.pcap", *sessions)) as served:
        counts = [len(read_by_pop3(served.door("pop3"), ALICE)) for _ in range(3)]
    assert counts == [1, 3, 3]
    assert served.described["listening"][0]["users"] == [ALICE.user]


def test_a_user_gets_his_own_session(tmp_path: Path) -> None:
    sessions = [
        ("pop3", pop3_session(ALICE.user, MESSAGES[:1])),
        ("pop3", pop3_session(BOB.user, MESSAGES[:2])),
    ]
    with serving(capture_file(tmp_path / "two.pcap", *sessions)) as served:
        assert len(read_by_pop3(served.door("pop3"), BOB)) == 2


def test_one_session_once(tmp_path: Path) -> None:
    sessions = [("pop3", pop3_session(ALICE.user, MESSAGES[:count])) for count in (1, 3)]
    file = capture_file(tmp_path / "two.pcap", *sessions)
    with serving(file, "--session", "2", "--once", stop=None) as served:
        assert len(read_by_pop3(served.door("pop3"), ALICE)) == 3


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_with_a_client_inside(capture: Path, stop: signal.Signals) -> None:
    with serving(capture, stop=stop) as served:
        client = socket.create_connection((LOOPBACK, served.door("pop3").port), timeout=SECONDS)
        assert client.recv(99).startswith(b"+OK")
    client.close()


def test_people_are_told_where_it_listens_and_whom_to_trust(capture: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailproxy", "replay", "server", str(capture)]
    process = subprocess.Popen(
        [*command, "--tls", "implicit", "--state", str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(4)]
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
    assert [line.partition(":")[0] for line in lines[:3]] == ["imap", "pop3", "smtp"]
    assert "127.0.0.1:" in lines[0]
    assert f"captured from {ALICE.user}" in lines[0]
    assert lines[3].strip().endswith(f"{tmp_path}/tls/ca.pem")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--session", "9"], "there is no session 9; see mailproxy capture list"),
        (["--listen", "nowhere"], "--listen nowhere: it has no port; write it as 127.0.0.1:1143"),
        (["--listen", "192.0.2.1:1143"], "cannot listen on 192.0.2.1:1143: Cannot assign requested address"),
        (["--password-env", "NOT_THERE_1"], "NOT_THERE_1 is not set in the environment, or empty"),
        (["--password-prompt"], "there is no terminal to ask for the password; use --password-env"),
        (["--password-env", "X", "--password-prompt"], "both set the password; use one of them"),
        (["--certificate", __file__], "are for TLS; add --tls implicit or --tls starttls"),
        (["--tls", "implicit", "--key", __file__], "--key belongs to a --certificate; name both"),
        (["--tls", "implicit", "--certificate", __file__], "there is no certificate in PEM in it"),
    ],
)
def test_errors(capture: Path, words: list[str], why: str) -> None:
    done = call_process("replay", "server", capture, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("mailproxy: error: ")
    assert why in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("sessions", "why"),
    [
        ([], "it holds no mail session; see mailproxy capture list"),
        ([("pop3", "S: hello")], "nothing in it can be read"),
        ([("imap", "C: \x16\x03\x01 Client\nS: \x16\x03\x03 Server")], "its sessions are encrypted"),
    ],
)
def test_files_without_readable_mail(tmp_path: Path, sessions: list[tuple[str, str]], why: str) -> None:
    done = call_process("replay", "server", capture_file(tmp_path / "none.pcap", *sessions))
    assert done.returncode == 1
    assert why in done.stderr

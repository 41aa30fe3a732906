"""A disk that is full costs no mail: what cannot be copied is not deleted, and the session goes on."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproxy.archive.maildir import MaildirArchive
from mailproxy.events import Anomaly, ArchiveFailed
from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Memory
from mailproxy.proto.tokens import Side
from mailproxy.rules import load
from mailproxy.session.options import Options
from tests.archive.books import Book
from tests.guards.remembering import NOW, RememberedBrakes, RememberedMail
from tests.play import Wires, whole
from tests.proxy_process import PROJECT

POP3 = [
    (rb"USER .*|PASS .*|NOOP", b"+OK"),
    (rb"CAPA|UIDL 1", b"-ERR"),
    (rb"RETR 1", b"+OK\r\ntext\r\n."),
    (rb"DELE 1", b"+OK deleted"),
]
IMAP = [
    (rb"\S+ CAPABILITY", b"* CAPABILITY IMAP4rev1 UIDPLUS UNSELECT\r\n%b OK"),
    (rb"\S+ (?:LOGIN|SELECT|NOOP|UID EXPUNGE|UNSELECT).*", b"%b OK"),
    (rb"\S+ UID SEARCH .*", b"* SEARCH 1\r\n%b OK"),
    (rb"\S+ STATUS .*", b"* STATUS INBOX (UIDVALIDITY 7)\r\n%b OK"),
    (rb"\S+ UID FETCH 1 \(UID FLAGS\)", b"* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n%b OK"),
    (rb"\S+ UID FETCH 1 \(UID FLAGS.*", b"* 1 FETCH (UID 1 FLAGS (\\Deleted) RFC822.SIZE 4)\r\n%b OK"),
    (rb"\S+ UID FETCH 1 .*", b"* 1 FETCH (UID 1 BODY[] {4}\r\ntext)\r\n%b OK"),
]


class Scene:
    """A session with the shipped rule, an archive on a disk, and a server that has one message."""

    def __init__(self, protocol: str, folder: Path) -> None:
        judge = load([PROJECT / "rules" / "archive.toml"]).judge(protocol)
        self.folder = folder
        memory = Memory(RememberedMail(), RememberedBrakes(), MaildirArchive(folder, Book()))
        self.wires = Wires(protocol, Options(), judge, guards=guard_maker(memory, lambda: NOW))
        self.heard: list[bytes] = []
        self._answers = POP3 if protocol == "pop3" else IMAP
        self._read = 0
        self._told = 0
        greeting = b"+OK ready\r\n" if protocol == "pop3" else b"* OK ready\r\n"
        self.wires.send(Side.SERVER, whole(greeting))
        self.say("")
        logins = {"pop3": ["USER aiko", "PASS x"], "imap": ["a LOGIN aiko x", "b SELECT INBOX"]}
        for line in logins[protocol]:
            self.say(line)

    def say(self, line: str) -> str:
        """What the client hears of this line."""
        if line:
            self.wires.send(Side.CLIENT, whole(line.encode() + b"\r\n"))
        while self._read < len(self.wires.got[Side.SERVER]):
            data = bytes(self.wires.got[Side.SERVER][self._read :])
            self._read += len(data)
            for command in data.splitlines():
                self.heard.append(command)
                self.wires.send(Side.SERVER, whole(self._answer(command)))
        heard = bytes(self.wires.got[Side.CLIENT][self._told :])
        self._told += len(heard)
        return heard.decode()

    def _answer(self, command: bytes) -> bytes:
        answer = next(answer for pattern, answer in self._answers if re.fullmatch(pattern, command))
        return answer.replace(b"%b", command.split()[0]) + b"\r\n"

    @property
    def deleted(self) -> bool:
        return any(b"DELE" in line.split()[:1] or b"UID EXPUNGE" in line for line in self.heard)

    @property
    def copies(self) -> list[bytes]:
        return [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]


def full(*arguments: object, **more: object) -> object:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


CASES = [("pop3", "DELE 1", "-ERR [SYS/TEMP]"), ("imap", "c EXPUNGE", "c NO [UNAVAILABLE]")]


@pytest.mark.parametrize("call", ["mkdir", "write", "fsync", "rename"])
@pytest.mark.parametrize(("protocol", "line", "refusal"), CASES)
def test_nothing_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, line: str, refusal: str, call: str
) -> None:
    scene = Scene(protocol, tmp_path / "archive")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        assert scene.say(line).splitlines()[-1].startswith(refusal)
    assert not scene.deleted
    assert scene.copies == []
    (event,) = [event for event in scene.wires.events if isinstance(event, Anomaly | ArchiveFailed)]
    said = event.detail if isinstance(event, Anomaly) else event.why
    assert "no space left on device; free space on its disk" in said
    assert "OK" in scene.say("d NOOP" if protocol == "imap" else "NOOP")
    assert "OK" in scene.say(line.replace("c ", "e "))  # there is room again
    assert scene.deleted
    assert scene.copies == [b"text" if protocol == "imap" else b"text\r\n"]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_mailbox_is_closed_without_deleting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    scene = Scene("imap", tmp_path / "archive")
    monkeypatch.setattr(os, call, full)
    assert scene.say("c CLOSE") == "c OK\r\n"
    monkeypatch.undo()
    assert not scene.deleted
    assert scene.heard[-1] == b"c UNSELECT"


def test_a_session_that_ends_meanwhile(tmp_path: Path) -> None:
    scene = Scene("pop3", tmp_path / "archive")
    answer: Callable[[bytes], bytes] = scene._answer
    scene._answer = lambda line: b"" if line == b"RETR 1" else answer(line)  # type: ignore[method-assign]
    scene.say("DELE 1")
    assert len(scene.copies) == 1
    scene.wires.session.eof(Side.SERVER)
    assert scene.copies == []
    assert not scene.deleted

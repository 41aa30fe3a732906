"""Messages as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.eml_files import eml_name, messages_in, write_files
from mailproxy.capture.messages import Message
from mailproxy.capture.model import Stream
from tests.capture.talks import Talk, items

CONVERSATION = Conversation(2, Stream(0, "192.0.2.1:1", "192.0.2.2:2"), "imap", 0.0)
TALK = Talk(
    "pop3",
    r"""
    S: +OK
    C: RETR 1
    S: +OK
    S: one\x00\xff\x0d
    S: ..
    S: .
    C: TOP 1 0
    S: +OK
    S: one
    S: .
    C: RETR 2
    S: +OK
    S: two
    gap S 9
    S: .
    """,
)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (Message(3, "RETR", 0.0, id="7", complete=True), "0002-0003-retr-7.eml"),
        (Message(3, "FETCH", 0.0, id="7", uid="99", complete=True), "0002-0003-fetch-uid99.eml"),
        (Message(3, "FETCH", 0.0, "BODY[TEXT]", id="7", complete=True), "0002-0003-fetch-7.partial.eml"),
        (Message(3, "RETR", 0.0, id="7"), "0002-0003-retr-7.incomplete.eml"),
        (Message(3, "RETR", 0.0, id="7", complete=True, missing=1), "0002-0003-retr-7.incomplete.eml"),
        (Message(12345, "DATA", 0.0, complete=True), "0002-12345-data.eml"),
        (Message(3, "RETR", 0.0, id="../\x1b;" + "x" * 99, complete=True), f"0002-0003-retr-_{'x' * 39}.eml"),
    ],
)
def test_names(message: Message, name: str) -> None:
    assert eml_name(CONVERSATION, message) == name


def test_octet_for_octet(tmp_path: Path) -> None:
    written = list(write_files(messages_in(items(TALK)), tmp_path))
    assert [one.file for one in written] == ["0001-0001-retr-1.eml", "0001-0003-retr-2.incomplete.eml"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "0001-0001-retr-1.eml": b"one\0\xff\r\r\n.\r\n",
        "0001-0003-retr-2.incomplete.eml": b"two\r\n.\r\n",
    }


def test_parts_of_messages_when_asked_for(tmp_path: Path) -> None:
    written = list(write_files(messages_in(items(TALK), partial=True), tmp_path))
    assert [one.file for one in written][1] == "0001-0002-top-1.partial.eml"
    assert (tmp_path / "0001-0002-top-1.partial.eml").read_bytes() == b"one\r\n"


def test_nothing_is_overwritten_and_nothing_half_stays(tmp_path: Path) -> None:
    (tmp_path / "0001-0001-retr-1.eml").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        list(write_files(messages_in(items(TALK)), tmp_path))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("0001-0001-retr-1.eml", b"old")
    ]

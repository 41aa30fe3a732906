"""A POP3 message is copied before it is deleted, or there is a reason why not."""

from __future__ import annotations

import re

import pytest

from mailproxy.guards.archive_pop3 import archive_message
from mailproxy.session.verdict import Facts
from tests.guards.archiving import Driven, FakeArchive, drive

TEXT = b"Subject: a\r\n\r\n.\r\n..b\r\nend\r\n"
STUFFED = b"Subject: a\r\n\r\n..\r\n...b\r\nend\r\n.\r\n"


class Server:
    """One message; ``answers`` replace those of a verb: body and status line."""

    def __init__(self, **answers: tuple[list[bytes], bytes]) -> None:
        self.answers = {
            "UIDL": ([], b"+OK 3 u-33"),
            "TOP": ([b"Subject: a\r\n\r\n.\r\n"], b"+OK"),
            "RETR": ([STUFFED], b"+OK 30 octets"),
            **answers,
        }

    def __call__(self, line: bytes) -> tuple[list[bytes], bytes]:
        return self.answers[line.split()[0].decode()]


def archived(archive: FakeArchive, server: Server) -> Driven[str]:
    facts = Facts("pop3", upstream="main", user="aiko")
    driven = drive(archive_message(3, archive, facts, "archive-all", 5.0), server)
    assert archive.open == 0
    return driven


def test_a_copy_is_made() -> None:
    archive = FakeArchive()
    driven = archived(archive, Server())
    assert (driven.value, driven.asked) == ("", [b"UIDL 3", b"TOP 3 0", b"RETR 3"])
    ((message, text),) = archive.kept.items()
    assert text == TEXT
    assert (message.upstream, message.user, message.protocol) == ("main", "aiko", "pop3")
    assert (message.mailbox, message.rule) == ("INBOX", "archive-all")
    assert re.fullmatch("u-33 [0-9a-f]{24}", message.id)


def test_what_is_archived_is_not_copied_again() -> None:
    archive = FakeArchive()
    archived(archive, Server())
    driven = archived(archive, Server())
    assert (driven.value, driven.asked) == ("", [b"UIDL 3", b"TOP 3 0"])


def test_two_messages_with_one_uidl_are_two() -> None:
    archive = FakeArchive()
    archived(archive, Server())
    archived(archive, Server(TOP=([b"Subject: b\r\n\r\n.\r\n"], b"+OK")))
    assert len(archive.kept) == 2


@pytest.mark.parametrize(
    "answers",
    [
        {"UIDL": ([], b"-ERR what?")},
        {"UIDL": ([], b"+OK 3")},
        {"UIDL": ([], b"+OK 3 u 33")},
        {"TOP": ([], b"-ERR what?")},
        {"TOP": ([b".\r\n"], b"+OK")},
        {"TOP": ([b"\r\n.\r\n"], b"+OK")},
    ],
)
def test_without_an_identity_it_is_copied_each_time(answers: dict[str, tuple[list[bytes], bytes]]) -> None:
    archive = FakeArchive()
    for _ in range(2):
        assert archived(archive, Server(**answers)).value == ""
    assert list(archive.kept.values()) == [TEXT, TEXT]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"RETR": ([], b"-ERR gone")}, "did not give the message"),
        ({"RETR": ([STUFFED[:-1]], b"+OK")}, "has no end"),
        ({"RETR": ([b""], b"+OK")}, "has no end"),
        ({"RETR": ([b".\r\n"], b"+OK")}, "an empty message"),
    ],
)
def test_no_copy_without_the_whole_message(answers: dict[str, tuple[list[bytes], bytes]], why: str) -> None:
    archive = FakeArchive()
    assert why in archived(archive, Server(**answers)).value
    assert archive.kept == {}


@pytest.mark.parametrize(
    ("broken", "why"), [("full", "the disk is full; buy another one"), ("shut", "no disk; look for it")]
)
def test_no_copy_on_a_broken_disk(broken: str, why: str) -> None:
    archive = FakeArchive()
    setattr(archive, broken, True)
    assert archived(archive, Server()).value == why


def test_a_session_that_ends_in_the_middle_leaves_nothing() -> None:
    archive = FakeArchive()
    dialogue = archive_message(3, archive, Facts("pop3"), "", 5.0)
    server = Server()

    def cut(line: bytes) -> tuple[list[bytes], bytes]:
        if line == b"RETR 3":
            raise ConnectionError
        return server(line)

    with pytest.raises(ConnectionError):
        drive(dialogue, cut)
    assert archive.open == 1
    dialogue.close()
    assert archive.open == 0
    assert archive.kept == {}

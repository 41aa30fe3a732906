"""IMAP messages are copied whole, each under its own name."""

from __future__ import annotations

import pytest

from mailproxy.guards.archive_copy import Copier
from mailproxy.guards.asking import Unfulfilled
from mailproxy.guards.memory import MemoryFailed
from mailproxy.session.verdict import Facts
from tests.guards.archive_server import DATE, DELETED, ArchiveServer
from tests.guards.archiving import Driven, FakeArchive, drive

TEXT = b"Subject: a\r\n\r\n)\r\n* 1 FETCH (UID 8 BODY[] {2}\r\n"
FACTS = Facts("imap", upstream="main", user="aiko")


def server() -> ArchiveServer:
    return ArchiveServer({3: (f"{DELETED} \\Seen $a", TEXT), 8: (DELETED, b"b"), 9: ("", b"c")})


def copied(
    archive: FakeArchive, server: ArchiveServer, uids: bytes = b"3,8", validity: int = 77
) -> Driven[list[int]]:
    driven = drive(Copier(archive, FACTS, lambda: 5.0).copy(uids, validity, "INBOX", "archive-all"), server)
    assert archive.open == 0
    return driven


def test_all_that_is_to_be_known() -> None:
    archive = FakeArchive()
    assert copied(archive, server()).value == [3, 8]
    (message, text), (_, other) = archive.kept.items()
    assert (text, other) == (TEXT, b"b")
    assert (message.upstream, message.user, message.protocol, message.mailbox) == (
        "main",
        "aiko",
        "imap",
        "INBOX",
    )
    assert message.id.startswith("77.3 ")
    assert (message.internaldate, message.flags, message.rule) == (
        DATE,
        (DELETED, "\\Seen", "$a"),
        "archive-all",
    )


def test_once_is_enough() -> None:
    archive = FakeArchive()
    copied(archive, server())
    driven = copied(archive, server())
    assert driven.value == [3, 8]
    assert len(driven.asked) == 2
    assert len(archive.kept) == 2


@pytest.mark.parametrize("change", ["validity", "size"])
def test_the_same_uid_may_be_another_message(change: str) -> None:
    archive = FakeArchive()
    copied(archive, server())
    other = server()
    if change == "size":
        other.messages[8] = (DELETED, b"longer")
    copied(archive, other, b"8", 78 if change == "validity" else 77)
    assert len(archive.kept) == 3


def test_what_left_meanwhile_is_not_counted() -> None:
    archive, at = FakeArchive(), server()
    at.answers[r"UID FETCH 3 \(UID BODY.*"] = ([b"* 1 EXPUNGE\r\n"], b"OK")
    driven = copied(archive, at)
    assert driven.value == [8]
    assert driven.passed[0] == b"* 1 EXPUNGE\r\n"
    assert copied(FakeArchive(), at, b"40").value == []


def test_news_for_the_client_passes() -> None:
    at = server()
    news = b"* 3 FETCH (FLAGS (\\Seen))\r\n"
    at.answers[r"UID FETCH 8 \(UID BODY.*"] = (
        [news, b"* 2 FETCH (BODY[] {1}\r\nb UID 8)\r\n", b"* 9 EXISTS\r\n"],
        b"OK",
    )
    archive = FakeArchive()
    assert copied(archive, at, b"8").passed[:2] == [news, b"* 9 EXISTS\r\n"]
    assert list(archive.kept.values()) == [b"b"]


def test_flags_are_told_to_the_client_too() -> None:
    at = server()
    driven = copied(FakeArchive(), at)
    told = [b"* 1 FETCH (UID 3 FLAGS (\\Deleted \\Seen $a))\r\n", b"* 2 FETCH (UID 8 FLAGS (\\Deleted))\r\n"]
    assert driven.passed == told


def test_flags_beside_a_text_are_told_to_the_client_too() -> None:
    at, archive = server(), FakeArchive()

    def changed_meanwhile() -> tuple[list[bytes], bytes]:
        at.messages[8] = ("\\Answered", b"b")
        return [b"* 2 FETCH (FLAGS (\\Answered) UID 8 BODY[] {1}\r\nb)\r\n"], b"OK"

    at.answers[r"UID FETCH 8 \(UID BODY.*"] = changed_meanwhile
    driven = copied(archive, at, b"8")
    assert driven.passed == [b"* 2 FETCH (UID 8 FLAGS (\\Answered))\r\n"]
    assert list(archive.kept.values()) == [b"b"]


def test_a_server_that_tells_no_flags_again() -> None:
    at = server()
    at.answers[r"UID FETCH \S+ \(UID FLAGS\)"] = ([], b"NO not now")
    assert copied(FakeArchive(), at).value == [3, 8]


@pytest.mark.parametrize(
    ("responses", "status", "why"),
    [
        ([], b"NO [EXPUNGEISSUED] gone", "gone"),
        ([b"* 2 FETCH (UID 9 BODY[] {1}\r\nb)\r\n"], b"OK", "another message"),
        ([b"* 2 FETCH (UID 8 BODY[] {1}\r\nb)\r\n"] * 2, b"OK", "another message"),
        ([b"* 2 FETCH (BODY[] {1}\r\nb)\r\n"], b"OK", "another message"),
        ([b"* 2 FETCH (UID 8 BODY[] NIL)\r\n"], b"OK", "does not give the text"),
        ([b"* 2 FETCH (UID 8 BODY[] {0}\r\n)\r\n"], b"OK", "nothing in place"),
        ([b'* 2 FETCH (UID 8 BODY[] "")\r\n'], b"OK", "nothing in place"),
        ([b"* 2 FETCH (UID 8 BODY[] {9}\r\nb)\r\n"], b"OK", "did not give all"),
        ([b"* 2 FETCH (UID 8 BODY[] {1}\r\nb\r\n"], b"OK", "cannot be read"),
    ],
)
def test_no_copy_without_the_whole_message(responses: list[bytes], status: bytes, why: str) -> None:
    archive, at = FakeArchive(), server()
    at.answers[r"UID FETCH 8 \(UID BODY.*"] = (responses, status)
    with pytest.raises(Unfulfilled, match=why):
        copied(archive, at, b"8")
    assert archive.kept == {}
    assert archive.open == 0


def test_a_text_in_quotes() -> None:
    archive, at = FakeArchive(), server()
    at.answers[r"UID FETCH 8 \(UID BODY.*"] = ([b'* 2 FETCH (UID 8 BODY[] "a\\"b")\r\n'], b"OK")
    copied(archive, at, b"8")
    assert list(archive.kept.values()) == [b'a"b']


def test_an_empty_message_is_one() -> None:
    archive = FakeArchive()
    assert copied(archive, ArchiveServer({1: (DELETED, b"")}), b"1").value == [1]
    assert list(archive.kept.values()) == [b""]


@pytest.mark.parametrize(
    "responses",
    [
        [b"* 2 FETCH (RFC822.SIZE 1)\r\n"],
        [b"* 2 FETCH (UID 8 RFC822.SIZE 1\r\n"],
        [b"* 2 FETCH (UID x RFC822.SIZE 1)\r\n"],
    ],
)
def test_no_copy_of_what_has_no_name(responses: list[bytes]) -> None:
    at = server()
    at.answers[r"UID FETCH .*SIZE\)"] = (responses, b"OK")
    with pytest.raises(Unfulfilled):
        copied(FakeArchive(), at)
    assert len(at.heard) == 2


@pytest.mark.parametrize("broken", ["full", "shut"])
def test_a_broken_disk(broken: str) -> None:
    archive = FakeArchive()
    setattr(archive, broken, True)
    with pytest.raises(MemoryFailed):
        copied(archive, server())
    assert archive.open == 0

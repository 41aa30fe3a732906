"""EXPUNGE, UID EXPUNGE and CLOSE take only what is in the archive."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailproxy.events import ArchiveFailed, Event
from mailproxy.guards.archive_imap import MOST, ToArchive
from mailproxy.guards.asking import Offers, Unfulfilled
from mailproxy.guards.selected import Selected
from mailproxy.session.guard import Forward, Local, Outcome
from mailproxy.session.verdict import Facts
from tests.guards.archive_server import CAPABILITIES, DELETED, ArchiveServer
from tests.guards.archiving import Driven, FakeArchive, drive
from tests.guards.driving import command

HERE = Selected(b"INBOX", False)
COMMANDS = ("a EXPUNGE", "a UID EXPUNGE 1:*", "a CLOSE")


def server(**more: str) -> ArchiveServer:
    texts = {2: b"two", 3: b"three", 7: b"seven", 9: b"nine"}
    return ArchiveServer({uid: ("" if uid == 3 else DELETED, text) for uid, text in texts.items()}, **more)


class Scene:
    """One session that archives; whatever happens, nothing is lost."""

    def __init__(self, server: ArchiveServer, archive: FakeArchive) -> None:
        self.server = server
        self.archive = archive
        self.events: list[Event] = []
        facts = Facts("imap", upstream="main", user="aiko", mailbox="INBOX")
        offers = Offers(frozenset)
        self.guard = ToArchive(offers, archive, facts, self.events.append, lambda: 5.0)
        self._before = {text for _, text in server.messages.values()}

    def run(self, text: str, here: Selected = HERE) -> Driven[Outcome]:
        try:
            driven = drive(self.guard.archive_expunge(command(text), here, "archive-all"), self.server)
            if isinstance(driven.value, Forward):
                sent = driven.value.command
                assert sent is not None, "the command itself would take what happens to be marked"
                self.server.forwarded(sent.line)
        finally:
            left = {text for _, text in self.server.messages.values()}
            assert left | set(self.archive.kept.values()) >= self._before
            assert self.archive.open == 0
        return driven


@pytest.mark.parametrize("text", COMMANDS)
def test_what_goes_is_in_the_archive(text: str) -> None:
    scene = Scene(server(), FakeArchive())
    driven = scene.run(text)
    assert set(scene.archive.kept.values()) == {b"two", b"seven", b"nine"}
    assert list(scene.server.messages) == [3]
    assert isinstance(driven.value, Forward)
    assert driven.value.command is not None
    expected = b"a UNSELECT\r\n" if text == "a CLOSE" else b"a UID EXPUNGE 2,7,9\r\n"
    assert driven.value.command.line == expected
    assert driven.value.command.verb == expected[2:].decode().rstrip(" 0123456789,\r\n")
    assert scene.events == []


def test_a_set_limits_it() -> None:
    scene = Scene(server(), FakeArchive())
    scene.run("a UID EXPUNGE 7:8")
    assert list(scene.archive.kept.values()) == [b"seven"]
    assert list(scene.server.messages) == [2, 3, 9]


@pytest.mark.parametrize("text", COMMANDS)
def test_what_is_marked_meanwhile_stays(text: str) -> None:
    at = server()

    def marked_by_another_program() -> tuple[list[bytes], bytes]:
        at.messages[3] = (DELETED, b"three")
        return [b"* 1 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n"], b"OK"

    at.answers[r"UID FETCH 2 \(UID BODY.*"] = marked_by_another_program
    scene = Scene(at, FakeArchive())
    scene.run(text)
    assert list(at.messages) == [3]


def test_nothing_is_marked() -> None:
    scene = Scene(ArchiveServer({3: ("", b"three")}), FakeArchive())
    driven = scene.run("a EXPUNGE")
    assert driven.value == Local(b"a OK Nothing is to be expunged\r\n")
    closing = scene.run("a CLOSE").value
    assert isinstance(closing, Forward)


FAILURES = {
    r"UID SEARCH.*": ([], b"NO not now"),
    r"STATUS.*": ([], b"NO not now"),
    r"UID FETCH \S+ \(UID FLAGS INTERNALDATE.*": ([], b"BAD not now"),
    r"UID FETCH 7 \(UID BODY.*": ([], b"NO not now"),
}


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("pattern", FAILURES)
def test_a_server_that_fails(text: str, pattern: str) -> None:
    at = server()
    at.answers[pattern] = FAILURES[pattern]
    refused(Scene(at, FakeArchive()), text, "not now")


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize(
    "status",
    [
        [],
        [b'* STATUS "INBOX" (UIDNEXT 4)\r\n'],
        [b"* STATUS a (UIDVALIDITY 1)\r\n", b"* STATUS b (UIDVALIDITY 2)\r\n"],
    ],
)
def test_no_uidvalidity(text: str, status: Sequence[bytes]) -> None:
    at = server()
    at.answers[r"STATUS.*"] = (list(status), b"OK")
    refused(Scene(at, FakeArchive()), text, "UIDVALIDITY")


@pytest.mark.parametrize("broken", ["server", "disk"])
def test_flags_that_changed_are_told_although_nothing_is_expunged(broken: str) -> None:
    at, archive = server(), FakeArchive()
    at.messages[7] = (f"{DELETED} \\Flagged", b"seven")  # by another program; the client was not told yet
    if broken == "server":
        at.answers[r"UID FETCH 2 \(UID BODY.*"] = ([], b"NO not now")
    archive.full = broken == "disk"
    guard = Scene(at, archive).guard
    passed: list[bytes] = []
    with pytest.raises(Unfulfilled):
        drive(guard.archive_expunge(command("a EXPUNGE"), HERE, ""), at, passed=passed)
    assert b"* 3 FETCH (UID 7 FLAGS (\\Deleted \\Flagged))\r\n" in passed


@pytest.mark.parametrize("text", COMMANDS)
def test_no_uidplus(text: str) -> None:
    refused(Scene(server(capabilities="IMAP4REV1 UNSELECT"), FakeArchive()), text, "UIDPLUS")


@pytest.mark.parametrize("text", COMMANDS)
def test_a_mailbox_whose_name_cannot_be_quoted(text: str) -> None:
    scene = Scene(server(), FakeArchive())
    refused(scene, text, "quoted", Selected(b"a\nb", False))


@pytest.mark.parametrize("text", COMMANDS)
def test_too_many_at_once(text: str) -> None:
    at = server()
    at.answers[r"UID SEARCH.*"] = ([b'* ESEARCH (TAG "P1") UID ALL 1:%d\r\n' % (MOST + 1)], b"OK")
    refused(Scene(at, FakeArchive()), text, "too many")


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("broken", ["full", "shut"])
def test_a_broken_disk(text: str, broken: str) -> None:
    archive = FakeArchive()
    setattr(archive, broken, True)
    refused(Scene(server(), archive), text, "the archive of this proxy takes no message", why="disk")


def refused(scene: Scene, text: str, told: str, here: Selected = HERE, why: str = "") -> None:
    """Nothing is expunged, and the operator hears ``why``; only CLOSE comes to its end."""
    if text == "a CLOSE":
        driven = scene.run(text, here)
        assert isinstance(driven.value, Forward)
        assert driven.value.command is not None
        assert driven.value.command.verb == "UNSELECT"
    else:
        with pytest.raises(Unfulfilled, match=told):
            scene.run(text, here)
    assert list(scene.server.messages) == [2, 3, 7, 9]
    assert not [line for line in scene.server.heard if "EXPUNGE" in line]
    (event,) = scene.events
    assert isinstance(event, ArchiveFailed)
    assert event.mailbox in ("INBOX", "a\nb")
    assert (why or told) in event.why


def test_long_sets_go_in_pieces() -> None:
    many = {uid: (DELETED, b"%d" % uid) for uid in range(10_001, 14_001, 2)}
    scene = Scene(ArchiveServer(many), FakeArchive())
    driven = scene.run("a EXPUNGE")
    assert scene.server.messages == {}
    assert len(scene.archive.kept) == len(many)
    assert max(map(len, driven.asked)) < 8000
    assert sum(b"EXPUNGE" in line for line in driven.asked) == 1
    news = {(b"FLAGS" in line, line.endswith(b"EXPUNGE\r\n")) for line in driven.passed}
    assert news == {(True, False), (False, True)}


def test_without_unselect_the_mailbox_is_examined_first() -> None:
    at = server(capabilities=CAPABILITIES.replace(" UNSELECT", ""))
    scene = Scene(at, FakeArchive())
    driven = drive(scene.guard.archive_expunge(command("a CLOSE"), HERE, ""), at)
    assert driven.value == Forward()
    assert driven.asked[-2:] == [b"UID EXPUNGE 2,7,9", b'EXAMINE "INBOX"']

"""What clients ask of mailboxes beyond the capture."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.imap_mailboxes import derived_list, derived_open, derived_status, fits
from mailproxy.player.imap_search import NotKnown
from mailproxy.player.imap_selected import Selected
from mailproxy.player.imap_world import World
from mailproxy.player.pieces import joined
from mailproxy.player.terms import Memory
from tests.player.recording import recorded

SESSION = """
S: * PREAUTH hi
C: a LIST "" Work/%
S: * LIST (\\HasNoChildren) "/" Work/One
S: a OK
C: b STATUS Work/One (MESSAGES UIDNEXT)
S: * STATUS Work/One (MESSAGES 5 UIDNEXT 9)
S: b OK
C: c SELECT Sent
S: * FLAGS (\\Seen)
S: * 2 EXISTS
S: * OK [UNSEEN 1] first
S: * OK [UIDVALIDITY 33] valid
S: * OK [UIDNEXT 30] next
S: c OK
C: d FETCH 1:* (UID FLAGS)
S: * 1 FETCH (UID 3 FLAGS ())
S: * 2 FETCH (UID 4 FLAGS (\\Seen))
S: d OK
"""


@pytest.fixture
def world(store: BodyStore) -> World:
    return World(recorded("imap", SESSION, store))


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (b'"" *', [b"Work/One", b"INBOX", b"Sent"]),
        (b'"" %', [b"INBOX", b"Sent"]),
        (b'"Work/" %', [b"Work/One"]),
        (b'"" inbox', [b"INBOX"]),
        (b'"" S*t', [b"Sent"]),
        (b'"" None', []),
    ],
)
def test_lists(world: World, args: bytes, names: list[bytes]) -> None:
    lines = [joined([line]) for line in derived_list(world, "LIST", args)]
    assert [line.split()[-1].strip(b'"') for line in lines] == names


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (b"Sent (MESSAGES UNSEEN)", b"* STATUS Sent (MESSAGES 2 UNSEEN 1)\r\n"),
        (b'"Sent" (uidvalidity UIDNEXT)', b'* STATUS "Sent" (UIDVALIDITY 33 UIDNEXT 30)\r\n'),
        (b"Work/One (MESSAGES)", b"* STATUS Work/One (MESSAGES 5)\r\n"),
    ],
)
def test_counts(world: World, args: bytes, answer: bytes) -> None:
    assert joined(derived_status(world, args, Memory())) == answer


@pytest.mark.parametrize("args", [b"Work/One (UNSEEN)", b"Other (MESSAGES)", b"Sent ()", b"Sent", b""])
def test_counts_that_nobody_knows(world: World, args: bytes) -> None:
    with pytest.raises(NotKnown):
        derived_status(world, args, Memory())


def test_what_a_client_removed_is_not_counted(world: World) -> None:
    memory = Memory(expunged={("Sent", 3)})
    assert joined(derived_status(world, b"Sent (MESSAGES UNSEEN)", memory)).endswith(
        b"(MESSAGES 1 UNSEEN 0)\r\n"
    )


def test_opening_tells_what_is_there_now(world: World) -> None:
    (last,) = world.box("Sent").opened
    selected = Selected("Sent", last.view, last.after, Memory(expunged={("Sent", 3)}), read_only=False)
    lines = joined(derived_open(last, selected)).splitlines()
    assert lines == [
        b"* FLAGS (\\Seen)",
        b"* OK [UIDVALIDITY 33] valid",
        b"* OK [UIDNEXT 30] next",
        b"* 1 EXISTS",
        b"* 0 RECENT",
    ]


def test_opening_an_empty_mailbox_that_never_was_open() -> None:
    lines = joined(derived_open(None, Selected("x", [], 0, Memory(), read_only=False))).splitlines()
    assert lines[-2:] == [b"* 0 EXISTS", b"* 0 RECENT"]
    assert lines[0].startswith(b"* FLAGS ")
    assert lines[1].startswith(b"* OK [UIDVALIDITY ")


@pytest.mark.parametrize(
    ("pattern", "name", "delimiter", "does"),
    [
        (b"*", b"a.b", b".", True),
        (b"%", b"a.b", b".", False),
        (b"%.%", b"a.b", b".", True),
        (b"a[b", b"a[b", b".", True),
        (b"a", b"ab", b".", False),
        (b"*" * 500 + b"x", b"a" * 500, b".", True),
    ],
)
def test_patterns(pattern: bytes, name: bytes, delimiter: bytes, does: bool) -> None:
    assert fits(pattern, name, delimiter) is does

"""All that a recorded IMAP session says."""

from __future__ import annotations

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.imap_world import World, initial_flags
from mailproxy.player.pieces import joined
from tests.player.recording import recorded

START = "S: * PREAUTH x\nC: a SELECT INBOX\nS: * 3 EXISTS\nS: a OK\n"


def world(store: BodyStore, talk: str) -> World:
    return World(recorded("imap", START + talk, store))


def uids(found: World) -> list[int]:
    return [message.uid for message in found.box("INBOX").opened[0].view]


def test_uids_told_by_fetch_and_by_search(store: BodyStore) -> None:
    assert uids(world(store, "C: b FETCH 2 UID\nS: * 2 FETCH (UID 20)\nS: b OK\n")) == [1, 20, 21]
    assert uids(world(store, "C: b UID SEARCH ALL\nS: * SEARCH 9 5 7\nS: b OK\n")) == [5, 7, 9]
    assert uids(world(store, "C: b UID SEARCH SEEN\nS: * SEARCH 9 5 7\nS: b OK\n")) == [1, 2, 3]
    assert uids(world(store, "C: b FETCH 3 UID\nS: * 3 FETCH (UID 2)\nS: b OK\n")) == [1, 0, 2]


def test_a_message_is_the_same_in_every_view(store: BodyStore) -> None:
    talk = "C: b FETCH 3 UID\nS: * 3 FETCH (UID 8)\nS: b OK\nC: c EXAMINE INBOX\nS: * 1 EXISTS\nS: c OK\n"
    talk += "C: d UID FETCH 8 RFC822.SIZE\nS: * 1 FETCH (UID 8 RFC822.SIZE 77)\nS: d OK\n"
    first, second = world(store, talk).box("INBOX").opened
    assert first.view[2].facts is second.view[0].facts
    assert joined(first.view[2].facts.items[b"RFC822.SIZE"].sent) == b"77"


def test_views_change_with_what_the_server_tells(store: BodyStore) -> None:
    talk = "C: b NOOP\nS: * 2 EXPUNGE\nS: * 3 EXISTS\nS: b OK\nC: c NOOP\nS: c OK\n"
    found = world(store, talk)
    one, other = (found.script.take(("NOOP", "INBOX")) for _ in range(2))
    assert one is not None
    assert other is not None
    assert len(one.effects) == 2
    assert one.before != one.after == other.before == other.after


def test_flags_as_they_were_first(store: BodyStore) -> None:
    talk = "C: b FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS (x))\nS: b OK\n"
    talk += "C: c STORE 1 +FLAGS.SILENT (y)\nS: c OK\n"
    found = world(store, talk)
    facts = found.box("INBOX").opened[0].view[0].facts
    assert initial_flags(facts) == {b"x"}
    assert facts.flags == {b"x", b"y"}
    assert initial_flags(found.box("INBOX").opened[0].view[1].facts) is None


def test_numbers_that_nobody_believes(store: BodyStore) -> None:
    talk = "C: b NOOP\nS: * 4000000000 EXISTS\nS: * 99 EXPUNGE\nS: * 0 EXPUNGE\n"
    talk += "S: * 4000000000 FETCH (UID 1)\nS: b OK\n"
    played = world(store, talk).script.take(("NOOP", "INBOX"))
    assert played is not None
    assert played.effects == []


def test_vanished(store: BodyStore) -> None:
    talk = "C: b UID SEARCH ALL\nS: * SEARCH 5 7 9\nS: b OK\n"
    talk += "C: c NOOP\nS: * VANISHED 5:8\nS: * VANISHED x\nS: c OK\n"
    played = world(store, talk).script.take(("NOOP", "INBOX"))
    assert played is not None
    assert len(played.effects) == 1


def test_mailboxes_and_their_counts(store: BodyStore) -> None:
    talk = 'C: b LIST "" *\nS: * LIST () "/" {1}\nS: a\nS: b OK\n'.replace("{1}\nS: a\n", '"a"\n')
    talk += "C: c STATUS &AOQ- (MESSAGES)\nS: * STATUS &AOQ- (MESSAGES 4 X 5)\nS: c OK\n"
    found = world(store, talk)
    assert found.lists == {b"a": b'* LIST () "/" "a"\r\n'}
    assert found.box("ä").status == {b"MESSAGES": b"4", b"X": b"5"}


def test_a_failed_select(store: BodyStore) -> None:
    found = world(store, "C: b SELECT x\nS: b NO\nC: c NOOP\nS: c OK\n")
    assert "x" not in found.boxes
    assert ("NOOP", "") in found.script

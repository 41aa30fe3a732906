"""A mailbox that a client has opened."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_items import Value
from mailproxy.player.imap_selected import CHANGED, NOT_ALL, Selected
from mailproxy.player.imap_world import Arrived, Facts, Flagged, Gone, Message
from mailproxy.player.pieces import joined
from mailproxy.player.terms import Memory

VERSION = 4


def message(uid: int, flags: bytes | None = b"()") -> Message:
    items = {} if flags is None else {b"FLAGS": Value((flags,))}
    return Message(uid, Facts(items))


@pytest.fixture
def view() -> list[Message]:
    return [message(5), message(7, b"(\\Deleted)"), message(9, None)]


def opened(view: list[Message], memory: Memory | None = None, *, read_only: bool = False) -> Selected:
    return Selected("m", view, VERSION, memory or Memory(), read_only=read_only)


def test_what_the_capture_did_is_followed(view: list[Message]) -> None:
    box, new = opened(view), message(11)
    box.follow([Gone(1), Arrived([new]), Flagged(view[2], frozenset(), frozenset({b"x"}))], 5)
    assert box.view == [view[1], view[2], new]
    assert box.flags(view[2]) == {b"x"}
    box.follow([Gone(uids=[(7, 9)])], 6)
    assert (box.view, box.version) == ([new], 6)


def test_when_a_recorded_answer_fits(view: list[Message]) -> None:
    box = opened(view)
    assert box.fits(VERSION, [])
    assert not box.fits(VERSION + 1, [])
    assert box.fits(VERSION, [Gone(2)])
    assert not box.fits(VERSION, [Gone(1)]), "it is not marked"
    assert not box.fits(VERSION, [Gone(2), Gone(1)])
    assert box.fits(VERSION, [Gone(3), Gone(2)]), "nobody knows the flags of the third one"
    seen = Flagged(view[0], frozenset(), frozenset({b"\\Seen"}))
    assert box.fits(VERSION, [seen])
    box.store(b"1 +FLAGS (x)", by_uid=False)
    assert not box.fits(VERSION, [seen])


def test_what_was_changed_is_remembered_for_the_next_one(view: list[Message]) -> None:
    memory = Memory()
    first = opened(view, memory)
    first.store(b"5 +FLAGS (\\Deleted)", by_uid=True)
    assert joined(first.expunge(b"5")) == b"* 1 EXPUNGE\r\n"
    assert first.version == CHANGED
    first.store(b"1 FLAGS (y)", by_uid=False)
    second = opened(view, memory)
    assert second.view == view[1:]
    assert second.version == CHANGED
    assert second.flags(view[1]) == {b"y"}


def test_reading_marks_as_seen(view: list[Message]) -> None:
    view[0].facts.items[b"BODY[]"] = Value.of(b"x")
    box = opened(view)
    said, final = box.fetch(b"1 BODY[]", by_uid=False)
    assert joined(said) == b"* 1 FETCH (BODY[] {1}\r\nx FLAGS (\\Seen))\r\n"
    assert final.startswith(b"OK")
    said, _ = box.fetch(b"1 (FLAGS BODY[])", by_uid=False)
    assert joined(said) == b"* 1 FETCH (FLAGS (\\Seen) BODY[] {1}\r\nx)\r\n"


def test_examining_does_not(view: list[Message]) -> None:
    view[0].facts.items[b"BODY[]"] = Value.of(b"x")
    said, _ = opened(view, read_only=True).fetch(b"1 BODY[]", by_uid=False)
    assert joined(said) == b"* 1 FETCH (BODY[] {1}\r\nx)\r\n"


def test_what_is_known_is_told_and_what_is_not_is_said(view: list[Message]) -> None:
    said, final = opened(view).fetch(b"1:* FLAGS", by_uid=True)
    assert joined(said).count(b"FETCH") == 2
    assert final == NOT_ALL


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (b"RETURN () UID 7", b'* ESEARCH (TAG "t") UID ALL 7\r\n'),
        (b"RETURN (MIN MAX COUNT ALL) UID 1:8", b'* ESEARCH (TAG "t") UID COUNT 2 MIN 5 MAX 7 ALL 5,7\r\n'),
        (b"RETURN (COUNT MIN) UID 1", b'* ESEARCH (TAG "t") UID COUNT 0\r\n'),
        (b"ALL", b"* SEARCH 5 7 9\r\n"),
        (b"UID 1", b"* SEARCH\r\n"),
    ],
)
def test_searches(view: list[Message], args: bytes, answer: bytes) -> None:
    assert opened(view).search(args, by_uid=True, tag=b"t") == answer


def test_moving(view: list[Message]) -> None:
    box = opened(view)
    assert joined(box.moved(b"1:2 other", by_uid=False)) == b"* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n"
    assert box.view == view[2:]


@pytest.mark.parametrize("args", [b"", b"1", b"x FLAGS", b"4 FLAGS", b"1:4 FLAGS", b"0 FLAGS"])
def test_what_cannot_be_fetched(view: list[Message], args: bytes) -> None:
    with pytest.raises(ValueError, match=r"expected|set of|that number"):
        opened(view).fetch(args, by_uid=False)

"""A selected mailbox, as one session sees it while others change it."""

from __future__ import annotations

import pytest

from mailproxy.demo.imap_selected import Selected, flag_name
from mailproxy.demo.imap_words import Malformed, Word, words
from mailproxy.demo.mailbox import DELETED, SEEN, Mailbox

A, B, C = (f"Subject: {name}\r\n\r\n{name}\r\n".encode() for name in "abc")


@pytest.fixture
def mailbox() -> Mailbox:
    mailbox = Mailbox([b"old", A, B, C])
    mailbox.remove(mailbox.messages[:1])  # so that uids are not numbers
    return mailbox


@pytest.fixture
def selected(mailbox: Mailbox) -> Selected:
    return Selected(mailbox, read_only=False)


def said(line: str) -> list[Word]:
    return words([line.encode()])


def test_numbers_stay_until_the_client_is_told(mailbox: Mailbox, selected: Selected) -> None:
    first, _, last = mailbox.messages
    mailbox.remove([first, last])
    mailbox.append(b"new")
    mailbox.messages[0].flags.add(SEEN)
    assert [message.uid for _, message in selected.pick(b"1:3", by_uid=False)] == [2, 3, 4]
    assert selected.news() == b"* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 2 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n"
    assert selected.news() == b"", "it is told once"
    assert [message.uid for _, message in selected.pick(b"1:*", by_uid=False)] == [3, 5]


@pytest.mark.parametrize(
    ("numbers", "by_uid", "found"),
    [(b"2", False, [2]), (b"*", False, [3]), (b"3:*", True, [2, 3]), (b"1,99", True, [])],
)
def test_sets(selected: Selected, numbers: bytes, by_uid: bool, found: list[int]) -> None:
    assert [number for number, _ in selected.pick(numbers, by_uid)] == found


@pytest.mark.parametrize("numbers", [b"0", b"4", b"2:9"])
def test_numbers_that_never_were(selected: Selected, numbers: bytes) -> None:
    with pytest.raises(Malformed, match="no message has that number"):
        selected.pick(numbers, by_uid=False)


def test_fetching_marks_as_seen_and_says_so_once(selected: Selected) -> None:
    fetched = list(selected.fetch(said("1 BODY[TEXT]"), by_uid=False))
    assert fetched == [b"* 1 FETCH (BODY[TEXT] {3}\r\na\r\n FLAGS (\\Seen))\r\n"]
    (again,) = selected.fetch(said("1 BODY[TEXT]"), by_uid=False)
    assert b"FLAGS" not in again
    assert selected.news() == b""


def test_flags_are_said_once_where_they_were_asked_for(selected: Selected) -> None:
    (line,) = selected.fetch(said("2 (flags BODY[TEXT])"), by_uid=False)
    assert line.count(b"FLAGS") == 1
    assert b"\\Seen" in line


def test_a_fetch_by_uid_says_the_uid(selected: Selected) -> None:
    assert list(selected.fetch(said("3 FLAGS"), by_uid=True)) == [b"* 2 FETCH (UID 3 FLAGS ())\r\n"]
    assert list(selected.fetch(said("3 (uid)"), by_uid=True)) == [b"* 2 FETCH (UID 3)\r\n"]


def test_who_only_looks_changes_nothing(mailbox: Mailbox) -> None:
    looking = Selected(mailbox, read_only=True)
    list(looking.fetch(said("1 BODY[]"), by_uid=False))
    assert mailbox.messages[0].flags == set()


@pytest.mark.parametrize(
    ("arguments", "by_uid", "reply", "flags"),
    [
        ("1 +FLAGS (\\deleted)", False, b"* 1 FETCH (FLAGS (\\Deleted \\Seen))\r\n", {DELETED, SEEN}),
        (
            "1 +FLAGS \\Deleted $x",
            False,
            b"* 1 FETCH (FLAGS ($x \\Deleted \\Seen))\r\n",
            {"$x", DELETED, SEEN},
        ),
        ("1 -FLAGS (\\Seen)", False, b"* 1 FETCH (FLAGS ())\r\n", set()),
        ("2 FLAGS (\\Draft)", True, b"* 1 FETCH (UID 2 FLAGS (\\Draft))\r\n", {"\\Draft"}),
        ("1 flags.silent (\\Draft)", False, b"", {"\\Draft"}),
    ],
)
def test_storing(mailbox: Mailbox, arguments: str, by_uid: bool, reply: bytes, flags: set[str]) -> None:
    mailbox.messages[0].flags.add(SEEN)
    selected = Selected(mailbox, read_only=False)
    assert selected.store(said(arguments), by_uid) == reply
    assert mailbox.messages[0].flags == flags
    assert selected.news() == b"", "the client knows"


def test_nothing_else_is_stored(selected: Selected) -> None:
    with pytest.raises(Malformed, match="STORE takes FLAGS"):
        selected.store(said("1 LABELS (x)"), by_uid=False)


def test_searching(selected: Selected) -> None:
    assert selected.search(said("SUBJECT b"), by_uid=False) == b"* SEARCH 2\r\n"
    assert selected.search(said("SUBJECT b"), by_uid=True) == b"* SEARCH 3\r\n"
    assert selected.search(said("SUBJECT z"), by_uid=True) == b"* SEARCH\r\n"


@pytest.mark.parametrize(("uids", "left"), [(None, [3]), (b"2", [3, 4]), (b"3", [2, 3, 4]), (b"2:4", [3])])
def test_only_what_is_marked_is_removed(
    mailbox: Mailbox, selected: Selected, uids: bytes | None, left: list[int]
) -> None:
    selected.store(said("1,3 +FLAGS (\\Deleted)"), by_uid=False)
    selected.expunge(uids)
    assert [message.uid for message in mailbox.messages] == left


def test_copies_keep_what_they_are(mailbox: Mailbox, selected: Selected) -> None:
    target = Mailbox(uid_validity=42)
    mailbox.messages[0].flags.add(SEEN)
    picked = selected.pick(b"1:2", by_uid=False)
    assert selected.copy(picked, target) == b"[COPYUID 42 2,3 1,2] "
    assert [message.octets for message in target.messages] == [A, B]
    assert target.messages[0].flags == {SEEN}
    assert target.messages[0].arrived == mailbox.messages[0].arrived
    assert selected.copy([], target) == b""


@pytest.mark.parametrize(("word", "name"), [(b"\\SEEN", "\\Seen"), (b"$Junk", "$Junk"), (b"NoteD", "NoteD")])
def test_flag_names(word: bytes, name: str) -> None:
    assert flag_name(word) == name

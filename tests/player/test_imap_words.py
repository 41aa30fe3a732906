"""What two writings of one IMAP command have in common."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_words import key_of, mailbox_of, ranges, words, written


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (b"", ()),
        (b'a "b c" (d "\\"e") {3}\r\nf g h', (b"a", b"b c", b"(", b"d", b'"e', b")", b"f g", b"h")),
        (b"BODY[HEADER.FIELDS (A B)]<0.5>", (b"BODY[HEADER.FIELDS (A B)]<0.5>",)),
        (b"{9}\r\nx", (b"x",)),
        (b'a "b', (b"a", b'"b')),
        (b"BODY[", (b"BODY[",)),
        (b"{x}", (b"{x}",)),
    ],
)
def test_words(args: bytes, found: tuple[bytes, ...]) -> None:
    assert words(args) == found


@pytest.mark.parametrize(
    ("verb", "one", "other", "same"),
    [
        ("SELECT", b"inbox", b'"INBOX"', True),
        ("SELECT", b"{5}\r\nINBOX", b"INBOX", True),
        ("SELECT", b"a", b"A", False),
        ("FETCH", b"1 (flags)", b"1 (FLAGS)", True),
        ("FETCH", b"1 FLAGS", b"2 FLAGS", False),
        ("STATUS", b"a (UIDNEXT MESSAGES)", b'"a" (messages uidnext)', True),
        ("LIST", b'"" %', b'"" "%"', True),
        ("ID", b"NIL", b'("name" "x")', True),
        ("APPEND", b"a (\\Seen) {3}", b"a {5+}", True),
        ("APPEND", b"a {3}", b"b {3}", False),
    ],
)
def test_commands_that_mean_the_same(verb: str, one: bytes, other: bytes, same: bool) -> None:
    assert (key_of(verb, one, "m") == key_of(verb, other, "m")) is same


def test_what_depends_on_the_open_mailbox() -> None:
    assert key_of("FETCH", b"1 UID", "a") != key_of("FETCH", b"1 UID", "b")
    assert key_of("SELECT", b"x", "a") == key_of("SELECT", b"x", "b")
    assert key_of("LIST", b"x", "a") == key_of("LIST", b"x", "b")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"1", [(1, 1)]),
        (b"5:2,3,9:*,*", [(2, 5), (9, 20)]),
        (b"25:*", [(20, 25)]),
        (b"1," * 1000 + b"2", [(1, 2)]),
    ],
)
def test_sets(text: bytes, found: list[tuple[int, int]]) -> None:
    assert ranges(text, 20) == found


@pytest.mark.parametrize("text", [b"", b"0", b"1:2:3", b"a", b"1,", b"99999999999", b"-1", b"1 "])
def test_what_is_no_set(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a set"):
        ranges(text, 20)


def test_sets_are_written() -> None:
    assert written([3, 1, 2, 9]) == b"1:3,9"


def test_mailboxes() -> None:
    assert mailbox_of(b'"inbox" (CONDSTORE)') == "INBOX"
    assert mailbox_of(b"Entw&APw-rfe") == "Entwürfe"
    assert mailbox_of(b"(") == ""

"""What is told as different, and in which order."""

from __future__ import annotations

from collections import Counter

import pytest

from mailproxy.capture.difference import Kind, differences
from mailproxy.capture.profile import Folder, Mailbox, Profile, Seen

PLAIN: frozenset[str] = frozenset()


def imap(**facts: object) -> Profile:
    return Profile("imap", **facts)  # type: ignore[arg-type]


CASES = [
    (
        "UIDLs",
        Profile("pop3", uidls={1: "a", 2: "b"}, octets={1: 5, 2: 6}),
        Profile("pop3", uidls={1: "x", 2: "b"}, octets={1: 5, 2: 7}),
        [(Kind.UIDL, "message 1", "a", "x"), (Kind.SIZE, "message 2", "6", "7")],
    ),
    (
        "a message is gone",
        Profile("pop3", uidls={1: "a", 2: "b"}),
        Profile("pop3", uidls={1: "b", 2: "c"}),
        [(Kind.GONE, "message 1", "a", ""), (Kind.NEW, "message 2", "", "c")],
    ),
    ("no list", Profile("pop3", uidls={1: "a"}), Profile("pop3"), []),
    (
        "mailboxes",
        imap(mailboxes={"INBOX": Mailbox(5, 10, 3, {1: 9}), "x": Mailbox(1, 9, 1, {4: 1})}),
        imap(mailboxes={"INBOX": Mailbox(6, 4, 2, {1: 8}), "x": Mailbox(1, 8, None, {4: 2})}),
        [
            (Kind.UIDVALIDITY, "INBOX", "5", "6"),
            (Kind.UID, "UIDNEXT of x", "9", "8"),
            (Kind.GONE, "messages in INBOX", "3", "2"),
            (Kind.SIZE, "UID 4 in x", "1", "2"),
        ],
    ),
    (
        "UIDs and contents",
        imap(mailboxes={"x": Mailbox(1)}, seen=[Seen(0, "x", 4, "<m>", "d1")]),
        imap(mailboxes={"x": Mailbox(1)}, seen=[Seen(0, "x", 5, "<m>", "d2")]),
        [(Kind.UID, "<m> in x", "4", "5"), (Kind.CONTENT, "<m>", "sha256 d1", "sha256 d2")],
    ),
    (
        "statuses",
        imap(statuses={"MOVE": Counter(OK=3), "NOOP": Counter(NO=1), "X": Counter(OK=1)}),
        imap(statuses={"MOVE": Counter(OK=1, BAD=2), "NOOP": Counter(OK=1)}),
        [
            (Kind.REFUSED, "MOVE", "OK 3×", "BAD 2×, OK 1×"),
            (Kind.STATUS, "NOOP", "NO 1×", "OK 1×"),
            (Kind.USED, "X", "OK 1×", ""),
        ],
    ),
    (
        "capabilities",
        imap(capabilities={"before login": {"IDLE", "MOVE"}, "after login": {"X"}}),
        imap(capabilities={"before login": {"IDLE", "ID"}}),
        [(Kind.CAPABILITY_GONE, "before login", "MOVE", ""), (Kind.CAPABILITY_NEW, "before login", "", "ID")],
    ),
    (
        "folders",
        imap(folders={"a": Folder(".", PLAIN), "b": Folder(".", PLAIN)}),
        imap(folders={"b": Folder("/", frozenset({"\\sent"})), "c": Folder("/", PLAIN)}),
        [
            (Kind.SEPARATOR, "folders", ".", "/"),
            (Kind.FOLDER_GONE, "a", "listed", ""),
            (Kind.ATTRIBUTES, "b", "", "\\sent"),
            (Kind.FOLDER_NEW, "c", "", "listed"),
        ],
    ),
    (
        "texts",
        imap(greeting="* OK Cyrus 1", replies={("NOOP", "OK"): "OK done"}),
        imap(greeting="* OK Dovecot 2", replies={("NOOP", "OK"): "OK did"}),
        [
            (Kind.REPLY, "NOOP", "OK done", "OK did"),
            (Kind.GREETING, "greeting", "* OK Cyrus 1", "* OK Dovecot 2"),
        ],
    ),
    ("a greeting that always differs", imap(greeting="* OK <1@x>"), imap(greeting="* OK <2@x>"), []),
    (
        "much slower",
        imap(seconds={"NOOP": [0.01] * 3, "LIST": [0.01] * 3, "X": [0.001] * 3}),
        imap(seconds={"NOOP": [0.2] * 3, "LIST": [9.0] * 2, "X": [0.01] * 3}),
        [(Kind.TIME, "NOOP", "0.010 s", "0.200 s")],
    ),
]


@pytest.mark.parametrize(
    ("one", "other", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_differences(one: Profile, other: Profile, expected: list[tuple[Kind, str, str, str]]) -> None:
    found = [(each.kind, each.what, each.before, each.after) for each in differences(one, other)]
    assert found == expected


@pytest.mark.parametrize("profile", [some for case in CASES for some in case[1:3]])
def test_nothing_differs_from_itself(profile: Profile) -> None:
    assert differences(profile, profile) == []


def test_what_hurts_most_comes_first() -> None:
    order = [kind.name for kind in sorted(Kind, key=lambda kind: kind.rank)]
    assert order[:3] == ["UIDL", "UIDVALIDITY", "UID"]
    assert order[-1] == "TIME"

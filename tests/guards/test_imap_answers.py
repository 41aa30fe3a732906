"""What servers say to the questions of guards."""

from __future__ import annotations

import pytest

from mailproxy.guards import imap_answers as answers
from mailproxy.guards.imap_answers import Listed, Unreadable


@pytest.mark.parametrize(
    ("line", "mine"),
    [
        (b"* SEARCH 1 2\r\n", True),
        (b"* search\r\n", True),
        (b'* ESEARCH (TAG "P1") UID ALL 1:3\r\n', True),
        (b'* ESEARCH (TAG "c4") UID ADDTO (0 9)\r\n', False),
        (b'* ESEARCH (TAG "c4") UID REMOVEFROM (0 9)\r\n', False),
        (b"* SEARCHES 1\r\n", False),
        (b"* 4 EXISTS\r\n", False),
        (b"* OK SEARCH\r\n", False),
    ],
)
def test_answers_to_a_search(line: bytes, mine: bool) -> None:
    assert answers.of_search(line) is mine


@pytest.mark.parametrize(
    ("choose", "line", "mine"),
    [
        (answers.of_list, b'* LIST () "/" Trash\r\n', True),
        (answers.of_list, b'* LIST () "/" {5}\r\n', True),
        (answers.of_list, b'* LIST () "/" New ("OLDNAME" ("Old"))\r\n', False),
        (answers.of_list, b'* LSUB () "/" Trash\r\n', False),
        (answers.of_namespace, b'* NAMESPACE (("" "/")) NIL NIL\r\n', True),
        (answers.of_capability, b"* CAPABILITY IMAP4rev1\r\n", True),
        (answers.of_capability, b"* OK [CAPABILITY IMAP4rev1] hello\r\n", False),
        (answers.of_copyuid, b"* OK [COPYUID 1 2 3] Moved\r\n", True),
        (answers.of_copyuid, b"* OK [ALERT] careful\r\n", False),
        (answers.of_fetched_uid, b"* 5 FETCH (UID 42)\r\n", True),
        (answers.of_fetched_uid, b"* 5 FETCH (UID 42 FLAGS (\\Seen))\r\n", False),
    ],
)
def test_other_answers(choose, line: bytes, mine: bool) -> None:
    assert choose(line) is mine


@pytest.mark.parametrize(
    ("data", "ranges"),
    [
        (b"", ()),
        (b"* SEARCH\r\n", ()),
        (b"* SEARCH \r\n", ()),
        (b"* SEARCH 9 2 3\r\n", ((2, 3), (9, 9))),
        (b"* SEARCH 1\r\n* SEARCH 5 (MODSEQ 917)\r\n", ((1, 1), (5, 5))),
        (b'* ESEARCH (TAG "P3") UID\r\n', ()),
        (b'* ESEARCH (TAG "P3") UID ALL 5,1:3\r\n', ((1, 3), (5, 5))),
        (b'* ESEARCH (TAG "P3") UID COUNT 3 ALL 3:1\r\n', ((1, 3),)),
        (b"* esearch (tag P3) uid all 7 modseq 4\r\n", ((7, 7),)),
    ],
)
def test_found(data: bytes, ranges: tuple[tuple[int, int], ...]) -> None:
    assert answers.found(data).ranges == ranges


@pytest.mark.parametrize(
    "data",
    [
        b"* SEARCH x\r\n",
        b"* SEARCH 0\r\n",
        b"* SEARCH 1,2\r\n",
        b"* SEARCH 99999999999\r\n",
        b'* ESEARCH (TAG "P3") ALL 1\r\n',
        b"* ESEARCH UID ALL 1:*\r\n",
        b"* ESEARCH UID ALL\r\n",
        b"* ESEARCH UID ALL 1,\r\n",
        b"* ESEARCH UID ALL 0:3\r\n",
    ],
)
def test_what_cannot_be_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        answers.found(data)


def test_message_numbers_are_no_uids() -> None:
    assert answers.found(b'* ESEARCH (TAG "P3") ALL 1:4\r\n', uids=False).ranges == ((1, 4),)
    with pytest.raises(Unreadable):
        answers.found(b'* ESEARCH (TAG "P3") UID ALL 1:4\r\n', uids=False)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 0),
        (b"* SEARCH 4 5 9\r\n", 3),
        (b"* ESEARCH UID COUNT 17\r\n", 17),
        (b"* ESEARCH UID ALL 2:4\r\n", 3),
    ],
)
def test_counted(data: bytes, count: int) -> None:
    assert answers.counted(data) == count


def test_listed() -> None:
    data = (
        b'* LIST (\\HasNoChildren \\Trash) "/" "Deleted \\"Items\\""\r\n'
        b'* LIST (\\Noselect) "." INBOX.Trash\r\n'
        b"* LIST () NIL INBOX\r\n"
        b'* LIST () "/" {9}\r\na\r\nb\r\nfoo\r\n'
        b'* LIST () "\\\\" Old (CHILDINFO ("SUBSCRIBED"))\r\n'
        b'* LIST () "/" not(a)name\r\n'
        b"* LIST broken\r\n"
        b'* LIST () "/" Last\r\n'
    )
    found = answers.listed(data)
    assert found[0] == Listed(b'Deleted "Items"', b"/", frozenset({b"\\hasnochildren", b"\\trash"}))
    assert found[1] == Listed(b"INBOX.Trash", b".", frozenset({b"\\noselect"}))
    assert not found[1].selectable
    assert found[2] == Listed(b"INBOX")
    assert found[3].name == b"a\r\nb\r\nfoo"
    assert found[4] == Listed(b"Old", b"\\")
    assert found[-1] == Listed(b"Last", b"/")


def test_fetched_uid() -> None:
    assert answers.fetched_uid(b"* 5 FETCH (UID 42)\r\n") == b"42"
    with pytest.raises(Unreadable):
        answers.fetched_uid(b"")


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        (b"OK done\r\n", b"", b"done"),
        (b"NO [OVERQUOTA] full\r\n", b"OVERQUOTA", b"full"),
        (b"OK [HIGHESTMODSEQ 12]\r\n", b"HIGHESTMODSEQ 12", b""),
        (b"BAD\r\n", b"", b""),
        (b"", b"", b""),
    ],
)
def test_status_text(line: bytes, code: bytes, text: bytes) -> None:
    assert answers.status_text(line) == (code, text)

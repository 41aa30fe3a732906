"""The UIDVALIDITY of the mailbox that is meant, and of no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailproxy.guards.archive_validity import of_status, validity
from mailproxy.guards.asking import Unfulfilled
from tests.guards.archiving import Driven, drive


def asked(mailbox: bytes, *responses: bytes, status: bytes = b"OK") -> Driven[int]:
    def server(line: bytes) -> tuple[list[bytes], bytes]:
        assert line.startswith(b'STATUS "')
        return list(responses), status

    return drive(validity(mailbox), server)


@pytest.mark.parametrize(
    ("mailbox", "response"),
    [
        (b"INBOX", b"* STATUS INBOX (UIDVALIDITY 7)\r\n"),
        (b"inbox", b'* status "INBOX" (uidvalidity 7)\r\n'),
        (b"inbox.a", b"* STATUS INBOX.a (UIDVALIDITY 7)\r\n"),
        (b"a", b"* STATUS a (MESSAGES 5 UIDVALIDITY 7 UIDNEXT 9) \r\n"),
        (b"x UIDVALIDITY 5 y", b'* STATUS "x UIDVALIDITY 5 y" (UIDVALIDITY 7)\r\n'),
        (b"x (UIDVALIDITY 5)", b"* STATUS {17}\r\nx (UIDVALIDITY 5) (UIDVALIDITY 7)\r\n"),
        (b'a"\\', b'* STATUS "a\\"\\\\" (UIDVALIDITY 7)\r\n'),
        (b"&AOk-", b'* STATUS "\xc3\xa9" (UIDVALIDITY 7)\r\n'),
    ],
)
def test_told(mailbox: bytes, response: bytes) -> None:
    driven = asked(mailbox, response)
    assert (driven.value, driven.passed) == (7, [])


OTHERS = [
    b"* STATUS b (UIDVALIDITY 8)\r\n",
    b"* STATUS A (UIDVALIDITY 8)\r\n",
    b'* STATUS "a (UIDVALIDITY 8)" (MESSAGES 1)\r\n',
    b"* STATUS {2}\r\nab (UIDVALIDITY 8)\r\n",
    b"* 3 EXISTS\r\n",
]


@pytest.mark.parametrize("other", OTHERS)
def test_other_mailboxes_are_news_for_the_client(other: bytes) -> None:
    driven = asked(b"a", other, b"* STATUS a (UIDVALIDITY 7)\r\n", other)
    assert (driven.value, driven.passed) == (7, [other, other])


def test_another_name_of_the_same_length() -> None:
    assert asked(b"a", b"* STATUS {1}\r\nb (UIDVALIDITY 8)\r\n", b"* STATUS a (UIDVALIDITY 7)\r\n").value == 7


@pytest.mark.parametrize(
    "responses",
    [
        [],
        OTHERS,
        [b"* STATUS a (UIDNEXT 7)\r\n"],
        [b"* STATUS a (UIDVALIDITY 7)\r\n", b"* STATUS a (UIDVALIDITY 8)\r\n"],
        [b"* STATUS a(UIDVALIDITY 7)\r\n"],
        [b"* STATUS {1}\r\na"],
    ],
)
def test_not_told(responses: Sequence[bytes]) -> None:
    with pytest.raises(Unfulfilled, match="does not tell the UIDVALIDITY"):
        asked(b"a", *responses)


def test_refused() -> None:
    with pytest.raises(Unfulfilled, match="not now"):
        asked(b"a", status=b"NO not now")


def test_a_name_that_cannot_be_quoted() -> None:
    with pytest.raises(Unfulfilled, match="quoted"):
        asked(b"a\nb")


def test_inboxes_is_not_inbox() -> None:
    assert not of_status(b"Inboxes")(b"* STATUS INBOXES (UIDVALIDITY 7)\r\n")

"""Which messages a command would remove."""

from __future__ import annotations

import pytest

from mailproxy.guards.asking import LONGEST_SET, Unfulfilled
from mailproxy.guards.searching import marked, moved, sent_set, size
from mailproxy.proto.tokens import BadArguments
from tests.guards.driving import command
from tests.guards.test_asking import given


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a EXPUNGE", "UID SEARCH DELETED"),
        ("a CLOSE", "UID SEARCH DELETED"),
        ("a UID EXPUNGE 1:*", "UID SEARCH UID 1:* DELETED"),
        ("a UID EXPUNGE $", "UID SEARCH UID $ DELETED"),
    ],
)
def test_marked(text: str, asked: str) -> None:
    found = given(marked(command(text)), (asked, "* SEARCH 4 5 9|OK"))
    assert found.ranges == ((4, 5), (9, 9))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a MOVE 1:3 Trash", "SEARCH 1:3"),
        ("a MOVE $ Trash", "SEARCH $"),
        ("a UID MOVE 1,7:* Trash", "UID SEARCH UID 1,7:*"),
    ],
)
def test_moved(text: str, asked: str) -> None:
    assert given(moved(command(text)), (asked, "* SEARCH 1 3|OK")) == 2


def test_a_long_set_is_asked_for_in_pieces() -> None:
    numbers = [str(number) for number in range(10001, 12003, 2)]
    first, second = ",".join(numbers[:1000]), ",".join(numbers[1000:])
    assert len(first) < LONGEST_SET < len(first) + 6
    sent = f"a UID MOVE {first},{second} Trash"
    turns = [(f"UID SEARCH UID {first}", "* SEARCH 4 5|OK"), (f"UID SEARCH UID {second}", "* SEARCH 5 6|OK")]
    assert given(moved(command(sent)), *turns) == 3


@pytest.mark.parametrize(
    ("offers", "uids", "asked", "answer"),
    [
        (frozenset(), False, "SEARCH ALL", "* SEARCH 1 2 3"),
        (frozenset(), True, "UID SEARCH ALL", "* SEARCH 1 2 30"),
        (frozenset({"ESEARCH"}), True, "UID SEARCH RETURN (COUNT) ALL", '* ESEARCH (TAG "P1") UID COUNT 3'),
        (frozenset({"IMAP4REV2"}), False, "SEARCH RETURN (COUNT) ALL", '* ESEARCH (TAG "P1") COUNT 3'),
    ],
)
def test_size(offers: frozenset[str], uids: bool, asked: str, answer: str) -> None:
    assert given(size(offers, uids), (asked, answer + "|OK")) == 3


@pytest.mark.parametrize("answer", ["NO", "* SEARCH x|OK"])
def test_a_server_that_does_not_tell(answer: str) -> None:
    with pytest.raises(Unfulfilled):
        given(size(frozenset(), True), ("UID SEARCH ALL", answer))
    with pytest.raises(Unfulfilled):
        given(marked(command("a EXPUNGE")), ("UID SEARCH DELETED", answer))


@pytest.mark.parametrize("text", ["a UID EXPUNGE", "a UID EXPUNGE x", "a UID EXPUNGE 1 2", "a EXPUNGE"])
def test_a_command_without_a_set(text: str) -> None:
    with pytest.raises(BadArguments):
        sent_set(command(text))

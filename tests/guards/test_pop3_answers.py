"""Answers about a maildrop, in the words of RFC 1939."""

from __future__ import annotations

import pytest

from mailproxy.guards.maildrop import Listing, Maildrop
from mailproxy.guards.pop3_answers import answer_from, translated
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command


def command(line: bytes) -> Command:
    verb, _, args = line.partition(b" ")
    name = verb.decode()
    return Command(name, line + b"\r\n", args, VERBS[name])


def maildrop() -> Maildrop:
    """Number 2 of the server is hidden; the last one has no UIDL; the first visible one is deleted."""
    listing = Listing((1, 2, 3, 4), (10, 20, 30, 40), (b"a", b"b", b"c", b""))
    seen = Maildrop(listing, hidden={2})
    seen.mark(1)
    seen.last = 2
    return seen


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"STAT", b"+OK 2 70\r\n"),
        (b"LAST", b"+OK 2\r\n"),
        (b"LIST", b"+OK 2 messages (70 octets)\r\n2 30\r\n3 40\r\n.\r\n"),
        (b"LIST 2", b"+OK 2 30\r\n"),
        (b"UIDL", b"+OK unique-id listing follows\r\n2 c\r\n.\r\n"),
        (b"UIDL 2", b"+OK 2 c\r\n"),
    ],
)
def test_answers(line: bytes, answer: bytes) -> None:
    assert answer_from(command(line), maildrop()) == answer


@pytest.mark.parametrize(
    "line",
    [
        b"LIST 1",
        b"LIST 4",
        b"LIST 0",
        b"LIST -1",
        b"LIST 02",
        b"LIST x",
        b"UIDL 1",
        b"UIDL 3",
        b"STAT 1",
        b"LAST x",
    ],
)
def test_refusals(line: bytes) -> None:
    assert answer_from(command(line), maildrop()).startswith(b"-ERR ")


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (b"RETR 2", b"RETR 3\r\n"),
        (b"RETR 3", b"RETR 4\r\n"),
        (b"TOP 2 0", b"TOP 3 0\r\n"),
        (b"RETR 1", b""),
        (b"RETR 4", b""),
        (b"RETR", b""),
        (b"RETR 2 2", b""),
        (b"TOP 2", b""),
        (b"TOP 1 1", b""),
        (b"TOP x y", b""),
    ],
)
def test_numbers_are_translated(line: bytes, sent: bytes) -> None:
    assert translated(command(line), maildrop()) == sent

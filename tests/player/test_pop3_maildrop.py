"""The maildrop of a recorded POP3 session."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.pieces import joined
from mailproxy.player.pop3_maildrop import Answer, Maildrop, Top, size_of, top
from tests.player.recording import recorded

LOGIN = "S: +OK\nC: USER a\nS: +OK\nC: PASS b\nS: +OK\n"
DOTTED = b"A: b\r\n\r\n..\r\nx\r\n...y\r\n.\r\n"


def drop(store: BodyStore, talk: str) -> Maildrop:
    return Maildrop(recorded("pop3", LOGIN + talk, store))


def test_what_is_asked_one_by_one(store: BodyStore) -> None:
    found = drop(store, "C: LIST 2\nS: +OK 2 120\nC: UIDL 2\nS: +OK 2 u-2\n")
    assert [(each.number, each.size, each.uidl) for each in found.messages.values()] == [(2, 120, b"u-2")]


def test_sizes_of_messages_without_a_listing(store: BodyStore) -> None:
    body = "".join(f"S: {line}\n" for line in DOTTED.decode().split("\r\n")[:-1])
    found = drop(store, f"C: RETR 1\nS: +OK\n{body}C: RETR 2\nS: +OK 99 octets\n{body}")
    assert [each.size for each in found.messages.values()] == [len(DOTTED) - 3 - 2, 99]


def test_verbs_that_the_server_never_did(store: BodyStore) -> None:
    found = drop(store, "C: UIDL\nS: -ERR what\nC: TOP 1 0\nS: -ERR no\nC: TOP 2 0\nS: +OK\nS: x\nS: .\n")
    assert found.refused == {"UIDL": b"-ERR what\r\n"}


@pytest.mark.parametrize("count", [0, 1_000_000_000])
def test_a_stat_that_lies(store: BodyStore, count: int) -> None:
    found = drop(store, f"C: STAT\nS: +OK {count} 5\nC: LIST\nS: +OK\nS: 1 5\nS: 7777777 5\nS: x\nS: .\n")
    assert list(found.messages) == [1]


def test_answers_in_their_order(store: BodyStore) -> None:
    found = drop(store, "C: LIST 1\nS: +OK 1 3\nC: RETR 1\nS: -ERR busy\nC: RETR 1\nS: +OK\nS: x\nS: .\n")
    message = found.messages[1]
    heads = [
        answer.head for answer in (message.next("RETR"), message.next("RETR"), message.next("RETR")) if answer
    ]
    assert heads == [b"-ERR busy\r\n", b"+OK\r\n", b"+OK\r\n"]
    assert message.next("DELE") is None


def test_a_body_of_which_octets_are_missing_ends_all_the_same(store: BodyStore) -> None:
    recording = recorded("pop3", LOGIN + "C: RETR 1\nS: +OK\nS: abcdef\nS: .\n", store)
    recording.gaps = 4
    recording.exchanges[-1].turns[-1].body = store.new(b"ab.\r\n")
    (answer,) = Maildrop(recording).messages[1].answers["RETR", 0]
    assert joined(answer.pieces) == b"+OK\r\nab\r\n.\r\n"


@pytest.mark.parametrize(
    ("lines", "text"),
    [(0, b"A: b\r\n\r\n.\r\n"), (2, b"A: b\r\n\r\n..\r\nx\r\n.\r\n"), (3, DOTTED), (9, DOTTED)],
)
def test_the_first_lines(lines: int, text: bytes) -> None:
    assert b"".join(top(DOTTED, lines)) == text
    cut = Top(DOTTED, lines)
    assert joined([cut]) == text
    assert cut.octets == len(text)


@pytest.mark.parametrize("text", [b".\r\n", b"x\r\n.\r\n", b"..\r\n.\r\n", DOTTED])
@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_counted_sizes(store: BodyStore, text: bytes, piece: int) -> None:
    class Pieces:
        octets = len(text)

        def chunks(self):  # type: ignore[no-untyped-def]
            return (text[at : at + piece] for at in range(0, len(text), piece))

    lines = text.split(b"\r\n")[:-2]
    real = sum(len(line.removeprefix(b".")) + 2 for line in lines)
    assert size_of([Answer(b"+OK\r\n")], Pieces()) == real

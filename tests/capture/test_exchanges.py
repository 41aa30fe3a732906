"""Commands with what was said for them, and what the proxy did with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailproxy.capture import comments
from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.exchanges import Recording, recordings
from mailproxy.proto.tokens import Side
from tests.capture.files import Line, frames, write

C, S = Side.CLIENT, Side.SERVER


def verdict(verb: str, what: str = "forward", **more: str) -> str:
    return comments.write("verdict", verb=verb, verdict=what, **more)


def read(folder: Path, said: Iterable[Line]) -> Recording:
    with BodyStore() as store:
        (recording,) = recordings(write(folder / "f", frames(said)), store)
        for exchange in recording.exchanges:
            for turn in exchange.turns:
                turn.body.read()
        return recording


def judged(recording: Recording) -> list[tuple[str, str]]:
    return [
        (each.verb, str(each.verdict["verdict"]) if each.verdict else "") for each in recording.exchanges[1:]
    ]


def test_commands_and_their_turns(tmp_path: Path) -> None:
    said = [
        (S, b"+OK hi\r\n"),
        (C, b"RETR 1\r\n"),
        (S, b"+OK\r\nhel"),
        (S, b"lo\r\n.\r\n"),
        (C, b"XYZ\r\n"),
        (S, b"-ERR\r\n"),
    ]
    with BodyStore() as store:
        (recording,) = recordings(write(tmp_path / "f", frames(said)), store)
        told = [
            (each.number, each.verb, each.status, [turn.body.read() for turn in each.turns])
            for each in recording.exchanges
        ]
    assert told == [
        (0, "(greeting)", "OK", [b"+OK hi\r\n"]),
        (1, "RETR", "OK", [b"RETR 1\r\n", b"+OK\r\n", b"hello\r\n.\r\n"]),
        (2, "", "ERR", [b"XYZ\r\n", b"-ERR\r\n"]),
    ]
    assert all(each.ended for each in recording.exchanges)


def test_an_imap_response_is_a_reply_and_what_follows_it(tmp_path: Path) -> None:
    said = [
        (S, b"* OK\r\n"),
        (C, b"a FETCH 1:2 BODY[]\r\n"),
        (S, b"* 1 FETCH (BODY[] {5}\r\n"),
        (S, b"hello"),
        (S, b")\r\n* 9 EXISTS\r\na OK\r\n"),
    ]
    with BodyStore() as store:
        (recording,) = recordings(write(tmp_path / "f", frames(said, server=("198.51.100.9", 143))), store)
        turns = [turn.body.read() for turn in recording.exchanges[1].turns[1:]]
    *fetched, exists, final = turns  # the first may be in one piece
    assert b"".join(fetched) == b"* 1 FETCH (BODY[] {5}\r\nhello)\r\n"
    assert (exists, final) == (b"* 9 EXISTS\r\n", b"a OK\r\n")


def test_who_logged_in(tmp_path: Path) -> None:
    said: list[Line] = [
        (S, b"+OK\r\n"),
        (C, b"USER ann\r\n"),
        (S, b"+OK\r\n"),
        (C, b"PASS x\r\n"),
        (S, b"+OK\r\n"),
    ]
    assert read(tmp_path, said).login == "ann"
    said[-1] = (S, b"+OK\r\n", comments.write("login", user="ann@example.org"))
    assert read(tmp_path, said).login == "ann@example.org"


def test_each_verdict_belongs_to_its_command(tmp_path: Path) -> None:
    said = [
        (S, b"+OK\r\n"),
        (C, b"DELE 1\r\nDELE 2\r\nNOOP\r\n"),
        (S, b"+OK\r\n", verdict("DELE", "keep")),
        (S, b"-ERR\r\n", verdict("DELE", "block")),
        (S, b"+OK\r\n"),
    ]
    assert judged(read(tmp_path, said)) == [("DELE", "keep"), ("DELE", "block"), ("NOOP", "")]


def test_two_verdicts_on_one_packet(tmp_path: Path) -> None:
    recording = Recorded(tmp_path).read(
        [(C, b"DELE 1\r\nDELE 2\r\nXYZZY\r\n")],
        (S, b"+OK\r\n-ERR\r\n-ERR\r\n"),
        [verdict("DELE", "keep"), verdict("DELE", "block"), verdict("(unknown)", "refuse")],
    )
    assert judged(recording) == [("DELE", "keep"), ("DELE", "block"), ("", "refuse")]


class Recorded:
    """A conversation whose last packet has several comments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, said: list[Line], last: tuple[Side, bytes], notes: list[str]) -> Recording:
        first, rest = last[1][:1], last[1][1:]
        return read(self._folder, [(S, b"+OK\r\n"), *said, (last[0], first), (last[0], rest, *notes)])  # type: ignore[list-item]


def test_the_verdict_on_a_command_that_is_not_in_the_packets_takes_none_from_others(tmp_path: Path) -> None:
    recording = Recorded(tmp_path).read(
        [(C, b"NOOP\r\nSTAT\r\n")],
        (S, b"+OK\r\n+OK\r\n"),
        [verdict("STLS", "answered"), verdict("NOOP"), verdict("STAT", "block")],
    )
    assert judged(recording) == [("NOOP", "forward"), ("STAT", "block")]


def test_a_command_that_was_never_answered_has_a_verdict_all_the_same(tmp_path: Path) -> None:
    recording = Recorded(tmp_path).read(
        [(C, b"RETR 1\r\n")], (S, b"+OK\r\nhel"), [verdict("RETR", status="unanswered")]
    )
    assert judged(recording) == [("RETR", "forward")]


def test_our_own_commands_are_told_apart_from_the_clients(tmp_path: Path) -> None:
    said = [(C, b"UIDL 1\r\n"), (S, b"+OK 1 a\r\n"), (C, b"DELE 1\r\nDELE 2\r\nUIDL 3\r\n")]
    recording = Recorded(tmp_path).read(
        said,
        (S, b"+OK\r\n+OK\r\n+OK 3 a\r\n"),
        [verdict("DELE", "own", text="1"), verdict("DELE", "own", text="2"), verdict("UIDL", "own")],
    )
    assert judged(recording) == [("UIDL", ""), ("DELE", "own"), ("DELE", "own"), ("UIDL", "own")]
    texts = [each.verdict["text"] for each in recording.exchanges[2:4] if each.verdict]
    assert texts == ["1", "2"]


def test_missing_octets_are_counted_where_they_are_missing(tmp_path: Path) -> None:
    said = [
        (S, b"+OK\r\n"),
        (C, b"RETR 1\r\n"),
        (S, b"+OK\r\nhel"),
        (S, 7),
        (S, b"\r\n.\r\n"),
        (C, b"NOOP\r\n"),
    ]
    recording = read(tmp_path, said)
    assert recording.gaps == 7
    assert [turn.missing for turn in recording.exchanges[1].turns] == [0, 0, 7]


def test_only_those_that_are_wanted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "f", frames([(S, b"+OK\r\n")]), frames([(S, b"+OK\r\n")], client=("192.0.2.77", 1))
    )
    with BodyStore() as store:
        chosen = recordings(path, store, lambda conversation: conversation.number == 2)
        assert [each.conversation.stream.client for each in chosen] == ["192.0.2.77:1"]

"""Dialogues that a guard holds with the server, as both peers see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailproxy.events import CommandDone
from mailproxy.proto.tokens import Command, Side
from mailproxy.session.guard import Answer, Ask, Dialogue, Do, Forward, Local, Opening, Treatment
from mailproxy.session.options import Options
from mailproxy.session.verdict import Decision
from tests.play import Wires


class Scripted:
    """A guard of NOOP and QUIT, whose dialogues are told; ``said`` is what they were resumed with."""

    def __init__(self, dialogue: Callable[[list[Any]], Dialogue], opening: Opening | None = None) -> None:
        self.verbs = frozenset({"NOOP", "RSET"})
        self.alone = frozenset({"NOOP"})
        self.hush = False
        self.said: list[Any] = []
        self.replies: list[tuple[str, str]] = []
        self._dialogue = dialogue
        self._opening = opening

    def opened(self) -> Opening | None:
        return self._opening

    def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
        if command.verb == "NOOP":
            return Treatment(self._dialogue(self.said), "seen", self.hush)
        return None

    def replied(self, command: Command, status: str) -> None:
        self.replies.append((command.verb, status))


class Talk:
    """A session behind its login; what was got is read once."""

    def __init__(self, protocol: str, guard: Scripted) -> None:
        self.wires = Wires(protocol, Options(), guards=lambda situation: guard)
        if protocol == "pop3":
            self.server(b"+OK hi\r\n")
            self.client(b"USER a\r\n")
            self.server(b"+OK\r\n")
            self.client(b"PASS b\r\n")
            self.server(b"+OK\r\n")
        else:
            self.server(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
            self.client(b"a LOGIN a b\r\n")
            self.server(b"a OK in\r\n")
        self.got(Side.CLIENT)
        self.got(Side.SERVER)

    def client(self, octets: bytes) -> None:
        self.wires.send(Side.CLIENT, iter([octets]))

    def server(self, octets: bytes) -> None:
        self.wires.send(Side.SERVER, iter([octets]))

    def got(self, side: Side) -> bytes:
        got = bytes(self.wires.got[side])
        self.wires.got[side].clear()
        return got

    @property
    def done(self) -> list[tuple[str, str, str]]:
        events = self.wires.events
        return [(each.verb, each.verdict, each.status) for each in events if isinstance(each, CommandDone)]


def ask(*lines: bytes) -> Callable[[list[Any]], Dialogue]:
    def dialogue(said: list[Any]) -> Dialogue:
        for line in lines:
            said.append((yield Ask(line)))
        return Local(b"+OK all asked\r\n")

    return dialogue


def test_a_question_and_its_answer_are_not_for_the_client() -> None:
    guard = Scripted(ask(b"STAT"))
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    assert talk.got(Side.SERVER) == b"STAT\r\n"
    talk.server(b"+OK 2 30\r\n")
    assert talk.got(Side.CLIENT) == b"+OK all asked\r\n"
    assert guard.said == [Answer("OK", b"+OK 2 30\r\n")]
    assert talk.done[-2:] == [("STAT", "own", "OK"), ("NOOP", "seen", "local")]


def test_a_body_is_collected() -> None:
    guard = Scripted(ask(b"UIDL", b"CAPA", b"LIST"))
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    talk.server(b"+OK\r\n1 a\r\n")
    talk.server(b".\r\n")
    talk.server(b"+OK can\r\nUIDL\r\n.\r\n")
    talk.server(b"-ERR no\r\n")
    assert guard.said == [
        Answer("OK", b"+OK\r\n", b"1 a\r\n.\r\n"),
        Answer("OK", b"+OK can\r\n", b"UIDL\r\n.\r\n"),
        Answer("ERR", b"-ERR no\r\n"),
    ]


def test_a_body_may_go_elsewhere_as_it_comes() -> None:
    pieces: list[bytes] = []

    def dialogue(said: list[Any]) -> Dialogue:
        said.append((yield Ask(b"RETR 1", sink=pieces.append)))
        return Local(b"+OK\r\n")

    guard = Scripted(dialogue)
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    talk.server(b"+OK\r\nab")
    assert pieces == [b"ab"]
    talk.server(b"c\r\n.\r\n")
    assert b"".join(pieces) == b"abc\r\n.\r\n"
    assert guard.said == [Answer("OK", b"+OK\r\n")]


def test_a_dialogue_waits_for_what_is_open_and_holds_what_comes_behind() -> None:
    talk = Talk("pop3", Scripted(ask(b"STAT")))
    talk.client(b"LIST 1\r\nNOOP\r\nLIST 2\r\n")
    assert talk.got(Side.SERVER) == b"LIST 1\r\n"
    talk.server(b"+OK 1 10\r\n")
    assert talk.got(Side.SERVER) == b"STAT\r\n"
    talk.server(b"+OK 2 30\r\n")
    assert talk.got(Side.SERVER) == b"LIST 2\r\n"
    assert talk.got(Side.CLIENT) == b"+OK 1 10\r\n+OK all asked\r\n"


def test_an_opening_comes_before_the_first_command() -> None:
    said: list[Answer] = []

    def opening() -> Opening:
        said.append((yield Ask(b"STAT")))

    talk = Talk("pop3", Scripted(ask(), opening()))
    talk.client(b"LIST 1\r\n")
    assert talk.got(Side.SERVER) == b""
    talk.server(b"+OK 2 30\r\n")
    assert talk.got(Side.SERVER) == b"LIST 1\r\n"
    assert [answer.good for answer in said] == [True]


def test_several_are_asked_together_and_work_is_done_meanwhile() -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        said.extend((yield Ask(b"STAT"), Do(lambda: "worked"), Ask(b"LIST 1")))
        return Local(b"+OK\r\n")

    guard = Scripted(dialogue)
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    assert talk.got(Side.SERVER) == b"STAT\r\nLIST 1\r\n"
    talk.server(b"+OK 2 30\r\n")
    assert guard.said == []
    talk.server(b"+OK 1 10\r\n")
    assert guard.said == [Answer("OK", b"+OK 2 30\r\n"), "worked", Answer("OK", b"+OK 1 10\r\n")]


def test_what_work_raises_is_raised_in_the_dialogue() -> None:
    def fail() -> None:
        raise OSError("full")

    def dialogue(said: list[Any]) -> Dialogue:
        try:
            yield Ask(b"STAT"), Do(fail)
        except OSError as error:
            said.append(str(error))
        return Local(b"-ERR no\r\n")

    guard = Scripted(dialogue)
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    talk.server(b"+OK 2 30\r\n")
    assert guard.said == ["full"]
    assert talk.got(Side.CLIENT) == b"-ERR no\r\n"


def test_the_command_may_be_changed() -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        yield Do(lambda: None)
        return Forward(b"NOOP x\r\n")

    guard = Scripted(dialogue)
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    assert talk.got(Side.SERVER) == b"NOOP x\r\n"
    talk.server(b"+OK\r\n")
    assert talk.got(Side.CLIENT) == b"+OK\r\n"
    assert guard.replies == [("NOOP", "OK")]


@pytest.mark.parametrize(("close", "cut"), [(True, False), (False, True)])
def test_a_guard_may_end_the_session(close: bool, cut: bool) -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        yield Ask(b"STAT")
        return Local(b"+OK bye\r\n", close=close, cut=cut)

    talk = Talk("pop3", Scripted(dialogue))
    talk.client(b"NOOP\r\nQUIT\r\n")
    talk.server(b"+OK 2 30\r\n")
    assert talk.got(Side.CLIENT) == b"+OK bye\r\n"
    assert talk.got(Side.SERVER) == b"STAT\r\n"
    assert (talk.wires.session.closed, talk.wires.session.dropped) == (True, cut)


def test_a_server_that_is_gone_ends_the_dialogue() -> None:
    ended: list[str] = []

    def dialogue(said: list[Any]) -> Dialogue:
        try:
            yield Ask(b"STAT")
        finally:
            ended.append("ended")
        return Local(b"+OK\r\n")

    talk = Talk("pop3", Scripted(dialogue))
    talk.client(b"NOOP\r\n")
    talk.wires.session.eof(Side.SERVER)
    talk.wires.session.unanswered()
    assert ended == ["ended"]
    assert talk.wires.session.closed
    assert talk.done[-2:] == [("NOOP", "seen", "unanswered"), ("STAT", "own", "unanswered")]


def test_an_answer_without_end_ends_the_session() -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        yield Ask(b"UIDL", limit=10)
        return Local(b"+OK\r\n")

    talk = Talk("pop3", Scripted(dialogue))
    talk.client(b"NOOP\r\n")
    talk.server(b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n")
    assert talk.wires.session.closed
    assert b"-ERR" in talk.got(Side.CLIENT)


def test_imap_lines_that_nobody_asked_for_go_to_the_client() -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        said.append((yield Ask(b"UID SEARCH DELETED", mine=lambda line: line.startswith(b"* SEARCH"))))
        return Local(b"b OK done\r\n")

    guard = Scripted(dialogue)
    talk = Talk("imap", guard)
    talk.client(b"b NOOP\r\n")
    tag = talk.got(Side.SERVER).split()[0]
    talk.server(b"* 5 EXISTS\r\n* SEARCH 1 2\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\n")
    talk.server(tag + b" OK [X] found\r\n")
    assert talk.got(Side.CLIENT) == b"* 5 EXISTS\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\nb OK done\r\n"
    assert guard.said == [Answer("OK", b"OK [X] found\r\n", b"* SEARCH 1 2\r\n")]


HUSHED = (
    b"* 5 EXISTS\r\n* 1 EXPUNGE\r\n* OK [ALERT] full\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\n* VANISHED 7\r\n"
)


def hushed(outcome: Forward | Local) -> Talk:
    def dialogue(said: list[Any]) -> Dialogue:
        yield Ask(b"UID SEARCH DELETED")
        return outcome

    guard = Scripted(dialogue)
    guard.hush = True
    talk = Talk("imap", guard)
    talk.client(b"b NOOP\r\n")
    tag = talk.got(Side.SERVER).split()[0]
    talk.server(HUSHED)
    assert talk.got(Side.CLIENT) == b""
    talk.server(tag + b" OK\r\n")
    return talk


def test_a_client_that_leaves_hears_nothing_of_its_mailbox() -> None:
    talk = hushed(Local(b"b OK left\r\n"))
    assert talk.got(Side.CLIENT) == b"* OK [ALERT] full\r\nb OK left\r\n"


def test_a_client_that_stays_hears_all_before_the_answer() -> None:
    assert hushed(Local(b"b NO stay\r\n")).got(Side.CLIENT) == HUSHED + b"b NO stay\r\n"


@pytest.mark.parametrize(
    ("answer", "heard"),
    [(b"b OK\r\n", b"* OK [ALERT] full\r\n"), (b"b BAD\r\n", HUSHED + b"* 2 EXPUNGE\r\n")],
)
def test_a_forwarded_command_is_hushed_until_it_is_answered(answer: bytes, heard: bytes) -> None:
    talk = hushed(Forward())
    talk.server(b"* 2 EXPUNGE\r\n")
    assert talk.got(Side.CLIENT) == b""
    talk.server(answer + b"* 9 EXISTS\r\n")
    assert talk.got(Side.CLIENT) == heard + answer + b"* 9 EXISTS\r\n"


def test_the_servers_farewell_is_never_held_back() -> None:
    guard = Scripted(ask(b"UNSELECT"))
    guard.hush = True
    talk = Talk("imap", guard)
    talk.client(b"b NOOP\r\n")
    talk.server(b"* 5 EXISTS\r\n* BYE going\r\n")
    assert talk.got(Side.CLIENT) == b"* BYE going\r\n"


def test_a_literal_that_is_asked_for_is_collected() -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        said.append((yield Ask(b"UID FETCH 1 BODY[]", mine=lambda line: b"FETCH" in line)))
        return Local(b"b OK done\r\n")

    guard = Scripted(dialogue)
    talk = Talk("imap", guard)
    talk.client(b"b NOOP\r\n")
    tag = talk.got(Side.SERVER).split()[0]
    for octet in b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n" + tag + b" OK\r\n":
        talk.server(bytes([octet]))
    assert guard.said == [Answer("OK", b"OK\r\n", b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n")]
    assert talk.got(Side.CLIENT) == b"b OK done\r\n"


def test_the_client_may_be_gone_before_the_dialogue_ends() -> None:
    guard = Scripted(ask(b"STAT"))
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    talk.wires.session.eof(Side.CLIENT)
    assert not talk.wires.session.closed
    talk.server(b"+OK 2 30\r\n")
    assert talk.wires.session.closed
    assert len(guard.said) == 1


def test_long_answers_of_ours_wait_for_the_client() -> None:
    class Long(Scripted):
        def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
            return Treatment(Local(b"+OK " + b"x" * 70_000 + b"\r\n"))

    talk = Talk("pop3", Long(ask()))
    session = talk.wires.session
    session.receive(Side.CLIENT, b"RSET\r\n" * 1000)
    assert sum(map(len, session.out[Side.CLIENT])) < 100_000
    session.take(Side.CLIENT)
    assert session.paused
    session.resume()
    assert len(session.out[Side.CLIENT]) == 1


def test_long_answers_wait_behind_an_open_command_too() -> None:
    class Long(Scripted):
        def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
            return Treatment(Local(b"+OK " + b"x" * 70_000 + b"\r\n"))

    talk = Talk("pop3", Long(ask()))
    session = talk.wires.session
    session.receive(Side.CLIENT, b"LIST 1\r\n" + b"RSET\r\n" * 1000)
    assert len(session.dialect.slots) == 2
    assert not session.take(Side.CLIENT)
    assert not session.paused
    session.receive(Side.SERVER, b"+OK 1 1\r\n")
    assert len(session.take(Side.CLIENT)) == 2
    assert session.paused


def test_a_client_that_closes_its_half_gets_all_long_answers() -> None:
    class Long(Scripted):
        def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
            return Treatment(Local(b"+OK " + b"x" * 70_000 + b"\r\n"))

    talk = Talk("pop3", Long(ask()))
    session, heard = talk.wires.session, 0
    session.receive(Side.CLIENT, b"RSET\r\n" * 10)
    session.eof(Side.CLIENT)
    while not session.closed:
        heard += len(session.take(Side.CLIENT))
        assert session.paused
        session.resume()
    heard += len(session.take(Side.CLIENT))
    assert heard == 10
    assert session.reason == ""


def test_a_farewell_does_not_stand_inside_of_what_the_client_hears() -> None:
    guard = Scripted(ask(b"UID SEARCH DELETED"))
    talk = Talk("imap", guard)
    talk.client(b"b NOOP\r\n")
    talk.server(b"* 1 FETCH (BODY[] {30}\r\nabc")
    talk.wires.session.end("the proxy stops", "shutdown")
    assert talk.got(Side.CLIENT) == b"* 1 FETCH (BODY[] {30}\r\nabc"


def test_a_farewell_in_the_middle_of_an_answer_that_only_the_guard_hears() -> None:
    talk = Talk("pop3", Scripted(ask(b"UIDL")))
    talk.client(b"NOOP\r\n")
    talk.server(b"+OK\r\n1 a\r\n")
    talk.wires.session.end("the proxy stops", "shutdown")
    talk.wires.flow()
    assert talk.got(Side.CLIENT).startswith(b"-ERR [SYS/TEMP] ")


@pytest.mark.parametrize(("asks_again", "got"), [(False, b"+OK noted\r\n"), (True, b"")])
def test_work_is_finished_when_the_server_is_gone(asks_again: bool, got: bytes) -> None:
    def dialogue(said: list[Any]) -> Dialogue:
        yield Ask(b"QUIT")
        said.append((yield Do(lambda: "noted")))
        if asks_again:
            yield Ask(b"NOOP")
        return Local(b"+OK noted\r\n", close=True)

    guard = Scripted(dialogue)
    talk = Talk("pop3", guard)
    talk.client(b"NOOP\r\n")
    session = talk.wires.session
    session.receive(Side.SERVER, b"+OK bye\r\n")  # the work waits, as it does in a thread
    session.eof(Side.SERVER)
    assert not session.closed
    assert session.job is not None
    session.worked(session.job())
    assert guard.said == ["noted"]
    assert session.closed
    assert b"".join(session.take(Side.CLIENT)) == got


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
@pytest.mark.parametrize("forwards", [True, False])
def test_a_server_that_leaves_while_work_is_done_ends_the_session(protocol: str, forwards: bool) -> None:
    answer = b"+OK\r\n" if protocol == "pop3" else b"b OK\r\n"

    def dialogue(said: list[Any]) -> Dialogue:
        yield Do(lambda: None)
        return Forward() if forwards else Local(answer)

    talk = Talk(protocol, Scripted(dialogue))
    session = talk.wires.session
    session.receive(Side.CLIENT, b"NOOP\r\n" if protocol == "pop3" else b"b NOOP\r\n")
    session.eof(Side.SERVER)
    assert not session.closed
    session.worked(None)
    assert session.closed
    assert b"".join(session.take(Side.CLIENT)) == (b"" if forwards else answer)
    assert session.reason == ("server closed early" if forwards else "")


def test_a_client_that_closes_its_half_during_the_opening_is_answered() -> None:
    def opening() -> Opening:
        yield Do(lambda: None)

    wires = Wires("pop3", Options(), guards=lambda situation: Scripted(ask(b"STAT"), opening()))
    session = wires.session
    for side, octets in (
        (Side.SERVER, b"+OK hi\r\n"),
        (Side.CLIENT, b"USER a\r\nPASS b\r\nLIST 1\r\nNOOP\r\n"),
        (Side.SERVER, b"+OK\r\n"),
        (Side.SERVER, b"+OK in\r\n"),
    ):
        session.receive(side, octets)
    session.eof(Side.CLIENT)
    session.take(Side.SERVER)
    session.worked(None)
    assert b"".join(session.take(Side.SERVER)) == b"LIST 1\r\n"
    session.receive(Side.SERVER, b"+OK 1 1\r\n")
    session.receive(Side.SERVER, b"+OK 1 1\r\n")
    assert session.closed
    assert b"".join(session.take(Side.CLIENT)).endswith(b"+OK in\r\n+OK 1 1\r\n+OK all asked\r\n")

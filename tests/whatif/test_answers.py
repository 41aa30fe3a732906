"""What the captured server says to commands that go upstream now."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.pieces import joined
from mailproxy.whatif.answers import Answers
from mailproxy.whatif.outcome import Outcome
from mailproxy.whatif.sessions import CapturedSession
from tests.player.recording import recorded

POP3 = """
S: +OK ready
C: USER aiko
S: +OK who
C: PASS ******
S: +OK in
C: UIDL
S: +OK
S: 1 a-1
S: .
C: DELE 1
S: +OK gone, as you wish
C: QUIT
S: +OK
"""


def answering(store: BodyStore, text: str = POP3) -> tuple[Answers, Outcome, CapturedSession]:
    session = CapturedSession(recorded("pop3", text, store))
    outcome = Outcome(session.conversation)
    return Answers(session, outcome), outcome, session


def test_a_command_is_answered_as_it_was(store: BodyStore) -> None:
    answers, outcome, session = answering(store)
    dele = next(each for each in session.client.exchanges if each.verb == "DELE")
    answers.begins(b"DELE 1\r\n", dele)
    assert joined(answers.hears(b"DELE 1\r\n", waits=True)) == b""
    assert joined(answers.next()) == b"+OK gone, as you wish\r\n"
    assert joined(answers.rest()) == b""
    assert outcome.notes == []


def test_another_command_is_answered_from_what_the_capture_says(store: BodyStore) -> None:
    answers, outcome, session = answering(store)
    answers.logged_in("aiko")
    dele = next(each for each in session.client.exchanges if each.verb == "DELE")
    answers.begins(b"RETR 1\r\n", dele)
    assert joined(answers.hears(b"RETR 1\r\n", waits=True)).startswith(b"-ERR")
    assert joined(answers.rest()) == b""
    assert outcome.notes == ["RETR 1: not in the capture"]


def test_what_the_session_asks_itself(store: BodyStore) -> None:
    answers, outcome, _ = answering(store)
    answers.logged_in("aiko")
    assert joined(answers.own(b"UIDL\r\n")) == b"+OK\r\n1 a-1\r\n.\r\n"
    assert outcome.notes == []


def test_a_user_name_is_no_way_to_say_more(store: BodyStore) -> None:
    answers, _, _ = answering(store)
    answers.logged_in("aiko\r\nDELE 1")
    assert joined(answers.own(b"UIDL\r\n")).startswith(b"-ERR")


@pytest.mark.parametrize(("text", "greeting"), [(POP3, b"+OK ready\r\n"), ("C: QUIT\nS: +OK", b"+OK")])
def test_there_is_always_a_greeting(store: BodyStore, text: str, greeting: bytes) -> None:
    assert joined(answering(store, text)[0].greeting()).startswith(greeting)


def test_nothing_is_said_to_what_was_never_answered(store: BodyStore) -> None:
    text = POP3.partition("S: +OK gone")[0]
    answers, outcome, session = answering(store, text)
    answers.begins(b"DELE 1\r\n", session.client.exchanges[-1])
    assert joined(answers.hears(b"DELE 1\r\n", waits=True)) == b""
    assert joined(answers.rest()) == b""
    assert outcome.notes == []

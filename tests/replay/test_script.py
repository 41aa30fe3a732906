"""Captured conversations as steps."""

from __future__ import annotations

import pytest

from mailproxy.capture.comments import Remark
from mailproxy.replay.script import Do, Script, script_of
from tests.replay.client_scene import recorded, script

POP3 = """
S: +OK ready
C: USER aiko
S: +OK
C: PASS ********
S: +OK in
C: STAT
S: +OK 2 100
C: DELE 1
S: +OK
C: STAT
S: +OK 1 50
C: RETR 1
S: -ERR deleted
C: RETR 2
S: -ERR gone
C: QUIT
S: +OK bye
"""


def dos(found: Script) -> list[tuple[str, str]]:
    return [(step.verb, step.do.value) for step in found.steps]


def test_steps() -> None:
    found = script("pop3", POP3)
    assert dos(found) == [
        ("USER", "login"),
        ("PASS", "login"),
        ("STAT", "send"),
        ("DELE", "leave out"),
        ("STAT", "send"),
        ("RETR", "send"),
        ("RETR", "send"),
        ("QUIT", "send"),
    ]
    assert found.user == "aiko"
    assert found.changed
    assert found.greeting.text == b"ready"
    assert [step.captured.status for step in found.steps] == ["OK"] * 5 + ["ERR", "ERR", "OK"]
    assert found.login is not None
    assert found.login.verb == "PASS"


def test_what_follows_from_what_was_left_out() -> None:
    found = script("pop3", POP3)
    assert [step.sequel for step in found.steps] == [False] * 4 + [True, True, False, True]
    assert not any(step.sequel for step in script("pop3", POP3, allow_destructive=True).steps)


def test_with_leave() -> None:
    assert ("DELE", "send") in dos(script("pop3", POP3, allow_destructive=True))


def test_a_mailbox_is_opened_for_reading() -> None:
    said = """
    S: * OK ready
    C: a SELECT INBOX
    S: a OK [READ-WRITE]
    C: b EXAMINE Sent
    S: b OK
    C: c NOOP
    S: c OK
    """
    found = script("imap", said)
    assert [(step.instead, step.examined) for step in found.steps] == [
        ("EXAMINE", True),
        ("", False),
        ("", False),
    ]
    allowed = script("imap", said, allow_destructive=True)
    assert [(step.instead, step.examined) for step in allowed.steps] == [("", False)] * 3


def test_the_order_of_replies_is_kept_and_no_time() -> None:
    said = """
    S: +OK ready
    C: USER aiko
    S: +OK
    C: PASS x
    S: +OK
    C: RETR 1
    C: RETR 2
    S: -ERR 1
    S: -ERR 2
    C: QUIT
    S: +OK
    """
    found = script("pop3", said)
    assert [step.after for step in found.steps] == [-1, 0, 1, 1, 3]
    assert [step.pause for step in found.steps] == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert [step.seconds for step in found.steps] == [1.0] * 5


def test_without_replies_each_command_waits() -> None:
    found = script("smtp", "C: EHLO x\nC: NOOP\nC: NOOP\nC: QUIT")
    assert [step.after for step in found.steps] == [-1, 0, 1, 2]


def test_one_login_is_made() -> None:
    said = """
    S: * OK ready
    C: a LOGIN aiko wrong
    S: a NO no
    C: b AUTHENTICATE PLAIN
    S: +
    C: AGFpa28AdGVhLVBhcnR5LTMx
    S: b OK in
    """
    found = script("imap", said)
    assert dos(found) == [("LOGIN", "leave out"), ("AUTHENTICATE", "login")]
    assert found.user == "aiko"


def test_a_login_that_always_failed_is_made_once() -> None:
    said = "S: * OK\nC: a LOGIN aiko one\nS: a NO no\nC: b LOGIN aiko two\nS: b NO no"
    found = script("imap", said)
    assert dos(found) == [("LOGIN", "leave out"), ("LOGIN", "login")]
    assert found.user == "aiko"


def test_the_proxy_knows_the_user() -> None:
    said = "S: 220 hi\nC: EHLO x\nS: 250 x\nC: AUTH PLAIN ****\nS: 235 in"
    found = script("smtp", said, remarks=[Remark("login", {"user": "aiko"})], leg="client")
    assert found.user == "aiko"
    assert found.proxied
    assert script("smtp", said).user == ""


def test_no_login() -> None:
    assert script("smtp", "S: 220 hi\nC: QUIT\nS: 221 bye").login is None


def test_before_tls() -> None:
    said = "S: 220 hi\nC: EHLO x\nS: 250 x\nC: EHLO x\nS: 250 x\nC: QUIT\nS: 221 bye"
    recording = recorded("smtp", said, remarks=[Remark("starttls", {})], leg="client")
    found = script_of(recording, allow_destructive=False, tls_since=3.0)
    assert found.encrypted
    assert [step.before_tls for step in found.steps] == [True, False, False]
    assert not script("smtp", said).encrypted


@pytest.mark.parametrize(("leg", "encrypted"), [("client", False), ("server", True)])
def test_each_leg_has_its_own_tls(leg: str, encrypted: bool) -> None:
    remarks = [Remark("tls", {"side": "server"})]
    found = script("smtp", "S: 220 hi\nC: QUIT\nS: 221 bye", remarks=remarks, leg=leg)
    assert found.encrypted is encrypted


@pytest.mark.parametrize(("gaps", "do"), [((), Do.SEND), ((3,), Do.LEAVE_OUT)])
def test_a_message_with_a_gap_is_not_sent(gaps: tuple[int, ...], do: Do) -> None:
    said = """
    S: 220 hi
    C: MAIL FROM:<a@example.test>
    S: 250 ok
    C: RCPT TO:<b@example.test>
    S: 250 ok
    C: DATA
    S: 354 go
    C: hi
    C: .
    S: 250 ok
    """
    found = script_of(recorded("smtp", said), allow_destructive=True, gaps=gaps)
    assert found.steps[2].do is do


def test_a_message_without_its_end_is_not_sent() -> None:
    said = "S: 220 hi\nC: EHLO x\nS: 250 x\nC: DATA\nS: 354 go\nC: half of it"
    found = script("smtp", said, allow_destructive=True)
    assert dos(found)[-1] == ("DATA", "leave out")
    assert found.steps[-1].why == "the capture has not all of it"

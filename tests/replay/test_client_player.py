"""What is said, and when; what is heard, and what of it is too much."""

from __future__ import annotations

import pytest

from mailproxy.replay import client_player
from mailproxy.replay.client_player import Manner, Player, ReplayFailed
from mailproxy.replay.client_talk import Pause
from mailproxy.replay.script import Script
from tests.replay.client_scene import ACCOUNT, script


def player(found: Script, **manner: bool) -> Player:
    return Player(found, Manner("mail.example.test", 143, ACCOUNT, **manner))


def said(one: Player, now: float = 0.0) -> bytes:
    """All that is sent before the server has to speak."""
    octets = b""
    while (piece := one.take(now)) is not None:
        assert isinstance(piece, bytes)
        octets += piece
    return octets


PIPELINED = """
S: +OK
C: USER aiko
S: +OK
C: PASS x
S: +OK
C: LIST
C: RETR 1
C: RETR 2
S: +OK
S: 1 5
S: .
S: -ERR
S: -ERR
C: QUIT
S: +OK
"""


def test_nothing_is_said_before_the_greeting() -> None:
    one = player(script("pop3", PIPELINED))
    assert said(one) == b""
    assert one.awaited == "its greeting"
    one.receive(b"+OK\r\n", 0.0)
    assert said(one) == b"USER aiko\r\n"


def test_what_was_pipelined_is_and_nothing_else() -> None:
    one = player(script("pop3", PIPELINED))
    one.receive(b"+OK\r\n", 0.0)
    assert said(one) == b"USER aiko\r\n"
    one.receive(b"+OK\r\n", 0.0)
    assert said(one) == b"PASS tea-Party-31\r\n"
    one.receive(b"+OK\r\n", 0.0)
    assert said(one) == b"LIST\r\nRETR 1\r\nRETR 2\r\n"
    one.receive(b"+OK\r\n1 5\r\n.\r\n-ERR\r\n", 0.0)
    assert said(one) == b""
    assert one.awaited == "its reply to RETR"
    one.receive(b"-ERR\r\n", 0.0)
    assert said(one) == b"QUIT\r\n"
    one.receive(b"+OK\r\n", 0.0)
    assert one.over
    assert [outcome.answer.status for outcome in one.outcomes if outcome.answer] == [
        *("OK", "OK", "OK", "ERR", "ERR", "OK")
    ]


def test_the_window() -> None:
    many = "".join(f"C: NOOP {number}\n" for number in range(40))
    one = player(script("smtp", f"S: 220 x\n{many}" + "S: 250 x\n" * 40))
    one.receive(b"220 x\r\n", 0.0)
    assert said(one).count(b"NOOP") == 32
    one.receive(b"250 x\r\n" * 3, 0.0)
    assert said(one).count(b"NOOP") == 3


def test_a_literal_waits_where_it_is_not_offered() -> None:
    captured = "S: * OK\nC: a LIST {3+}\nC: abc x\nS: a OK x"
    for greeting, expected in (
        (b"* OK x\r\n", b"a LIST {3}\r\n"),
        (b"* OK [CAPABILITY IMAP4rev1 LITERAL+] x\r\n", b"a LIST {3+}\r\nabc\r\n x\r\n"),
        (b"* OK [CAPABILITY IMAP4rev1 LITERAL-] x\r\n", b"a LIST {3+}\r\nabc\r\n x\r\n"),
    ):
        one = player(script("imap", captured.replace("abc x", "abc\nC:  x").replace("{3+}", "{5+}")))
        one.receive(greeting, 0.0)
        assert said(one) == expected.replace(b"{3", b"{5")


def test_a_refused_literal_is_not_sent() -> None:
    one = player(script("imap", "S: * OK\nC: a LIST {3}\nS: + go\nC: abc x\nS: a OK x\nC: b NOOP\nS: b OK x"))
    one.receive(b"* OK x\r\n", 0.0)
    assert said(one) == b"a LIST {3}\r\n"
    one.receive(b"a BAD no literals here\r\n", 0.0)
    assert said(one) == b"b NOOP\r\n"


def test_imap_answers_in_any_order() -> None:
    one = player(script("imap", "S: * OK\nC: a NOOP\nC: b NOOP\nS: b OK x\nS: a OK y"))
    one.receive(b"* OK x\r\n", 0.0)
    assert said(one) == b"a NOOP\r\nb NOOP\r\n"
    one.receive(b"b OK 2\r\na OK 1\r\n", 1.5)
    assert [(outcome.step.number, outcome.seconds) for outcome in one.outcomes] == [(2, 1.5), (1, 1.5)]
    assert one.over


IDLE = "S: * OK\nC: a IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: a OK x"


def test_idle_ends_when_all_was_told() -> None:
    one = player(script("imap", IDLE))
    one.receive(b"* OK x\r\n", 0.0)
    assert said(one) == b"a IDLE\r\n"
    one.receive(b"+ idling\r\n", 0.0)
    assert said(one) == b""
    assert one.news == 5.0
    one.receive(b"* 5 EXISTS\r\n", 0.0)
    assert said(one) == b"DONE\r\n"
    assert one.news is None


def test_idle_ends_when_nothing_is_told() -> None:
    one = player(script("imap", IDLE))
    one.receive(b"* OK x\r\n", 0.0)
    assert said(one) == b"a IDLE\r\n"
    one.receive(b"+ idling\r\n", 0.0)
    assert said(one) == b""
    one.go_on()
    assert said(one) == b"DONE\r\n"


def test_a_message_waits_for_its_go_ahead() -> None:
    captured = "S: 220 x\nC: DATA\nS: 354 go\nC: hi\nC: .\nS: 250 ok\nC: QUIT\nS: 221 x"
    for reply, expected in ((b"354 go\r\n", b"hi\r\n.\r\n"), (b"503 no\r\n", b"QUIT\r\n")):
        one = player(script("smtp", captured, allow_destructive=True))
        one.receive(b"220 x\r\n", 0.0)
        assert said(one) == b"DATA\r\n"
        one.receive(reply, 0.0)
        assert said(one) == expected


@pytest.mark.parametrize(
    ("names", "expected"), [(b"IMAP4rev1 UNSELECT", b"b UNSELECT\r\n"), (b"IMAP4rev1", b"c NOOP\r\n")]
)
def test_close_is_unselect_or_nothing(names: bytes, expected: bytes) -> None:
    captured = "S: * OK\nC: a SELECT x\nS: a OK x\nC: b CLOSE\nS: b OK x\nC: c NOOP\nS: c OK x"
    one = player(script("imap", captured))
    one.receive(b"* OK [CAPABILITY " + names + b"] x\r\n", 0.0)
    assert said(one) == b"a EXAMINE x\r\n"
    one.receive(b"a OK x\r\n", 0.0)
    assert said(one) == expected


def test_recorded_speed() -> None:
    one = player(script("smtp", "S: 220 x\nC: NOOP\nS: 250 x\nC: QUIT\nS: 221 x"), recorded_speed=True)
    one.receive(b"220 x\r\n", 0.0)
    assert one.take(0.0) == b"NOOP\r\n"
    one.receive(b"250 x\r\n", 0.0)
    assert one.take(0.0) == Pause(1.0)
    assert one.take(0.0) == b"QUIT\r\n"


def test_a_refused_login_ends_it() -> None:
    one = player(script("imap", "S: * OK\nC: a LOGIN aiko x\nS: a OK in"))
    one.receive(b"* OK x\r\n", 0.0)
    said(one)
    with pytest.raises(ReplayFailed) as raised:
        one.receive(b"a NO wrong: tea-Party-31\r\n", 0.0)
    assert str(raised.value) == (
        "the server refuses the login of aiko: NO wrong: ************; check --user and the password"
    )


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\x16\x03\x01\x00", "speaks TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n", "are no POP3 where its greeting is due"),
        (b"-ERR [SYS/TEMP] busy\r\n", "does not take connections now: ERR"),
    ],
)
def test_servers_of_another_kind(octets: bytes, why: str) -> None:
    one = player(script("pop3", PIPELINED))
    with pytest.raises(ReplayFailed, match=why.replace("[", "\\[")):
        one.receive(octets, 0.0)


def test_an_answer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_player, "_SPARE", 1000)
    one = player(script("imap", "S: * OK\nC: a NOOP\nS: a OK x"))
    one.receive(b"* OK x\r\n", 0.0)
    said(one)
    with pytest.raises(ReplayFailed, match="reply to NOOP has no end"):
        one.receive(b"* 1 EXISTS\r\n" * 1000, 0.0)


def test_the_server_hangs_up() -> None:
    one = player(script("smtp", "S: 220 x\nC: NOOP\nS: 250 x\nC: HELP\nS: 214 x\nC: QUIT\nS: 221 x"))
    one.receive(b"220 x\r\n", 0.0)
    said(one)
    one.hung_up()
    assert one.over
    assert one.closed_early
    assert [(outcome.answer, outcome.left_out) for outcome in one.outcomes] == [
        (None, ""),
        (None, "the server had closed the connection"),
        (None, "the server had closed the connection"),
    ]


def test_the_end_is_no_hanging_up() -> None:
    one = player(script("smtp", "S: 220 x\nC: QUIT\nS: 221 x"))
    one.receive(b"220 x\r\n", 0.0)
    said(one)
    one.receive(b"221 x\r\n", 0.0)
    one.hung_up()
    assert not one.closed_early

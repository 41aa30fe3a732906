"""SMTP as its dialect reads it: the envelope, messages and chunks, replies of many lines, logins."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Cut, Limits, Refusal
from mailproxy.proto.smtp import Smtp
from mailproxy.proto.tokens import Chunk, Command, Phase, Reply, Side, WireError
from tests.proto.cuts import pieces, places
from tests.proto.driving import GUARD, OBSERVE, Driver, told

SMALL = Limits(line=600, reply=2000)
HELLO = "S: 220 hi\nC: EHLO me\nS: 250-hi\nS: 250 CHUNKING\n"
MAIL = f"{HELLO}C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
DATA = f"{MAIL}C: DATA\nS: 354 go\n"


def drive(text: str, policy: Policy = GUARD, refused: str = "") -> Driver:
    return Driver(Smtp(policy, SMALL), refused).talk(text)


def smtp(text: str) -> Smtp:
    dialect = drive(text).dialect
    assert isinstance(dialect, Smtp)
    return dialect


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -- commands -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        (b"noop\r\n", ""),
        (b"MAIL FROM:<a@b> SIZE=10\r\n", ""),
        (b"XTHING\r\n", ""),
        (b"NOOP\n", "a bare CR or LF; a line must end in CRLF (openssl s_client needs -crlf)"),
        (b"NOOP \0\r\n", "a NUL octet"),
        (b"NOOP " + b"x" * 2041 + b"\r\n", ""),
        (b"NOOP " + b"x" * 2042 + b"\r\n", "a line that is too long"),
        (b"AUTH PLAIN " + b"A" * 3000 + b"\r\n", ""),
    ],
)
def test_flaws(line: bytes, flaw: str) -> None:
    (command,) = drive(HELLO).client(line)
    assert isinstance(command, Command)
    assert (command.flaw, command.line) == (flaw, line)


def test_the_rest_of_an_endless_line_is_skipped() -> None:
    driver = drive(HELLO)
    assert driver.client(b"a" * 13_000) == []
    assert driver.client(b"b" * 13_000) == []
    assert told(driver.client(b"\r\nNOOP\r\n")) == ["a line that is too long", "NOOP"]
    assert told(driver.client(b"a" * 13_000 + b"\r\nNOOP\r\n")) == ["a line that is too long", "NOOP"]


def test_an_observer_cannot_read_an_endless_line() -> None:
    with pytest.raises(WireError) as caught:
        drive(HELLO, OBSERVE).client(b"a" * 13_000)
    assert caught.value.side is Side.CLIENT


# -- messages -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [GUARD, OBSERVE], ids=["guard", "observe"])
@given(st.sampled_from([b".\r\n", b"Subject: x\r\n\r\n..dots\r\n.\r\n", b"a.b.c\r\n" * 9 + b".\r\n"]), places)
def test_a_message_passes_as_it_is_and_commands_follow(policy: Policy, message: bytes, at: list[int]) -> None:
    driver = drive(DATA, policy)
    before = driver.to_server
    for piece in pieces(message + b"RSET\r\n", at):
        driver.client(piece)
    assert driver.to_server == before + message + b"RSET\r\n"
    assert [slot.verb for slot in driver.dialect.slots] == ["DATA", "RSET"]


def test_before_354_whatever_comes_is_read_as_commands() -> None:
    driver = drive(f"{MAIL}C: DATA")
    assert told(driver.client(b"NOOP\r\n")) == ["NOOP"]
    assert not driver.dialect.engaged


def test_a_refused_data_has_no_message() -> None:
    driver = drive(f"{MAIL}C: DATA\nS: 554 no")
    assert told(driver.client(b"NOOP\r\n")) == ["NOOP"]
    assert driver.dialect.phase is Phase.TRANSACTION


def test_the_client_is_engaged_until_its_message_ends() -> None:
    driver = drive(DATA)
    assert driver.dialect.engaged
    assert driver.client(b"") == []
    driver.client(b".\r\n")
    assert not driver.dialect.engaged


@pytest.mark.parametrize(
    "end",
    [
        *(b"\n.\n", b"\r.\r", b"\r\n.\n", b"\r\n.\0\r\n"),
        *(b"\n.\r\n", b"\0.\r\n"),
    ],
)
@given(at=places)
def test_a_smuggled_end_is_never_sent_and_the_client_hears_of_it_at_its_own(
    end: bytes, at: list[int]
) -> None:
    driver = drive(DATA)
    before, tokens = driver.to_server, []
    text = b"Subject: x" + end + b"MAIL FROM:<evil@x>\r\n.\r\n"
    for piece in pieces(text, at):
        tokens += driver.client(piece)
    first, last = (token for token in tokens if isinstance(token, Cut))
    assert first.answer == b""
    assert last.answer.startswith(b"554 5.6.0 ")
    assert driver.to_server == before + text[: text.index(b".")], "the dot, and what is behind it, stays here"
    assert tokens[-1] is last
    assert not driver.dialect.inboxes[Side.CLIENT].data, "it was answered at its own end"


def test_an_observer_lets_any_dot_pass() -> None:
    driver = drive(DATA, OBSERVE)
    driver.client(b"a\n.\nb\r\n.\r\n")
    assert driver.to_server.endswith(b"DATA\r\na\n.\nb\r\n.\r\n")


def test_a_server_that_answers_in_the_middle_gets_no_more() -> None:
    driver = drive(DATA)
    driver.client(b"half a ")
    driver.server(b"451 later\r\n")
    sent = driver.to_server
    tokens = driver.client(b"message\n.\n\r\n.\r\n")
    first, last = (token for token in tokens if isinstance(token, Cut))
    assert (first.answer, last.answer[:4]) == (b"", b"421 ")
    assert driver.to_server == sent


def test_an_observer_goes_on_when_the_server_answers_in_the_middle() -> None:
    driver = drive(DATA, OBSERVE)
    driver.server(b"451 later\r\n")
    driver.client(b"text\r\n.\r\n")
    assert driver.to_server.endswith(b"text\r\n.\r\n")


# -- chunks -------------------------------------------------------------------------------


@given(places)
def test_a_chunk_is_counted_and_not_read(at: list[int]) -> None:
    driver = drive(MAIL)
    before = driver.to_server
    text = b"BDAT 8\r\nQUIT\r\n\n\nBDAT 0\r\nBDAT 3 LAST\r\n.\r\nNOOP\r\n"
    for piece in pieces(text, at):
        driver.client(piece)
    assert driver.to_server == before + text
    verbs = [slot.verb for slot in driver.dialect.slots]
    assert verbs == ["BDAT", "BDAT", "BDAT", "NOOP"]


@given(places)
def test_the_chunk_of_a_refused_bdat_goes_nowhere(at: list[int]) -> None:
    driver = drive(MAIL, refused="BDAT")
    before = driver.to_server
    for piece in pieces(b"BDAT 6\r\nQUIT\r\nNOOP\r\n", at):
        driver.client(piece)
    assert driver.to_server == before + b"NOOP\r\n"


def test_a_bdat_without_a_size_has_no_chunk() -> None:
    driver = drive(MAIL)
    assert told(driver.client(b"BDAT many\r\nNOOP\r\n")) == ["BDAT", "NOOP"]


def test_an_engaged_client_is_in_its_chunk() -> None:
    driver = drive(MAIL)
    (_, chunk) = driver.client(b"BDAT 4\r\nab")
    assert driver.dialect.engaged
    assert isinstance(chunk, Chunk)
    assert not chunk.end
    assert told(driver.client(b"cd")) == [(b"cd", "end")]
    assert not driver.dialect.engaged


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (HELLO, ""),
        (f"{HELLO}C: MAIL FROM:<a@b>", "RCPT BDAT DATA"),
        (f"{HELLO}C: MAIL FROM:<a@b>\nS: 550 no", ""),
        (MAIL, "RCPT BDAT DATA"),
        (f"{MAIL}C: MAIL FROM:<x@y>\nS: 503 no", "RCPT BDAT DATA"),
        (f"{MAIL}C: RSET", ""),
        (f"{MAIL}C: DATA", ""),
        (f"{MAIL}C: BDAT 0\nS: 250 ok", "RCPT BDAT"),
        (f"{MAIL}C: BDAT 0 LAST", ""),
        (f"{MAIL}C: BDAT 0 LAST\nS: 250 ok", ""),
        (f"{MAIL}C: RSET\nC: MAIL FROM:<x@y>\nS: 250 reset", "RCPT BDAT DATA"),
        (f"{MAIL}C: EHLO me\nS: 250 hi", ""),
    ],
)
def test_sequence(text: str, allowed: str) -> None:
    dialect = smtp(text)
    assert [verb for verb in ("RCPT", "BDAT", "DATA") if dialect.in_sequence(verb)] == allowed.split()
    assert dialect.in_sequence("NOOP")


# -- replies ------------------------------------------------------------------------------


@given(places)
def test_a_reply_of_many_lines_is_one_at_any_cut(at: list[int]) -> None:
    driver = drive(f"{HELLO}C: HELP\nC: NOOP")
    tokens = []
    for piece in pieces(b"214-a\r\n214-\r\n214 b\r\n250\r\n", at):
        tokens += driver.server(piece)
    assert told(tokens) == [("214", b"214-a\r\n214-\r\n214 b\r\n"), ("250", b"250\r\n")]
    assert not driver.dialect.slots
    assert driver.dialect.boundary


@pytest.mark.parametrize(
    ("text", "data", "why", "taken"),
    [
        ("", b"+OK pop3\r\n", "a reply without a code", b"+OK pop3\r\n"),
        ("", b"2200\r\n", "a reply without a code", b"2200\r\n"),
        ("", b"\r\n", "a reply without a code", b"\r\n"),
        ("", b"220-a\r\n221 b\r\n", "a reply whose lines have different codes", b"220-a\r\n221 b\r\n"),
        ("", b"220-a\r\n" + b"x" * 700, "a reply line that is too long", b"220-a\r\n"),
        ("", b"220-\r\n" * 400, "a reply without end", b"220-\r\n" * 334),
        (f"{HELLO}C: NOOP", b"354 go\r\n", "354 to a command that asks for nothing", b"354 go\r\n"),
        (f"{HELLO}C: NOOP", b"334-\r\n334 \r\n", "334 to a command that", b"334-\r\n334 \r\n"),
        (f"{DATA}C: .", b"354 again\r\n", "354 to a command that asks for nothing", b"354 again\r\n"),
        ("", b"354 go\r\n", "354 to a command", b"354 go\r\n"),
    ],
)
def test_unreadable_servers(text: str, data: bytes, why: str, taken: bytes) -> None:
    with pytest.raises(WireError) as caught:
        drive(text).server(data)
    assert caught.value.side is Side.SERVER
    assert caught.value.why.startswith(why)
    assert caught.value.taken == taken


def test_a_reply_of_too_many_lines() -> None:
    driver = Driver(Smtp(GUARD, Limits()))
    with pytest.raises(WireError, match="a reply without end"):
        driver.server(b"220-\r\n" * 1001)


def test_the_offers_of_the_server_are_edited_and_remembered() -> None:
    driver = drive("S: 220 hi\nC: EHLO me", Policy(guard=True, starttls=True, login=True))
    before = driver.to_client
    driver.server(b"250-hi\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 XCLIENT NAME\r\n")
    assert driver.to_client == before + b"250-hi\r\n250-CHUNKING\r\n250 STARTTLS\r\n"
    dialect = driver.dialect
    assert isinstance(dialect, Smtp)
    assert dialect.offers("CHUNKING")
    assert dialect.offers("XCLIENT"), "what it is offered itself"
    assert not dialect.offers("SMTPUTF8")


@pytest.mark.parametrize("text", ["C: HELO me\nS: 250 hi", "C: HELO me\nS: 550 no"])
def test_with_helo_nothing_is_offered(text: str) -> None:
    assert not smtp(HELLO + text).offers("CHUNKING")


# -- the envelope -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phase", "sender", "recipients"),
    [
        ("", Phase.GREETING, "", 0),
        ("S: 220 hi", Phase.AUTHORIZATION, "", 0),
        ("S: 554 no", Phase.LOGOUT, "", 0),
        (HELLO, Phase.TRANSACTION, "", 0),
        ("S: 220 hi\nC: EHLO me\nS: 550 no", Phase.AUTHORIZATION, "", 0),
        (f"{HELLO}C: MAIL FROM:<a@b>", Phase.TRANSACTION, "a@b", 0),
        (f"{HELLO}C: MAIL FROM:<a@b>\nS: 550 no", Phase.TRANSACTION, "", 0),
        (f"{HELLO}C: MAIL FROM:\nS: 250 odd", Phase.MAIL, "", 0),
        (MAIL, Phase.MAIL, "a@b", 1),
        (f"{MAIL}C: RCPT TO:<x@y>", Phase.MAIL, "a@b", 2),
        (f"{MAIL}C: RCPT TO:<x@y>\nS: 550 no", Phase.MAIL, "a@b", 1),
        (f"{MAIL}C: MAIL FROM:<x@y>\nS: 503 no", Phase.MAIL, "a@b", 1),
        (f"{MAIL}C: MAIL FROM:<x@y>\nS: 250 odd", Phase.MAIL, "x@y", 0),
        (f"{MAIL}C: RSET\nS: 250 ok", Phase.TRANSACTION, "", 0),
        (f"{MAIL}C: NOOP\nS: 250 ok", Phase.MAIL, "a@b", 1),
        (f"{DATA}C: .\nS: 250 ok", Phase.TRANSACTION, "", 0),
        (f"{MAIL}C: BDAT 0\nS: 250 ok", Phase.MAIL, "a@b", 1),
        (f"{MAIL}C: BDAT 0 LAST\nS: 250 ok", Phase.TRANSACTION, "", 0),
        (f"{MAIL}C: HELO me\nS: 250 hi", Phase.TRANSACTION, "", 0),
        (f"{MAIL}C: QUIT\nS: 221 bye", Phase.LOGOUT, "a@b", 1),
    ],
)
def test_the_envelope_follows_the_server(text: str, phase: Phase, sender: str, recipients: int) -> None:
    dialect = smtp(text)
    assert (dialect.phase, dialect.sender, dialect.recipients) == (phase, sender, recipients)


def test_the_client_says_its_name() -> None:
    assert smtp(HELLO).client_name == "me"
    assert len(smtp("S: 220 hi\nC: EHLO " + "x" * 500).client_name) == 255


def test_behind_starttls_the_client_greets_again() -> None:
    dialect = smtp(MAIL)
    dialect.restarted()
    assert dialect.greet_again
    assert (dialect.phase, dialect.sender, dialect.client_name) == (Phase.AUTHORIZATION, "", "")
    assert not dialect.offers("CHUNKING")
    driver = Driver(dialect)
    dialect.slots.clear()
    driver.talk("C: EHLO me\nS: 550 no")
    assert dialect.greet_again
    driver.talk("C: EHLO me\nS: 250 hi")
    assert not dialect.greet_again


# -- logins -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "user"),
    [
        (f"C: AUTH PLAIN {encoded(chr(0) + 'ann' + chr(0) + 'pw')}\nS: 235 ok", "ann"),
        (f"C: AUTH PLAIN {encoded(chr(0) + 'ann' + chr(0) + 'pw')}\nS: 535 no", ""),
        (f"C: AUTH PLAIN\nS: 334 \nC: {encoded('boss' + chr(0) + 'ann' + chr(0) + 'pw')}\nS: 235 ok", "boss"),
        (f"C: AUTH LOGIN\nS: 334 x\nC: {encoded('ann')}\nS: 334 x\nC: {encoded('pw')}\nS: 235 ok", "ann"),
        ("C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 gone", ""),
        ("C: AUTH PLAIN\nS: 504 no", ""),
        ("C: AUTH PLAIN\nS: 334 \nS: 421 too slow", ""),
    ],
)
def test_who_logs_in(text: str, user: str) -> None:
    driver = drive(f"{HELLO}{text}\nC: NOOP")
    assert driver.dialect.user == user
    assert driver.to_server.endswith(b"NOOP\r\n"), "commands are read again"


def test_a_response_is_secret_and_waited_for() -> None:
    driver = drive(f"{HELLO}C: AUTH PLAIN")
    assert driver.client(b"AGFubgBwdw==\r\n") == [], "nothing is read before the server asks"
    driver.server(b"334 \r\n")
    assert driver.dialect.engaged
    (chunk,) = driver.client(b"")
    assert isinstance(chunk, Chunk)
    assert (chunk.data, chunk.secret) == (b"AGFubgBwdw==\r\n", True)


def test_part_of_a_response_is_waited_for() -> None:
    driver = drive(f"{HELLO}C: AUTH PLAIN\nS: 334 ")
    assert driver.client(b"AGFu") == []


def test_who_asks_is_known_before_auth_is_forwarded() -> None:
    line = f"AUTH PLAIN {encoded(chr(0) + 'ann' + chr(0) + 'pw')}\r\n".encode()
    dialect = smtp(HELLO)
    assert dialect.claimant(Command("AUTH", line, line[5:-2])) == ("ann", "PLAIN")
    assert dialect.claimant(Command("AUTH", b"AUTH LOGIN\r\n", b"LOGIN")) == ("", "LOGIN")
    assert dialect.claimant(Command("NOOP", b"NOOP\r\n")) is None


@pytest.mark.parametrize(
    ("response", "why"),
    [(b"x" * 12_289, "too long"), (b"AGFubgBwdw==\n", "a bare CR or LF"), (b"%%%\r\n", "base64")],
)
def test_responses_that_end_a_guarded_session(response: bytes, why: str) -> None:
    driver = drive(f"{HELLO}C: AUTH PLAIN\nS: 334 ")
    (cut,) = driver.client(response)
    assert isinstance(cut, Cut)
    assert cut.answer.startswith(b"50")
    assert why in cut.why


def test_an_observer_passes_odd_responses_and_cannot_read_endless_ones() -> None:
    driver = drive(f"{HELLO}C: AUTH PLAIN\nS: 334 ", OBSERVE)
    assert told(driver.client(b"%%%\n")) == [b"%%%\n"]
    driver.server(b"334 \r\n")
    with pytest.raises(WireError):
        driver.client(b"x" * 12_289)


# -- words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Refusal.POLICY, b"550 5.7.1"),
        (Refusal.SYNTAX, b"501 5.5.2"),
        (Refusal.UNKNOWN, b"500 5.5.2"),
        (Refusal.TOO_BIG, b"500 5.5.2"),
        (Refusal.SEQUENCE, b"503 5.5.1"),
        (Refusal.PRIVACY, b"530 5.7.0"),
        (Refusal.UNAVAILABLE, b"502 5.5.1"),
        (Refusal.TEMPORARY, b"451 4.3.0"),
    ],
)
def test_refusals(kind: Refusal, code: bytes) -> None:
    assert smtp("").refusal(Command("MAIL", b""), kind, "No") == code + b" No\r\n"


def test_words() -> None:
    dialect = smtp(HELLO)
    command = Command("AUTH", b"AUTH PLAIN c2VjcmV0\r\n", b"PLAIN c2VjcmV0")
    assert dialect.accepted(command, "Go") == b"220 2.0.0 Go\r\n"
    assert dialect.farewell("Bye, Zoë") == b"421 4.3.2 Bye, Zo?\r\n"
    assert b"c2VjcmV0" not in dialect.shown(command)
    assert dialect.rewritten(command, "EXAMINE") is None
    assert not dialect.idling


def test_a_final_reply_with_nobody_waiting_has_no_slot() -> None:
    dialect = smtp(HELLO)
    assert dialect.slot_of(Reply(b"421 bye\r\n", "421")) is None

"""POP3 as its dialect reads it: commands, bodies, logins, and what makes either side unreadable."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Cut, Limits, Refusal
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.tokens import Chunk, Command, Phase, Reply, Side, WireError
from tests.proto.cuts import pieces, places
from tests.proto.driving import GUARD, OBSERVE, Driver, told

BLANKS = "blanks where the grammar has none"
LONG = "a line that is too long (RFC 2449 §4: 255 octets)"
SMALL = Limits(line=600, reply=1000)
LOGIN = "S: +OK\nC: USER ann\nS: +OK\nC: PASS opensesame\nS: +OK\n"


def drive(text: str = "", policy: Policy = GUARD, limits: Limits = SMALL) -> Driver:
    return Driver(Pop3(policy, limits)).talk(text) if text else Driver(Pop3(policy, limits))


def plain(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -- the client's side --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        (b"NOOP\r\n", ""),
        (b"dele 1\r\n", ""),
        (b"XTHING a b\r\n", ""),
        (b"NOOP\n", "a bare CR or LF; a line must end in CRLF (openssl s_client needs -crlf)"),
        (b"NO\0OP\r\n", "a NUL octet"),
        (b"DELE  1\r\n", BLANKS),
        (b"DELE 1 \r\n", BLANKS),
        (b"DELE\t1\r\n", BLANKS),
        (b" DELE 1\r\n", ""),  # its verb is empty, and so unknown
        (b"STAT \r\n", BLANKS),
        (b"TOP 1  2\r\n", BLANKS),
        (b"USER ann  lee\r\n", ""),
        (b"USER  ann\r\n", BLANKS),
        (b"USER ann \r\n", BLANKS),
        (b"USER a\tb\r\n", BLANKS),
        (b"PASS  pass  word \r\n", ""),
        (b"PASS " + b"p" * 300 + b"\r\n", ""),
        (b"AUTH PLAIN " + b"A" * 300 + b"\r\n", ""),
        (b"USER " + b"u" * 300 + b"\r\n", LONG),
        (b"APOP ann " + b"0f" * 16 + b"\r\n", ""),
        (b"APOP ann\r\n", "APOP without a name and a digest"),
        (b"APOP ann lee " + b"0f" * 16 + b"\r\n", "APOP without a name and a digest"),
        (b"\r\n", ""),
    ],
)
def test_flaws(line: bytes, flaw: str) -> None:
    (command,) = drive("S: +OK").client(line)
    assert isinstance(command, Command)
    assert (command.flaw, command.line) == (flaw, line)


def test_a_command_has_a_row_and_fields() -> None:
    (command,) = drive(LOGIN).client(b"dele 7\r\n")
    assert isinstance(command, Command)
    assert (command.verb, command.args, command.spec and command.spec.removes) == ("DELE", b"7", True)
    assert command.fields == {"set": "7"}


def test_the_rest_of_an_endless_line_is_skipped() -> None:
    driver = drive("S: +OK")
    assert driver.client(b"a" * 700) == []
    assert driver.client(b"b" * 700) == []
    assert told(driver.client(b"c\r\nNOOP\r\n")) == ["a line that is too long", "NOOP"]


def test_a_line_that_is_too_long_is_found_in_one_piece_too() -> None:
    assert told(drive("S: +OK").client(b"a" * 700 + b"\r\nNOOP\r\n")) == ["a line that is too long", "NOOP"]


def test_an_observer_cannot_read_an_endless_line() -> None:
    with pytest.raises(WireError) as caught:
        drive("S: +OK", OBSERVE).client(b"a" * 700)
    assert caught.value.side is Side.CLIENT


# -- the server's side --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("STAT", b"+OK 2 320\r\n"),
        ("LIST 1", b"+OK 1 120\r\n"),
        ("UIDL 1", b"+OK 1 abc\r\n"),
        ("LANG en", b"+OK English\r\n"),
        ("RETR 9", b"-ERR no such message\r\n"),
        ("CAPA", b"-ERR\r\n"),
        ("NOOP", b"+ok\n"),
    ],
)
def test_replies_of_one_line(command: str, reply: bytes) -> None:
    driver = drive(f"{LOGIN}C: {command}")
    (token,) = driver.server(reply)
    assert isinstance(token, Reply)
    assert (token.data, token.more, token.final) == (reply, False, True)
    assert driver.dialect.boundary
    assert not driver.dialect.slots


@given(
    st.sampled_from(["RETR 1", "TOP 1 0", "LIST", "UIDL", "LANG", "AUTH"]),
    st.sampled_from([b".\r\n", b"a\r\n.\r\n", b"..a\r\n\n.\n\r\n.\r\n"]),
    places,
)
def test_a_body_passes_as_it_is_until_its_end(command: str, body: bytes, at: list[int]) -> None:
    driver = drive(f"{LOGIN}C: {command}\nC: NOOP")
    before = driver.to_client
    said = b"+OK\r\n" + body + b"+OK noop\r\n"
    for piece in pieces(said, at):
        driver.server(piece)
    assert driver.to_client == before + said
    assert driver.dialect.boundary
    assert not driver.dialect.slots, "both commands are answered"


def test_inside_a_body_nothing_of_ours_may_stand() -> None:
    driver = drive(f"{LOGIN}C: RETR 1")
    driver.server(b"+OK\r\nhalf")
    assert not driver.dialect.boundary
    (chunk,) = driver.server(b" of it\r\n.\r\n")
    assert isinstance(chunk, Chunk)
    assert chunk.end
    assert driver.dialect.boundary


@given(at=places)
def test_a_capability_list_is_edited_whole_at_any_cut(at: list[int]) -> None:
    driver = drive("S: +OK\nC: CAPA", Policy(guard=True, starttls=True, login=True))
    before = driver.to_client
    for piece in pieces(b"+OK\r\nTOP\r\nSTLS\r\nXNEW\r\nSASL PLAIN GSSAPI\r\n.\r\n", at):
        assert driver.to_client == before
        driver.server(piece)
    assert driver.to_client == before + b"+OK\r\nTOP\r\nSTLS\r\nSASL PLAIN\r\n.\r\n"
    assert driver.dialect.boundary


def test_while_a_capability_list_is_held_nothing_of_ours_may_stand() -> None:
    driver = drive("S: +OK\nC: CAPA\nS: +OK\nS: TOP")
    assert not driver.dialect.boundary


@pytest.mark.parametrize(
    ("text", "data", "why", "taken"),
    [
        ("", b"220 smtp\r\n", "neither +OK nor -ERR", b"220 smtp\r\n"),
        (f"{LOGIN}C: NOOP", b"+ what\r\n", "a challenge that nobody asked for", b"+ what\r\n"),
        (f"{LOGIN}C: NOOP", b"+\n", "a challenge that nobody asked for", b"+\n"),
        ("", b"+OK" + b"x" * 1000, "a reply line that is too long", b""),
        ("S: +OK\nC: CAPA", b"+OK\r\n" + b"x" * 601, "a capability line that is too long", b"+OK\r\n"),
        ("S: +OK\nC: CAPA", b"+OK\r\n" + b"x\r\n" * 500, "a list without end", b"+OK\r\n" + b"x\r\n" * 332),
    ],
)
def test_unreadable_servers(text: str, data: bytes, why: str, taken: bytes) -> None:
    driver = drive(text)
    with pytest.raises(WireError) as caught:
        driver.server(data)
    assert caught.value.side is Side.SERVER
    assert why.split()[-1] in caught.value.why
    assert caught.value.taken == taken


def test_octets_that_were_taken_and_not_passed_on_are_told() -> None:
    driver = drive("S: +OK\nC: CAPA")
    with pytest.raises(WireError) as caught:
        driver.server(b"+OK\r\n" + b"x\r\n" * 500)
    left = driver.dialect.inboxes[Side.SERVER]
    assert caught.value.taken + left.take(len(left)) == b"+OK\r\n" + b"x\r\n" * 500


# -- logins -------------------------------------------------------------------------------


def test_who_logs_in_with_a_password() -> None:
    dialect = drive(LOGIN).dialect
    assert (dialect.user, dialect.mechanism, dialect.phase) == ("ann", "PASS", Phase.TRANSACTION)


def test_a_refused_user_is_not_asked_for_later() -> None:
    dialect = drive("S: +OK\nC: USER ann\nS: -ERR\nC: PASS x\nS: -ERR").dialect
    assert (dialect.user, dialect.phase) == ("", Phase.AUTHORIZATION)
    assert dialect.claimant(Command("PASS", b"PASS x\r\n", b"x")) == ("", "PASS")


def test_who_logs_in_with_apop() -> None:
    dialect = drive(f"S: +OK <1@x>\nC: APOP ann {'0f' * 16}\nS: +OK").dialect
    assert (dialect.user, dialect.mechanism, dialect.phase) == ("ann", "APOP", Phase.TRANSACTION)
    assert dialect.claimant(Command("APOP", b"APOP x\r\n", b"x")) == ("", "APOP")


@pytest.mark.parametrize(
    ("text", "user"),
    [
        (f"C: AUTH PLAIN {plain('|ann|pw').replace('|', '')}\nS: -ERR", ""),
        (f"C: AUTH PLAIN {plain(chr(0) + 'ann' + chr(0) + 'pw')}\nS: +OK", "ann"),
        (f"C: AUTH PLAIN\nS: + \nC: {plain(chr(0) + 'ann' + chr(0) + 'pw')}\nS: +OK", "ann"),
        (f"C: AUTH PLAIN\nS: + \nC: {plain('boss' + chr(0) + 'ann' + chr(0) + 'pw')}\nS: +OK", "boss"),
        (f"C: AUTH LOGIN\nS: + \nC: {plain('ann')}\nS: + \nC: {plain('pw')}\nS: +OK", "ann"),
        ("C: AUTH PLAIN\nS: + \nC: *\nS: -ERR", ""),
        ("C: AUTH PLAIN\nS: -ERR no", ""),
    ],
)
def test_who_logs_in_with_sasl(text: str, user: str) -> None:
    driver = drive(f"S: +OK\n{text}\nC: NOOP")
    assert driver.dialect.user == user
    assert driver.dialect.phase is (Phase.TRANSACTION if user else Phase.AUTHORIZATION)
    assert driver.to_server.endswith(b"\r\nNOOP\r\n"), "commands are read again"


def test_a_response_is_secret_and_waited_for() -> None:
    driver = drive("S: +OK\nC: AUTH PLAIN")
    assert driver.client(b"AGFubgBwdw==\r\n") == [], "nothing is read before the server asks"
    assert not driver.dialect.engaged
    driver.server(b"+ \r\n")
    assert driver.dialect.engaged
    (chunk,) = driver.client(b"")
    assert isinstance(chunk, Chunk)
    assert (chunk.data, chunk.secret) == (b"AGFubgBwdw==\r\n", True)


def test_who_asks_is_known_before_auth_is_forwarded() -> None:
    line = b"AUTH PLAIN " + plain("\0ann\0pw").encode() + b"\r\n"
    dialect = drive("S: +OK").dialect
    assert dialect.claimant(Command("AUTH", line, line[5:-2])) == ("ann", "PLAIN")
    assert dialect.claimant(Command("AUTH", b"AUTH\r\n")) is None, "it asks for a list alone"
    assert dialect.claimant(Command("NOOP", b"NOOP\r\n")) is None


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (b"x" * 65_537, "too long"),
        (b"AGFubgBwdw==\n", "a bare CR or LF"),
        (b"%%%\r\n", "base64"),
    ],
)
def test_responses_that_end_a_guarded_session(response: bytes, why: str) -> None:
    driver = drive("S: +OK\nC: AUTH PLAIN\nS: + ")
    (cut,) = driver.client(response)[:1]
    assert isinstance(cut, Cut)
    assert cut.answer.startswith(b"-ERR ")
    assert why in cut.why


def test_an_observer_passes_odd_responses_and_cannot_read_endless_ones() -> None:
    driver = drive("S: +OK\nC: AUTH PLAIN\nS: + ", OBSERVE)
    assert told(driver.client(b"%%%\n")) == [b"%%%\n"]
    driver.server(b"+ \r\n")
    with pytest.raises(WireError):
        driver.client(b"x" * 65_537)


# -- phases and words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("", Phase.GREETING),
        ("S: +OK", Phase.AUTHORIZATION),
        ("S: -ERR busy", Phase.LOGOUT),
        (LOGIN, Phase.TRANSACTION),
        (f"{LOGIN}C: QUIT\nS: +OK", Phase.LOGOUT),
        (f"{LOGIN}C: RSET\nS: +OK", Phase.TRANSACTION),
    ],
)
def test_phases_follow_the_server(text: str, phase: Phase) -> None:
    assert drive(text).dialect.phase is phase


@pytest.mark.parametrize(("text", "utf8"), [("+OK", True), ("-ERR", False)])
def test_utf8_is_remembered(text: str, utf8: bool) -> None:
    dialect = drive(f"S: +OK\nC: UTF8\nS: {text}").dialect
    assert isinstance(dialect, Pop3)
    assert dialect.utf8 is utf8


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Refusal.POLICY, b"-ERR [SYS/PERM] No\r\n"),
        (Refusal.PRIVACY, b"-ERR [SYS/PERM] No\r\n"),
        (Refusal.TEMPORARY, b"-ERR [SYS/TEMP] No\r\n"),
        (Refusal.UNAVAILABLE, b"-ERR [SYS/TEMP] No\r\n"),
        (Refusal.SYNTAX, b"-ERR No\r\n"),
        (Refusal.UNKNOWN, b"-ERR No\r\n"),
    ],
)
def test_refusals(kind: Refusal, answer: bytes) -> None:
    assert drive().dialect.refusal(Command("DELE", b""), kind, "No") == answer


def test_words() -> None:
    driver = drive("S: +OK\nC: USER ann\nS: +OK")
    dialect, command = driver.dialect, Command("PASS", b"PASS opensesame\r\n", b"opensesame")
    assert dialect.accepted(command, "Go") == b"+OK Go\r\n"
    assert dialect.farewell("Bye, Zoë") == b"-ERR [SYS/TEMP] Bye, Zo?\r\n"
    assert b"opensesame" not in dialect.shown(command)
    assert dialect.rewritten(command, "EXAMINE") is None
    assert not dialect.idling
    dialect.refused(command)
    dialect.restarted()
    assert dialect.claimant(command) == ("", "PASS"), "who was named in clear is forgotten"


@given(st.binary(max_size=60))
def test_a_flawless_line_ends_in_crlf_alone(line: bytes) -> None:
    for token in drive("S: +OK").client(line + b"\r\n"):
        assert isinstance(token, Command)
        assert token.flaw or token.line[:-2].translate(None, b"\r\n\0") == token.line[:-2]

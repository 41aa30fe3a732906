"""IMAP's server half: responses and their literals, tags, and what replies change."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Limits, Refusal
from mailproxy.proto.imap import Imap
from mailproxy.proto.tokens import Command, Phase, Reply, Side, WireError
from tests.proto.cuts import pieces, places
from tests.proto.driving import GUARD, OBSERVE, Driver, told

HELLO = "S: * OK hi\n"
LOGIN = f"{HELLO}C: a LOGIN ann opensesame\nS: a OK in\n"
SELECTED = f"{LOGIN}C: b SELECT Work\nS: b OK\n"


def drive(text: str, policy: Policy = GUARD) -> Driver:
    return Driver(Imap(policy, Limits())).talk(text)


def imap(text: str) -> Imap:
    dialect = drive(text).dialect
    assert isinstance(dialect, Imap)
    return dialect


# -- responses ----------------------------------------------------------------------------

FETCH = (
    b"* 1 FETCH (BODY[] {12}\r\na\r\nb OK no\r\n X {0}\r\n Y {3}\r\nabc)\r\n"
    b'* LIST () "/" {4}\r\nWork\r\n'
    b'* 2 FETCH (X "{5}")\r\n'
    b"* OK [UIDNEXT 5] text that ends in {5}\r\n"
    b"* SEARCH\r\n"
    b"b OK done {7}\r\n"
)


@given(places)
def test_responses_pass_as_they_are_at_any_cut(at: list[int]) -> None:
    driver = drive(f"{LOGIN}C: b FETCH 1 BODY[]")
    before = driver.to_client
    for piece in pieces(FETCH, at):
        driver.server(piece)
    assert driver.to_client == before + FETCH
    assert driver.dialect.boundary
    assert not driver.dialect.slots


@given(places)
def test_nothing_of_ours_may_stand_inside_a_response(at: list[int]) -> None:
    driver = drive(f"{LOGIN}C: b FETCH 1 BODY[]")
    start = len(driver.to_client)
    literal = FETCH.index(b"* LIST")
    for piece in pieces(FETCH, at):
        driver.server(piece)
        there = len(driver.to_client) - start
        if FETCH.index(b"\r\n") + 2 <= there < literal:
            assert not driver.dialect.boundary


def test_a_line_that_is_too_long_passes_in_pieces() -> None:
    driver = drive(f"{LOGIN}C: b SEARCH ALL")
    before = driver.to_client
    line = b"* SEARCH" + b" 123456" * 30_000 + b"\r\nb OK\r\n"
    first, *rest = driver.server(line)
    assert isinstance(first, Reply)
    assert (first.more, first.final, first.tag) == (True, False, b"*")
    assert len(rest) > 10
    assert driver.to_client == before + line
    assert not driver.dialect.slots


def test_a_long_line_may_end_in_a_literal() -> None:
    driver = drive(f"{LOGIN}C: b FETCH 1 X")
    driver.server(b"* 1 FETCH (X " + b"y" * 140_000 + b" {3}\r\n")
    assert not driver.dialect.boundary
    driver.server(b"b O)\r\n")
    assert driver.dialect.boundary
    driver.server(b"b OK\r\n")
    assert not driver.dialect.slots


@pytest.mark.parametrize(
    ("text", "data", "why", "taken"),
    [
        ("", b"+OK pop3\r\n", "a continuation request that nobody waits for", b"+OK pop3\r\n"),
        ("", b"220 smtp\r\n", "a line that is no IMAP response", b"220 smtp\r\n"),
        ("", b"* 1 EXISTS\r\n* LIST\r\n", "a greeting that is no status response", b"* LIST\r\n"),
        (HELLO, b"a SURE\r\n", "a line that is no IMAP response", b"a SURE\r\n"),
        (HELLO, b"+ go\r\n", "a continuation request that nobody waits for", b"+ go\r\n"),
        (HELLO, b"* OK " + b"x" * 140_000, "a status line that is too long", b"* OK " + b"x" * 16_379),
        (HELLO, b"a OK " + b"x" * 140_000, "a status line that is too long", b"a OK " + b"x" * 16_379),
    ],
)
def test_unreadable_servers(text: str, data: bytes, why: str, taken: bytes) -> None:
    with pytest.raises(WireError) as caught:
        drive(text).server(data)
    assert (caught.value.side, caught.value.why, caught.value.taken) == (Side.SERVER, why, taken)


@pytest.mark.parametrize(
    ("data", "edited"),
    [
        (b"* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE XNEW\r\n", b"* CAPABILITY IMAP4rev1\r\n"),
        (b"* OK [CAPABILITY IMAP4rev1 XNEW] x\r\n", b"* OK [CAPABILITY IMAP4rev1] x\r\n"),
        (b"a OK [CAPABILITY IMAP4rev1 XNEW] x\r\n", b"a OK [CAPABILITY IMAP4rev1] x\r\n"),
        (b"a NO [ALERT] CAPABILITY XNEW\r\n", b"a NO [ALERT] CAPABILITY XNEW\r\n"),
    ],
)
def test_lists_of_capabilities_are_edited(data: bytes, edited: bytes) -> None:
    driver = drive(f"{HELLO}C: a LOGIN x y")
    assert driver.server(data)[0].data == edited  # type: ignore[union-attr]


def test_capabilities_are_learnt_as_the_server_said_them() -> None:
    dialect = imap(f"{HELLO}S: * CAPABILITY IMAP4rev1 XNEW unselect")
    assert dialect.capabilities == {"IMAP4REV1", "XNEW", "UNSELECT"}
    assert imap(f"{HELLO}S: * OK CAPABILITY is a word here").capabilities is None


def test_replies_may_come_in_any_order() -> None:
    driver = drive(f"{LOGIN}C: b NOOP\nC: c NOOP\nS: c OK")
    assert [slot.command.tag for slot in driver.dialect.slots] == [b"b"]
    driver.talk("S: b OK")
    assert not driver.dialect.slots


def test_what_belongs_to_no_command_has_no_slot() -> None:
    driver = drive(f"{LOGIN}C: b NOOP")
    dialect = driver.dialect
    assert dialect.slot_of(Reply(b"x OK\r\n", "OK", b"x")) is None
    dialect.slots[0].answer = b"b NO here\r\n"
    assert dialect.slot_of(Reply(b"b OK\r\n", "OK", b"b")) is None, "it was answered here"
    dialect.slots.clear()
    assert dialect.slot_of(Reply(b"* BYE\r\n", "BYE", b"*")) is None


# -- what replies change ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phase", "user", "mailbox"),
    [
        ("", Phase.GREETING, "", ""),
        (HELLO, Phase.AUTHORIZATION, "", ""),
        ("S: * PREAUTH hi", Phase.TRANSACTION, "", ""),
        ("S: * BYE busy", Phase.LOGOUT, "", ""),
        (LOGIN, Phase.TRANSACTION, "ann", ""),
        (f"{HELLO}C: a LOGIN ann x\nS: a NO wrong", Phase.AUTHORIZATION, "", ""),
        (SELECTED, Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c EXAMINE inbox\nS: c OK", Phase.SELECTED, "ann", "INBOX"),
        (f"{SELECTED}C: c SELECT Gone\nS: c NO", Phase.TRANSACTION, "ann", ""),
        (f"{SELECTED}C: c SELECT\nS: c BAD", Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c SELECT\nS: c OK odd", Phase.SELECTED, "ann", ""),
        (f"{SELECTED}C: c CLOSE\nS: c OK", Phase.TRANSACTION, "ann", ""),
        (f"{SELECTED}C: c UNSELECT\nS: c NO", Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c NOOP\nS: c OK", Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c ENABLE CONDSTORE\nS: c OK", Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c XODD\nS: c OK", Phase.SELECTED, "ann", "Work"),
        (f"{SELECTED}C: c LOGOUT\nS: * BYE\nS: c OK", Phase.LOGOUT, "ann", "Work"),
    ],
)
def test_phases_follow_the_server(text: str, phase: Phase, user: str, mailbox: str) -> None:
    dialect = imap(text)
    assert (dialect.phase, dialect.user, dialect.mailbox) == (phase, user, mailbox)


def plain(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "user", "mechanism"),
    [
        (f"C: a AUTHENTICATE PLAIN {plain(chr(0) + 'ann' + chr(0) + 'pw')}\nS: a OK", "ann", "PLAIN"),
        (
            f"C: a AUTHENTICATE PLAIN\nS: +\nC: {plain('boss' + chr(0) + 'ann' + chr(0))}\nS: a OK",
            "boss",
            "PLAIN",
        ),
        ("C: a AUTHENTICATE PLAIN\nS: + \nC: *\nS: a BAD", "", ""),
        ("C: a AUTHENTICATE PLAIN\nS: a NO", "", ""),
        ("C: a LOGIN {3}\nS: + \nC: ann pw\nS: a OK", "ann", "LOGIN"),
    ],
)
def test_who_logs_in(text: str, user: str, mechanism: str) -> None:
    driver = drive(f"{HELLO}{text}\nC: b NOOP")
    assert (driver.dialect.user, driver.dialect.mechanism) == (user, mechanism)
    assert driver.to_server.endswith(b"b NOOP\r\n"), "commands are read again"


def test_who_asks_is_known_before_the_command_is_forwarded() -> None:
    dialect = imap(HELLO)
    args = f"PLAIN {plain(chr(0) + 'ann' + chr(0) + 'pw')}".encode()
    assert dialect.claimant(Command("AUTHENTICATE", b"", args)) == ("ann", "PLAIN")
    assert dialect.claimant(Command("AUTHENTICATE", b"", b"PLAIN")) == ("", "PLAIN")
    assert dialect.claimant(Command("LOGIN", b"", b'"a n" pw')) == ("a n", "LOGIN")
    assert dialect.claimant(Command("LOGIN", b"", b"ann")) == ("", "LOGIN")
    assert dialect.claimant(Command("NOOP", b"")) is None


@pytest.mark.parametrize(
    ("args", "name"),
    [
        ('("name" "Thunder\xefbird" "version" "1")', "Thunder\xefbird"),
        ('("NAME" "Mail")', "Mail"),
        ("NIL", ""),
        ('("version" "name")', ""),
        ('("name" "' + "x" * 100 + '")', "x" * 64),
    ],
)
def test_the_client_says_its_name(args: str, name: str) -> None:
    dialect = imap(f"{HELLO}C: a ID {args}")
    assert dialect.client_name == name
    dialect.restarted()
    assert dialect.client_name == ""


def test_a_name_once_said_stays() -> None:
    assert imap(f'{HELLO}C: a ID ("name" "Mail")\nC: b ID NIL').client_name == "Mail"


# -- the client's half, as far as it is passed on -------------------------------------------


def test_literals_and_idle() -> None:
    driver = drive(f"{SELECTED}C: c IDLE")
    dialect = driver.dialect
    assert not dialect.idling
    driver.talk("S: + idling")
    assert (dialect.idling, dialect.engaged) == (True, True)
    driver.talk("C: DONE\nS: c OK")
    assert (dialect.idling, dialect.engaged) == (False, False)


@pytest.mark.parametrize(("policy", "header"), [(GUARD, b"{3}"), (OBSERVE, b"{3+}")])
def test_only_an_observed_client_sends_literals_unasked(policy: Policy, header: bytes) -> None:
    driver = drive(LOGIN, policy)
    driver.client(b"b SELECT {3+}\r\nBox\r\n")
    assert driver.to_server.partition(b"b SELECT ")[2].startswith(header)
    if policy is GUARD:
        driver.server(b"+ go\r\n")
        driver.client(b"")
    assert driver.to_server.endswith(b"Box\r\n")


def test_a_refused_literal_is_dropped() -> None:
    driver = Driver(Imap(GUARD, Limits()), refused="SELECT").talk(LOGIN)
    assert told(driver.client(b"b SELECT {3+}\r\nBox\r\nc NOOP\r\n"))[-1] == "NOOP"
    assert driver.to_server.endswith(b"\r\nc NOOP\r\n")
    assert b"Box" not in driver.to_server


# -- words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Refusal.POLICY, b"a NO [NOPERM] No\r\n"),
        (Refusal.PRIVACY, b"a NO [PRIVACYREQUIRED] No\r\n"),
        (Refusal.TEMPORARY, b"a NO [UNAVAILABLE] No\r\n"),
        (Refusal.UNAVAILABLE, b"a NO [CANNOT] No\r\n"),
        (Refusal.TOO_BIG, b"a BAD [TOOBIG] No\r\n"),
        (Refusal.SYNTAX, b"a BAD No\r\n"),
    ],
)
def test_refusals(kind: Refusal, answer: bytes) -> None:
    assert imap("").refusal(Command("NOOP", b"", tag=b"a"), kind, "No") == answer


@pytest.mark.parametrize("tag", [b"", b"+", b"a\r", b"*", b"x" * 65])
def test_a_tag_that_is_none_is_not_echoed(tag: bytes) -> None:
    assert imap("").refusal(Command("NOOP", b"", tag=tag), Refusal.SYNTAX, "No") == b"* BAD No\r\n"


def test_words() -> None:
    dialect = imap(HELLO)
    command = Command("LOGIN", b"a LOGIN ann opensesame\r\n", b"ann opensesame", tag=b"a")
    assert dialect.accepted(command, "Go") == b"a OK Go\r\n"
    assert dialect.farewell("Bye, Zoë") == b"* BYE Bye, Zo?\r\n"
    assert b"opensesame" not in dialect.shown(command)


def test_select_is_rewritten_as_examine() -> None:
    (command,) = (driver := drive(LOGIN)).client(b"b select (x) Work\r\n")
    assert isinstance(command, Command)
    changed = driver.dialect.rewritten(command, "EXAMINE")
    assert changed is not None
    assert (changed.line, changed.verb, changed.tag) == (b"b EXAMINE (x) Work\r\n", "EXAMINE", b"b")
    assert changed.args == command.args


@pytest.mark.parametrize(
    ("capabilities", "line"),
    [("", None), ("IMAP4rev1", None), ("UNSELECT", b"c UNSELECT\r\n"), ("IMAP4rev2", b"c UNSELECT\r\n")],
)
def test_close_is_rewritten_if_the_server_can_unselect(capabilities: str, line: bytes | None) -> None:
    driver = drive(SELECTED + (f"S: * CAPABILITY {capabilities}" if capabilities else ""))
    (command,) = driver.client(b"c CLOSE\r\n")
    assert isinstance(command, Command)
    changed = driver.dialect.rewritten(command, "UNSELECT")
    assert (changed and changed.line) == line

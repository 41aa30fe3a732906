"""What is said to a server without leave, and what is not."""

from __future__ import annotations

import pytest

from mailproxy.proto import imap_verbs, pop3_verbs, smtp_verbs
from mailproxy.proto.tokens import Command
from mailproxy.replay.script_safety import destructive, instead, never_said

TABLES = {"pop3": pop3_verbs.VERBS, "imap": imap_verbs.VERBS, "smtp": smtp_verbs.VERBS}
# What removes mail in its captured form is said in another one, or removes nothing without DELE.
REPLACED = {("imap", "CLOSE"), ("pop3", "QUIT")}


def command(protocol: str, verb: str, flaw: str = "") -> Command:
    return Command(verb, verb.encode() + b"\r\n", spec=TABLES[protocol].get(verb), flaw=flaw)


@pytest.mark.parametrize(
    ("protocol", "verb"),
    [(protocol, verb) for protocol, table in TABLES.items() for verb in table if table[verb].removes],
)
def test_nothing_that_removes_is_harmless(protocol: str, verb: str) -> None:
    assert bool(destructive(protocol, command(protocol, verb))) is ((protocol, verb) not in REPLACED)


@pytest.mark.parametrize(
    ("protocol", "verb", "why"),
    [
        ("imap", "APPEND", "it changes something on the server"),
        ("imap", "UID COPY", "it changes something on the server"),
        ("imap", "SETMETADATA", "it changes something on the server"),
        ("imap", "SUBSCRIBE", "it changes something on the server"),
        ("imap", "UID STORE", "it removes mail"),
        ("imap", "XYZZY", "nobody knows what it does"),
        ("imap", "UID FETCH", ""),
        ("imap", "SELECT", ""),
        ("pop3", "DELE", "it removes mail"),
        ("pop3", "UID LIST", "nobody knows what it does"),
        ("pop3", "RETR", ""),
        ("smtp", "MAIL", "it sends mail"),
        ("smtp", "DATA", "it sends mail"),
        ("smtp", "BDAT", "it sends mail"),
        ("smtp", "EHLO", ""),
    ],
)
def test_destructive(protocol: str, verb: str, why: str) -> None:
    assert destructive(protocol, command(protocol, verb)) == why


def test_a_line_that_hides_another_one() -> None:
    assert "another command" in destructive("pop3", command("pop3", "NOOP", flaw="a bare CR or LF"))


def test_never_said() -> None:
    assert never_said(None)
    assert never_said(Command("", b"\r\n"))
    for protocol, verb in (("pop3", "STLS"), ("imap", "COMPRESS"), ("smtp", "XCLIENT"), ("imap", "URLFETCH")):
        assert never_said(command(protocol, verb))
    assert not never_said(command("imap", "EXPUNGE"))


def test_instead() -> None:
    assert instead("imap", "SELECT") == "EXAMINE"
    assert instead("imap", "CLOSE") == "UNSELECT"
    assert instead("imap", "FETCH") == instead("pop3", "CLOSE") == ""

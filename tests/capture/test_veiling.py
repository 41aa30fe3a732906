"""Which octets of a conversation may be shown."""

from __future__ import annotations

import pytest

from mailproxy.capture.veiling import Veil, hidden
from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import GREETING, Limits, Slot
from mailproxy.proto.tokens import Command, Reply, Side
from mailproxy.session.dialects import dialect_for

POLICY = Policy(guard=False, starttls=True, login=True, verbatim=True)


def command(protocol: str, line: bytes) -> Command:
    dialect = dialect_for(protocol, POLICY, Limits(), frozenset())
    dialect.answered(Slot(Command(GREETING, b""), 0.0), Reply(b"", "OK"))
    dialect.inboxes[Side.CLIENT].feed(line)
    token = dialect.client()
    assert isinstance(token, Command)
    return token


@pytest.mark.parametrize(
    ("protocol", "line", "shown"),
    [
        ("pop3", b"USER alice\r\n", b"USER alice\r\n"),
        ("pop3", b"PASS hunter2\r\n", b"PASS *******\r\n"),
        ("pop3", b"pass hun ter\r\n", b"pass *******\r\n"),
        ("pop3", b"PASS hunter2\n", b"PASS *******\n"),
        ("pop3", b"APOP alice c4c9\r\n", b"APOP alice ****\r\n"),
        ("pop3", b"APOP c4c9\r\n", b"APOP ****\r\n"),
        ("pop3", b"AUTH PLAIN AGEAYg==\r\n", b"AUTH PLAIN ********\r\n"),
        ("pop3", b"AUTH PLAIN\r\n", b"AUTH PLAIN\r\n"),
        ("pop3", b"hunter2\r\n", b"*******\r\n"),  # whatever it is, it may be a password
        ("pop3", b"XFOO hunter2\r\n", b"************\r\n"),
        ("pop3", b"NOOP x\rPASS hunter2\r\n", b"NOOP " + b"*" * 14 + b"\r\n"),
        ("pop3", b"RETR 1\r\n", b"RETR 1\r\n"),
        ("imap", b"a LOGIN alice hunter2\r\n", b"a LOGIN alice *******\r\n"),
        ("imap", b'a login "al" "hun\\"ter"\r\n', b'a login "al" "********"\r\n'),
        ("imap", b"a LOGIN alice {7}\r\n", b"a LOGIN alice {7}\r\n"),
        ("imap", b"a LOGIN {5}\r\n", b"a LOGIN {5}\r\n"),
        ("imap", b"a LOGIN al hunter2 x\r\n", b"a LOGIN ************\r\n"),
        ("imap", b"a AUTHENTICATE PLAIN AGEAYg==\r\n", b"a AUTHENTICATE PLAIN ********\r\n"),
        ("imap", b"hunter2\r\n", b"*******\r\n"),
        ("imap", b"a XFOO hunter2\r\n", b"**************\r\n"),
        ("imap", b"a SELECT INBOX\r\n", b"a SELECT INBOX\r\n"),
        (
            "imap",
            b'a GENURLAUTH "imap://a/;URLAUTH=submit+x" INTERNAL\r\n',
            b'a GENURLAUTH "imap://a/;URLAUTH=********" INTERNAL\r\n',
        ),
        ("smtp", b"AUTH PLAIN AGEAYg==\r\n", b"AUTH PLAIN ********\r\n"),
        ("smtp", b"AUTH hunter2\r\n", b"AUTH hunter2\r\n"),  # it has the form of a mechanism
        ("smtp", b"AUTH hun/ter\r\n", b"AUTH *******\r\n"),
        ("smtp", b"MAIL FROM:<a@b.example>\r\n", b"MAIL FROM:<a@b.example>\r\n"),
        ("smtp", b"AGFsaWNl\r\n", b"********\r\n"),
    ],
)
def test_commands(protocol: str, line: bytes, shown: bytes) -> None:
    assert Veil(protocol).command(command(protocol, line)) == shown


def test_what_the_server_repeats_of_a_secret() -> None:
    veil = Veil("pop3")
    veil.command(command("pop3", b"PASS hunter2\r\n"))
    assert veil.reply(b"-ERR hunter2 is wrong, hunter2\r\n") == b"-ERR ******* is wrong, *******\r\n"


def test_a_secret_of_few_octets_stands_in_replies_by_chance() -> None:
    veil = Veil("pop3")
    veil.command(command("pop3", b"PASS ERR\r\n"))
    assert veil.reply(b"-ERR no\r\n") == b"-ERR no\r\n"


def test_literals_and_lines_of_a_login() -> None:
    veil = Veil("imap")
    veil.command(command("imap", b"a LOGIN {5}\r\n"))
    assert veil.literal(b"alice", True) == b"*****"
    assert veil.line(b" {7}\r\n", True) == b" {7}\r\n"
    assert veil.literal(b"hunter2", True) == b"*******"
    assert veil.reply(b"a NO hunter2?\r\n") == b"a NO *******?\r\n"


def test_of_an_unknown_command_no_literal_is_shown() -> None:
    veil = Veil("imap")
    veil.command(command("imap", b"a XFOO {7}\r\n"))
    assert veil.literal(b"hunter2", False) == b"*******"
    assert veil.line(b" more\r\n", False) == b" ****\r\n"


def test_tokens_in_the_answer_to_genurlauth() -> None:
    veil = Veil("imap")
    veil.command(command("imap", b'a GENURLAUTH "imap://a/;URLAUTH=submit+x" INTERNAL\r\n'))
    said = b'* GENURLAUTH "imap://a/;URLAUTH=submit+x:internal:9135"\r\n'
    assert veil.reply(said) == b'* GENURLAUTH "imap://a/;URLAUTH=' + b"*" * 22 + b'"\r\n'


def test_a_veil_shows_nothing_of_itself() -> None:
    veil = Veil("pop3")
    veil.command(command("pop3", b"PASS hunter2\r\n"))
    assert "hunter2" not in repr(veil)


def test_octets_of_which_nothing_is_known() -> None:
    assert hidden(b"abc\r\nd\n\x00") == b"***\r\n*\n*"

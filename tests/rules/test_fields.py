"""The values of fields, for the forms in which clients write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailproxy.rules import fields
from mailproxy.rules.lines import command_from_line
from mailproxy.rules.verbs import TABLES
from mailproxy.session.verdict import Facts


def value(name: str, protocol: str, line: str | bytes, **facts: Any) -> Any:
    octets = line if isinstance(line, bytes) else line.encode()
    command = command_from_line(protocol, octets)
    assert command.spec is not None
    return fields.getter(name, protocol, command.spec)(command, Facts(protocol, **facts))


@pytest.mark.parametrize(
    ("name", "protocol", "line", "expected"),
    [
        ("verb", "imap", "a uid store 1 +FLAGS (x)", "UID STORE"),
        ("text", "pop3", "RETR 1", "1"),
        ("text", "pop3", b"USER \xff", "\\xff"),
        ("set", "pop3", "DELE 7", "7"),
        ("set", "imap", "a UID EXPUNGE 1:*", "1:*"),
        ("mailbox", "imap", "a DELETE inbox", "INBOX"),
        ("mailbox", "imap", 'a RENAME "InBox" x', "INBOX"),
        ("target", "imap", "a RENAME x Inbox", "INBOX"),
        ("target", "imap", "a UID MOVE 1 Trash", "Trash"),
        ("mailbox", "imap", "a DELETE &ATE-nbox", "ınbox"),
        ("target", "imap", 'a RENAME x "ınbox"', "ınbox"),
        ("labels", "imap", r'a STORE 1 +X-GM-LABELS ("\\&AX8-een")', ["\\ſeen"]),
        (
            "flags",
            "imap",
            r"a STORE 1 +flags.silent (\deleted \SEEN $Junk)",
            ["\\Deleted", "\\Seen", "$Junk"],
        ),
        ("flags", "imap", r"a STORE 1 +X-GM-LABELS (\Trash)", []),
        ("labels", "imap", r"a STORE 1 +X-GM-LABELS (\TRASH)", ["\\Trash"]),
        ("labels", "imap", r'a STORE 1 +X-GM-LABELS ("\\trash")', ["\\Trash"]),
        ("operation", "imap", r"a STORE 1 -FLAGS (\Seen)", "-"),
        ("operation", "imap", r"a STORE 1 FLAGS (\Seen)", ""),
        ("size", "smtp", "MAIL FROM:<a@b.example> SIZE=12", 12),
        ("size", "smtp", "MAIL FROM:<a@b.example>", 0),
        ("size", "imap", "a APPEND Sent {310}", 310),
        ("sender", "smtp", "MAIL FROM:<A@B.Example>", "a@b.example"),
        ("sender", "smtp", "MAIL FROM:<>", ""),
        ("recipient", "smtp", "RCPT TO:<BAD@X.example.>", "bad@x.example"),
        ("recipient", "smtp", 'RCPT TO:<"bad"@x.example>', "bad@x.example"),
        ("recipient", "smtp", "RCPT TO:<@a.example,@b.example:bad@x.example>", "bad@x.example"),
        ("domain", "smtp", "RCPT TO:<bad@x\u3002example>", "x.example"),
    ],
)
def test_arguments(name: str, protocol: str, line: str | bytes, expected: Any) -> None:
    assert value(name, protocol, line) == expected


@pytest.mark.parametrize(
    ("protocol", "line"),
    [
        ("pop3", "PASS hunter2"),
        ("pop3", "APOP reader hunter2"),
        ("pop3", "AUTH PLAIN hunter2"),
        ("imap", 'a LOGIN reader "hunter2"'),
        ("imap", "a LOGIN reader hunter2 hunter2"),
        ("imap", "a AUTHENTICATE PLAIN hunter2"),
        ("smtp", "AUTH PLAIN hunter2"),
    ],
)
def test_text_hides_secrets(protocol: str, line: str) -> None:
    assert "hunter2" not in value("text", protocol, line)


def test_session() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    facts: dict[str, Any] = {
        "client_ip": "192.0.2.1",
        "client_name": "desk",
        "mailbox": "inbox",
        "now": lambda: moment,
    }
    assert value("client", "imap", "a CLOSE", **facts) == {"ip": "192.0.2.1", "name": "desk"}
    assert value("mailbox", "imap", "a CLOSE", **facts) == "INBOX"
    assert value("mailbox", "imap", "a CLOSE", mailbox="ınbox") == "ınbox"
    assert value("mailbox", "imap", "a STATUS x (MESSAGES)", **facts) == "x"
    assert value("now", "imap", "a CLOSE", **facts) == moment
    assert value("sender", "smtp", "RCPT TO:<a@b.example>", sender="A@B.example") == "a@b.example"
    assert value("recipients", "smtp", "RCPT TO:<a@b.example>", recipients=3) == 3


def test_every_field_of_the_tables_is_documented_and_has_a_value() -> None:
    for protocol, table in TABLES.items():
        for verb in table.values():
            for name in fields.names(verb):
                assert name in fields.COMMAND
                assert callable(fields.getter(name, protocol, verb))
    for name in fields.SESSION:
        assert callable(fields.getter(name.partition(".")[0], "pop3", TABLES["pop3"]["NOOP"]))


def test_operation_belongs_to_store_alone() -> None:
    having = {verb.name for verb in TABLES["imap"].values() if "operation" in fields.names(verb)}
    assert having == {"STORE", "UID STORE"}


def test_samples_have_the_type_of_their_field() -> None:
    types = {"string": str, "int": int, "bool": bool, "list(string)": list, "timestamp": datetime}
    for field in fields.FIELDS.values():
        if not field.name.startswith("client."):
            for filled in (False, True):
                assert type(fields.sample(field.name, filled)) is types[field.type]

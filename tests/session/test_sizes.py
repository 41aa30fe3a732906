"""What replies tell about the room in a mailbox, and what they do not."""

from __future__ import annotations

import pytest

from mailproxy.events import Event, ExpireZero, GmailPop, MailboxSeen, OverQuota, QuotaSeen
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.imap_verbs import VERBS as IMAP
from mailproxy.proto.pop3_verbs import VERBS as POP3
from mailproxy.proto.smtp_verbs import VERBS as SMTP
from mailproxy.proto.tokens import Reply
from mailproxy.session.sizes import observers, untagged


def observe(protocol: str, verb: str, reply: Reply) -> Event | None:
    """What the reply tells, as a session asks for it."""
    observer = observers(protocol).get(verb)
    return observer(reply) if observer is not None else None


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b"+OK 2 320\r\n", MailboxSeen(2, 320)),
        (b"+OK 0 0\n", MailboxSeen(0, 0)),
        (b"+ok 12 9000000000 octets\r\n", MailboxSeen(12, 9_000_000_000)),
        (b"+OK 2 messages\r\n", None),
        (b"+OK 2 320x\r\n", None),
        (b"+OK two 320\r\n", None),
        (b"+OK  2 320\r\n", None),
        (b"+OK 1 " + b"9" * 19 + b"\r\n", None),
        (b"+OK\r\n", None),
        (b"-ERR 2 320\r\n", None),
    ],
)
def test_stat(line: bytes, event: MailboxSeen | None) -> None:
    assert observe("pop3", "STAT", Reply(line, "OK")) == event


@pytest.mark.parametrize(
    ("lines", "zero"),
    [
        (b"EXPIRE 0\r\n", True),
        (b"EXPIRE 0 USER\r\n", True),
        (b"USER\r\nexpire 0\r\nUIDL\r\n", True),
        (b"EXPIRE 0\n", True),
        (b"EXPIRE 30\r\n", False),
        (b"EXPIRE 05 USER\r\n", False),
        (b"EXPIRE NEVER\r\n", False),
        (b"EXPIRE\r\n", False),
        (b"X-EXPIRE 0\r\n", False),
        (b"IMPLEMENTATION EXPIRE 0\r\n", False),
        (b"EXPIRE 0 DAYS\r\n", False),
    ],
)
def test_expire(lines: bytes, zero: bool) -> None:
    reply = Reply(b"+OK capabilities\r\n" + lines + b".\r\n", "OK")
    assert observe("pop3", "CAPA", reply) == (ExpireZero() if zero else None)


def test_a_refused_capa_tells_nothing() -> None:
    assert observe("pop3", "CAPA", Reply(b"-ERR no\r\nEXPIRE 0\r\n", "ERR")) is None


@pytest.mark.parametrize(
    ("line", "gmail"),
    [
        (b"+OK Gpop ready for requests from 192.0.2.7 x1\r\n", True),
        (b"+OK gpop ready\r\n", True),
        (b"+OK Gpop readying\r\n", False),
        (b"+OK ready for Gpop ready\r\n", False),
        (b"-ERR Gpop ready\r\n", False),
    ],
)
def test_greeting(line: bytes, gmail: bool) -> None:
    assert observe("pop3", GREETING, Reply(line, "OK")) == (GmailPop() if gmail else None)


@pytest.mark.parametrize(
    ("verb", "line", "status", "where"),
    [
        ("APPEND", b"a1 NO [OVERQUOTA] Sorry\r\n", "NO", "imap APPEND"),
        ("UID COPY", b"a1 no [overquota] Sorry\r\n", "NO", "imap UID COPY"),
        ("APPEND", b"a1 NO [TRYCREATE] [OVERQUOTA]\r\n", "NO", None),
        ("APPEND", b"a1 NO over quota\r\n", "NO", None),
        ("APPEND", b"a1 OK [OVERQUOTA] stored\r\n", "OK", None),
        ("NOOP", b"a1 NO [OVERQUOTA] Sorry\r\n", "NO", None),
    ],
)
def test_imap_refusal(verb: str, line: bytes, status: str, where: str | None) -> None:
    event = observe("imap", verb, Reply(line, status, b"a1"))
    assert event == (OverQuota(where) if where else None)


@pytest.mark.parametrize(
    ("verb", "line", "over"),
    [
        ("RCPT", b"552 5.2.2 Mailbox full\r\n", True),
        ("RCPT", b"452 4.2.2 Mailbox full\r\n", True),
        ("RCPT", b"550 5.2.2 Mailbox full\r\n", True),
        ("DATA", b"552-5.2.2 The account\r\n552 5.2.2 is full\r\n", True),
        ("DATA", b"452 4.2.2 Quota\r\n", True),
        ("MAIL", b"452 4.2.2 Quota\r\n", True),
        ("RCPT", b"552 Exceeded storage allocation\r\n", True),
        ("DATA", b"552 Exceeded storage allocation\r\n", True),
        ("BDAT", b"452 Insufficient system storage\r\n", True),
        ("MAIL", b"452 Insufficient system storage\r\n", True),
        ("MAIL", b"552 Message size exceeds the maximum\r\n", False),
        ("MAIL", b"552 5.3.4 Message too big\r\n", False),
        ("RCPT", b"452 Too many recipients\r\n", False),
        ("RCPT", b"452 4.5.3 Too many recipients\r\n", False),
        ("DATA", b"552 5.2.3 Message too long\r\n", False),
        ("RCPT", b"550 5.1.1 No such user 5.2.2\r\n", False),
        ("RCPT", b"250 5.2.2 Accepted\r\n", False),
        ("NOOP", b"552 5.2.2 Mailbox full\r\n", False),
    ],
)
def test_smtp_refusal(verb: str, line: bytes, over: bool) -> None:
    event = observe("smtp", verb, Reply(line, line[:3].decode()))
    assert event == (OverQuota(f"smtp {verb}") if over else None)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b'* QUOTA "" (STORAGE 10 512)\r\n', QuotaSeen(10_240, 524_288)),
        (b"* quota root (storage 1 2)\r\n", QuotaSeen(1024, 2048)),
        (b'* QUOTA "a \\"b\\" (c" (MESSAGE 1 2 STORAGE 3 4)\r\n', QuotaSeen(3072, 4096)),
        (b'* QUOTA "User quota" (STORAGE 3 0 MESSAGE 1 2)\r\n', QuotaSeen(3072, 0)),
        (b'* QUOTA "" ()\r\n', None),
        (b'* QUOTA "" (MESSAGE 1 2)\r\n', None),
        (b'* QUOTA "" (X-STORAGE 1 2)\r\n', None),
        (b'* QUOTA "" (ANNOTATION-STORAGE 1 2)\r\n', None),
        (b'* QUOTA "" (STORAGE 1)\r\n', None),
        (b'* QUOTA "" (STORAGE -1 2)\r\n', None),
        (b'* QUOTA "" (STORAGE ' + b"9" * 16 + b" 2)\r\n", None),
        (b'* QUOTA "(STORAGE 1 2)"\r\n', None),
        (b"* QUOTA {4}\r\n", None),
        (b'* QUOTAROOT INBOX "" (STORAGE 1 2)\r\n', None),
        (b"* 3 EXISTS\r\n", None),
        (b"* NAMESPACE NIL NIL NIL\r\n", None),
        (b"*", None),
    ],
)
def test_untagged_quota(line: bytes, event: QuotaSeen | None) -> None:
    assert untagged(Reply(line, "", b"*", final=False)) == event


@pytest.mark.parametrize(
    ("line", "over"),
    [
        (b"* NO [OVERQUOTA] Soft quota has been exceeded\r\n", True),
        (b"* NO [ALERT] [OVERQUOTA]\r\n", False),
        (b"* NO no\r\n", False),
    ],
)
def test_untagged_no(line: bytes, over: bool) -> None:
    assert untagged(Reply(line, "NO", b"*", final=False)) == (OverQuota("imap") if over else None)


@pytest.mark.parametrize(("protocol", "verbs"), [("pop3", POP3), ("imap", IMAP), ("smtp", SMTP)])
def test_every_observed_verb_is_one(protocol: str, verbs: dict[str, object]) -> None:
    table = observers(protocol)
    assert table.keys() - {GREETING} <= verbs.keys()
    assert "NOOP" not in table
    assert "FETCH" not in table

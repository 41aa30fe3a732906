"""What is never let through, whatever the rules say, and when."""

from __future__ import annotations

import base64

import pytest

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Dialect, Limits, Refusal
from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.imap_verbs import VERBS as IMAP
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.pop3_verbs import VERBS as POP3
from mailproxy.proto.smtp_verbs import VERBS as SMTP
from mailproxy.proto.tokens import Command, Phase
from mailproxy.session.dialects import dialect_for
from mailproxy.session.options import Options
from mailproxy.session.screen import objection
from tests.proto.driving import Driver

TABLES = {"pop3": POP3, "imap": IMAP, "smtp": SMTP}
PLAIN = base64.b64encode(b"\0ann\0opensesame").decode()
MAIL = "S: 220\nC: EHLO me\nS: 250-x\nS: 250 CHUNKING\nC: MAIL FROM:<a@b>\nS: 250"
NO_CHUNKING = "S: 220\nC: EHLO me\nS: 250 x\nC: MAIL FROM:<a@b>\nS: 250"


def dialect_after(protocol: str, text: str = "") -> Dialect:
    policy = Policy(guard=True, starttls=False, login=True)
    return Driver(dialect_for(protocol, policy, Limits(), frozenset())).talk(text).dialect


def command(protocol: str, said: str, flaw: str = "") -> Command:
    verb, _, args = said.partition(" ")
    spec = TABLES[protocol].get(verb)
    return Command(verb, said.encode(), args.encode(), spec, b"a", flaw, parse=imap_fields)


def objected(
    protocol: str, said: str, text: str = "", *, tls: bool = False, flaw: str = "", **options: bool
) -> tuple[Refusal, str] | None:
    return objection(command(protocol, said, flaw), dialect_after(protocol, text), Options(**options), tls)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("protocol", "said", "kind"),
    [
        ("pop3", "DELE 1", None),
        ("pop3", "XNEW", Refusal.UNKNOWN),
        ("pop3", "XTND XMIT", Refusal.UNAVAILABLE),
        ("imap", "COMPRESS DEFLATE", Refusal.UNAVAILABLE),
        ("imap", "ENABLE CONDSTORE UTF8=accept", None),
        ("imap", "ENABLE CONDSTORE XNEW", Refusal.UNAVAILABLE),
        ("imap", "ENABLE", Refusal.UNAVAILABLE),
        ("imap", "LOGIN ann pw", None),
        ("imap", "LOGIN ann", Refusal.SYNTAX),
        ("imap", "AUTHENTICATE PLAIN", None),
        ("imap", f"AUTHENTICATE PLAIN {PLAIN}", None),
        ("imap", "AUTHENTICATE PLAIN %%%", Refusal.SYNTAX),
        ("imap", "AUTHENTICATE GSSAPI", Refusal.POLICY),
        ("imap", "AUTHENTICATE SCRAM-SHA-256-PLUS", Refusal.POLICY),
        ("imap", "AUTHENTICATE (", Refusal.SYNTAX),
        ("pop3", "AUTH", None),
        ("smtp", "TURN", Refusal.UNAVAILABLE),
        ("smtp", "XCLIENT NAME=x", Refusal.UNAVAILABLE),
        ("smtp", "NOOP", None),
    ],
)
def test_a_guarding_listener(protocol: str, said: str, kind: Refusal | None) -> None:
    found = objected(protocol, said)
    assert (found and found[0]) is kind


@pytest.mark.parametrize(
    ("protocol", "said", "kind"),
    [
        ("pop3", "XNEW", None),
        ("pop3", "XTND XMIT", None),
        ("imap", "ENABLE XNEW", None),
        ("imap", "LOGIN ann", None),
        ("imap", "AUTHENTICATE PLAIN %%%", None),
        ("imap", "AUTHENTICATE (", None),
        ("smtp", "BDAT x", None),
        ("smtp", "RCPT TO:<a@b>", None),
        ("imap", "COMPRESS DEFLATE", Refusal.UNAVAILABLE),
        ("smtp", "TURN", Refusal.UNAVAILABLE),
        ("smtp", "ATRN", Refusal.UNAVAILABLE),
        ("imap", "AUTHENTICATE GSSAPI", Refusal.POLICY),
    ],
)
def test_an_observing_listener_refuses_what_would_hide_the_stream(
    protocol: str, said: str, kind: Refusal | None
) -> None:
    found = objected(protocol, said, guard=False)
    assert (found and found[0]) is kind


@pytest.mark.parametrize(
    ("flaw", "kind"), [("a NUL octet", Refusal.SYNTAX), ("a literal that is too big", Refusal.TOO_BIG)]
)
def test_a_flaw_is_said(flaw: str, kind: Refusal) -> None:
    assert objected("imap", "NOOP", flaw=flaw) == (kind, f"Refused: {flaw}")
    assert objected("imap", "NOOP", flaw=flaw, guard=False) is None


def test_a_login_that_is_still_to_be_completed_is_no_objection() -> None:
    login = command("imap", "LOGIN {3}")
    login.partial = True
    assert objection(login, dialect_after("imap"), Options(), False) is None


@pytest.mark.parametrize(
    ("protocol", "said", "text", "kind"),
    [
        ("pop3", "STLS", "S: +OK", None),
        ("pop3", "STLS now", "S: +OK", Refusal.SYNTAX),
        ("pop3", "STLS", "S: +OK\nC: USER a\nS: +OK\nC: PASS b\nS: +OK", Refusal.SEQUENCE),
        ("pop3", "STLS", "S: +OK\nC: UTF8\nS: +OK", Refusal.SEQUENCE),
        ("imap", "STARTTLS", "S: * OK", None),
        ("imap", "STARTTLS", "S: * PREAUTH", Refusal.SEQUENCE),
        ("imap", "STARTTLS", "S: * PREAUTH\nC: a SELECT x\nS: a OK", Refusal.SEQUENCE),
        ("smtp", "STARTTLS", "S: 220\nC: EHLO me\nS: 250 x", None),
        ("smtp", "STARTTLS", MAIL, Refusal.SEQUENCE),
    ],
)
def test_when_tls_may_begin(protocol: str, said: str, text: str, kind: Refusal | None) -> None:
    found = objected(protocol, said, text, starttls=True)
    assert (found and found[0]) is kind
    again = objected(protocol, said, text, starttls=True, tls=True)
    assert again == (Refusal.SEQUENCE, "TLS is already active")
    never = objected(protocol, said, text)
    assert never == (Refusal.UNAVAILABLE, "TLS is not available on this port")


@pytest.mark.parametrize(
    ("protocol", "said", "refused"),
    [
        ("pop3", "USER ann", True),
        ("pop3", "PASS x", True),
        ("pop3", "APOP ann x", True),
        ("pop3", "AUTH PLAIN", True),
        ("pop3", "CAPA", False),
        ("imap", "LOGIN ann x", True),
        ("imap", "AUTHENTICATE PLAIN", True),
        ("imap", "CAPABILITY", False),
        ("smtp", "AUTH PLAIN", True),
        ("smtp", "MAIL FROM:<a@b>", True),
        ("smtp", "VRFY ann", True),
        ("smtp", "EHLO me", False),
        ("smtp", "QUIT", False),
    ],
)
def test_where_tls_is_required_nothing_private_goes_before_it(
    protocol: str, said: str, refused: bool
) -> None:
    for guard in (True, False):
        found = objected(protocol, said, tls_required=True, guard=guard)
        assert (found is not None and found[0] is Refusal.PRIVACY) is refused
    found = objected(protocol, said, tls_required=True, tls=True)
    assert found is None or found[0] is not Refusal.PRIVACY


@pytest.mark.parametrize(
    ("text", "said", "kind"),
    [
        (MAIL, "RCPT TO:<a@b>", None),
        (MAIL, "BDAT 5", None),
        (MAIL, "BDAT five", Refusal.SYNTAX),
        (MAIL, "BDAT", Refusal.SYNTAX),
        (NO_CHUNKING, "BDAT 5", Refusal.UNAVAILABLE),
        ("S: 220", "RCPT TO:<a@b>", Refusal.SEQUENCE),
        ("S: 220", "DATA", Refusal.SEQUENCE),
        ("S: 220", "BDAT 5", Refusal.SEQUENCE),
        ("S: 220", "MAIL FROM:<a@b>", None),
    ],
)
def test_the_sequence_of_smtp(text: str, said: str, kind: Refusal | None) -> None:
    found = objected("smtp", said, text)
    assert (found and found[0]) is kind


@pytest.mark.parametrize("said", ["MAIL FROM:<a@b>", "AUTH PLAIN", "VRFY a", "NOOP", "EHLO me", "RSET"])
def test_behind_starttls_comes_ehlo(said: str) -> None:
    dialect = dialect_after("smtp", "S: 220\nC: EHLO me\nS: 250 x")
    dialect.restarted()
    found = objection(command("smtp", said), dialect, Options(), True)
    needs = said.split()[0] in ("MAIL", "AUTH", "VRFY")
    assert found == ((Refusal.SEQUENCE, "Send EHLO first") if needs else None)


def test_pop3_after_utf8_is_a_fact_of_its_dialect() -> None:
    dialect = dialect_after("pop3", "S: +OK\nC: UTF8\nS: +OK")
    assert isinstance(dialect, Pop3)
    assert (dialect.utf8, dialect.phase) == (True, Phase.AUTHORIZATION)

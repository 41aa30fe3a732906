"""Logins that are made anew, whatever the capture has of them."""

from __future__ import annotations

import base64
from hashlib import md5

import pytest

from mailproxy.replay.client_account import Account
from mailproxy.replay.client_login import Offer
from mailproxy.replay.compare_answer import Answer
from tests.replay.client_scene import ACCOUNT, played, script

PASSWORD = ACCOUNT.password


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = coded(f"\0aiko\0{PASSWORD}")
BEARER = coded(f"user=aiko\x01auth=Bearer {PASSWORD}\x01\x01")
APOP_LIVE = md5(f"<9.9@live>{PASSWORD}".encode()).hexdigest()

# What was captured, what is said now, and what is noted about it.
LOGINS: list[tuple[str, str, str, list[str]]] = [
    (
        "pop3",
        "S: +OK\nC: USER wrong\nS: +OK\nC: PASS ****\nS: +OK in",
        f"S: +OK\nC: USER aiko\nS: +OK\nC: PASS {PASSWORD}\nS: +OK in",
        [],
    ),
    (
        "pop3",
        "S: +OK <1.1@then>\nC: APOP aiko 00000000000000000000000000000000\nS: +OK in",
        f"S: +OK <9.9@live>\nC: APOP aiko {APOP_LIVE}\nS: +OK in",
        [],
    ),
    (
        "pop3",
        "S: +OK <1.1@then>\nC: APOP aiko 00000000000000000000000000000000\nS: +OK in",
        f"S: +OK\nC: USER aiko\nS: +OK\nC: PASS {PASSWORD}\nS: +OK in",
        ["no APOP: the server's greeting has no timestamp"],
    ),
    (
        "pop3",
        "S: +OK\nC: AUTH PLAIN\nS: + \nC: ****\nS: +OK in",
        f"S: +OK\nC: AUTH PLAIN\nS: + \nC: {PLAIN}\nS: +OK in",
        [],
    ),
    (
        "pop3",
        "S: +OK\nC: CAPA\nS: +OK\nS: SASL NTLM PLAIN\nS: .\nC: AUTH NTLM\nS: + \nC: ****\nS: +OK in",
        f"S: +OK\nC: CAPA\nS: +OK\nS: SASL NTLM PLAIN\nS: .\nC: AUTH PLAIN\nS: + \nC: {PLAIN}\nS: +OK in",
        ["NTLM cannot be replayed; PLAIN was taken instead"],
    ),
    (
        "pop3",
        "S: +OK\nC: AUTH NTLM\nS: + \nC: ****\nS: +OK in",
        f"S: +OK\nC: USER aiko\nS: +OK\nC: PASS {PASSWORD}\nS: +OK in",
        ["NTLM cannot be replayed; the plain login was taken instead"],
    ),
    (
        "imap",
        "S: * OK\nC: a LOGIN {4}\nS: + go\nC: aiko ****\nS: a OK in",
        f'S: * OK\nC: a LOGIN "aiko" "{PASSWORD}"\nS: a OK in',
        [],
    ),
    (
        "imap",
        "S: * OK\nC: a AUTHENTICATE PLAIN ****\nS: a OK in",
        f"S: * OK\nC: a AUTHENTICATE PLAIN {PLAIN}\nS: a OK in",
        [],
    ),
    (
        "imap",
        "S: * OK\nC: a AUTHENTICATE GSSAPI\nS: +\nC: ****\nS: a OK in",
        f'S: * OK\nC: a LOGIN "aiko" "{PASSWORD}"\nS: a OK in',
        ["GSSAPI cannot be replayed; the plain login was taken instead"],
    ),
    (
        "imap",
        "S: * OK\nC: a AUTHENTICATE GSSAPI\nS: +\nC: ****\nS: a OK in",
        f"S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\nC: a AUTHENTICATE PLAIN\nS: +\nC: {PLAIN}\nS: a OK in",
        ["GSSAPI cannot be replayed; PLAIN was taken instead"],
    ),
    (
        "smtp",
        "S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ****\nS: 334 UGFzc3dvcmQ6\nC: ****\nS: 235 in",
        "S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
        f"C: {coded('aiko')}\nS: 334 UGFzc3dvcmQ6\nC: {coded(PASSWORD)}\nS: 235 in",
        [],
    ),
    (
        "smtp",
        "S: 220 x\nC: AUTH XOAUTH2 ****\nS: 235 in",
        f"S: 220 x\nC: AUTH XOAUTH2 {BEARER}\nS: 235 in",
        [],
    ),
]


@pytest.mark.parametrize(("protocol", "captured", "live", "notes"), LOGINS)
async def test_logins(protocol: str, captured: str, live: str, notes: list[str]) -> None:
    play = await played(script(protocol, captured), live)
    assert play.failed == ""
    assert play.outcomes[-1].notes == notes
    assert play.outcomes[-1].answer is not None
    assert play.outcomes[-1].answer.status in ("OK", "235")


async def test_a_challenge_that_goes_on_is_given_up() -> None:
    captured = "S: 220 x\nC: AUTH PLAIN ****\nS: 535 no"
    live = f"S: 220 x\nC: AUTH PLAIN {PLAIN}\nS: 334 \nC: *\nS: 501 cancelled"
    play = await played(script("smtp", captured), live)
    assert play.failed == ""


async def test_a_challenge_that_is_none() -> None:
    captured = "S: 220 x\nC: AUTH CRAM-MD5\nS: 334 PDFAeD4=\nC: ****\nS: 235 in"
    play = await played(script("smtp", captured), "S: 220 x\nC: AUTH CRAM-MD5\nS: 334 !x")
    assert play.failed == "the login cannot be made: the server's challenge is not in base64"


async def test_a_password_that_is_not_ascii() -> None:
    account = Account("aiko", "grün")
    captured = "S: * OK\nC: a LOGIN aiko ****\nS: a OK in"
    live = 'S: * OK\nC: a LOGIN "aiko" {5}\nS: + go\nC: grün\nS: a OK in'
    play = await played(script("imap", captured), live, account=account)
    assert play.failed == ""


async def test_quotes_in_a_password() -> None:
    account = Account("aiko", 'a"b\\c')
    captured = "S: * OK\nC: a LOGIN aiko ****\nS: a OK in"
    live = 'S: * OK\nC: a LOGIN "aiko" "a\\"b\\\\c"\nS: a OK in'
    assert (await played(script("imap", captured), live, account=account)).failed == ""


def test_offers() -> None:
    offer = Offer()
    offer.learn("imap", "LOGIN", Answer("OK", b"[CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN] in"))
    assert offer.names >= {"LITERAL+", "IMAP4REV1"}
    assert offer.mechanisms == ["PLAIN"]
    offer.learn("imap", "CAPABILITY", Answer("OK", b"x", [b"CAPABILITY IMAP4rev1"]))
    assert offer.names == {"IMAP4REV1"}
    offer.learn("smtp", "EHLO", Answer("250", b"", [b"x", b"AUTH PLAIN LOGIN"]))
    assert offer.mechanisms == ["PLAIN", "LOGIN"]

"""Logins out of captures without secrets: a guarding session has to take them, for the right user."""

from __future__ import annotations

import pytest

from mailproxy.proto.sasl import SaslExchange
from mailproxy.whatif.logins import Login


@pytest.mark.parametrize(
    ("verb", "line", "made"),
    [
        ("PASS", b"PASS ******\r\n", b"PASS ******\r\n"),
        ("APOP", b"APOP aiko " + b"*" * 32 + b"\r\n", b"APOP aiko " + b"0" * 32 + b"\r\n"),
        ("APOP", b"APOP aiko " + b"a1" * 16 + b"\r\n", b"APOP aiko " + b"a1" * 16 + b"\r\n"),
        ("LOGIN", b"a LOGIN aiko ***\r\n", b"a LOGIN aiko xxx\r\n"),
        ("LOGIN", b'a LOGIN aiko "***"\r\n', b'a LOGIN aiko "***"\r\n'),
        ("LOGIN", b"a LOGIN aiko {3}\r\n", b"a LOGIN aiko {3}\r\n"),
        ("AUTH", b"AUTH PLAIN\r\n", b"AUTH PLAIN\r\n"),
        ("AUTH", b"AUTH PLAIN *\r\n", b"AUTH PLAIN =\r\n"),
        ("AUTH", b"AUTH PLAIN AGFpa28AeA==\r\n", b"AUTH PLAIN AGFpa28AeA==\r\n"),
        ("AUTH", b"AUTH NTLM ****\r\n", b"AUTH NTLM ****\r\n"),
    ],
)
def test_the_command(verb: str, line: bytes, made: bytes) -> None:
    args = line.rstrip().partition(verb.encode() + b" ")[2]
    assert Login(verb, args, "aiko").command(line) == made


MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", ["aiko@example.com", "a=b,c", "あいこ"])
@pytest.mark.parametrize("initial", [True, False])
def test_who_logs_in(mechanism: str, user: str, initial: bool) -> None:
    login = Login("AUTHENTICATE", mechanism.encode(), user)
    if initial:
        line = login.command(b"a AUTHENTICATE " + mechanism.encode() + b" ********\r\n")
        response = line.rstrip().rpartition(b" ")[2]
    else:
        response = login.response(b"********\r\n")
    exchange = SaslExchange(mechanism)
    exchange.client(response)
    assert not exchange.flaw
    assert (exchange.authzid or exchange.user) == user


def test_two_responses() -> None:
    login = Login("AUTH", b"LOGIN", "aiko")
    assert login.response(b"********\r\n") == b"YWlrbw==\r\n"
    assert login.response(b"****\r\n") == b"eA==\r\n"
    assert login.response(b"****\r\n") == b"****\r\n"  # nothing is known of a third


def test_an_exchange_that_is_given_up() -> None:
    assert Login("AUTH", b"PLAIN", "aiko").response(b"*\r\n") == b"*\r\n"

"""The capabilities of an IMAP server that is played."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.imap_offers import Offers
from mailproxy.player.imap_world import World
from mailproxy.player.terms import Tls
from tests.player.recording import recorded

SESSION = """
S: * OK hi
C: a CAPABILITY
S: * CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-1 AUTH=CRAM-MD5 STARTTLS SASL-IR
S: a OK
C: b LOGIN x y
S: b OK in
C: c CAPABILITY
S: * CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE COMPRESS=DEFLATE
S: c OK
"""
BEFORE = b"IMAP4rev1 AUTH=CRAM-MD5 SASL-IR"


@pytest.mark.parametrize(
    ("tls", "logged_in", "secure", "offered"),
    [
        ("none", False, False, BEFORE),
        ("implicit", False, True, BEFORE),
        ("starttls", False, False, BEFORE + b" STARTTLS"),
        ("starttls", False, True, BEFORE),
        ("none", True, False, b"IMAP4rev1 IDLE"),
        ("starttls", True, False, b"IMAP4rev1 IDLE"),
    ],
)
def test_what_is_offered(store: BodyStore, tls: Tls, logged_in: bool, secure: bool, offered: bytes) -> None:
    world = World(recorded("imap", SESSION, store))
    assert Offers(world, tls).now(logged_in=logged_in, secure=secure) == offered


def test_without_any_in_the_capture(store: BodyStore) -> None:
    offers = Offers(World(recorded("imap", "S: * OK hi\nC: a NOOP\nS: a OK\n", store)), "none")
    assert offers.now(logged_in=False, secure=False) == b"IMAP4rev1 AUTH=PLAIN"
    assert offers.now(logged_in=True, secure=False) == b"IMAP4rev1"


def test_the_list_before_starttls_says_nothing_of_logins(store: BodyStore) -> None:
    session = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\nC: a NOOP\nS: a OK\n"
    world = World(recorded("imap", session, store))
    assert Offers(world, "none").now(logged_in=False, secure=False) == b"IMAP4rev1 AUTH=PLAIN"
    in_clear = Offers(world, "starttls").now(logged_in=False, secure=False)
    assert in_clear == b"IMAP4rev1 STARTTLS LOGINDISABLED"

"""Logging in to a player."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode

import pytest

from mailproxy.player.login import Attempt, Challenge, Gate, Outcome, fresh_timestamp, name_of

GATE = Gate(lambda user: b"sesame" if user == "aiko" else None)
ANYBODY = Gate(None)


def b64(octets: bytes) -> bytes:
    return b64encode(octets)


def test_passwords() -> None:
    assert GATE.admits("aiko", b"sesame")
    assert not GATE.admits("aiko", b"Sesame")
    assert not GATE.admits("bob", b"sesame")
    assert ANYBODY.admits("bob", b"")


@pytest.mark.parametrize("digest", [b"", b"0" * 32, b"\xff" * 32])
def test_wrong_digests(digest: bytes) -> None:
    for gate, admitted in ((GATE, False), (ANYBODY, True)):
        assert gate.admits_apop("aiko", b"<1@a>", digest) is admitted
        assert gate.admits_cram("aiko", b"<1@a>", digest) is admitted
    assert not GATE.admits_apop("bob", b"<1@a>", digest)
    assert not GATE.admits_cram("bob", b"<1@a>", digest)


def test_the_example_of_rfc_1939() -> None:
    gate = Gate(lambda user: b"tanstaaf")
    stamp, digest = b"<1896.697170952@dbc.mtview.ca.us>", b"c4c9334bac560ecc979e58001b3e22fb"
    assert gate.admits_apop("mrose", stamp, digest)
    assert gate.admits_apop("mrose", stamp, digest.upper())


def test_the_example_of_rfc_2195() -> None:
    gate = Gate(lambda user: b"tanstaaftanstaaf")
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert gate.admits_cram("tim", challenge, b"b913a602c7eda7a495b4e6e7334d3890")


@pytest.mark.parametrize(
    ("mechanism", "said", "outcome"),
    [
        ("PLAIN", [b64(b"\0aiko\0sesame")], Outcome("aiko", True)),
        ("PLAIN", [b64(b"boss\0aiko\0sesame")], Outcome("aiko", True)),
        ("PLAIN", [b64(b"\0aiko\0no")], Outcome("aiko", False)),
        ("PLAIN", [b64(b"aiko\0sesame")], Outcome(malformed=True)),
        ("PLAIN", [b"="], Outcome(malformed=True)),
        ("PLAIN", [b"a b"], Outcome(malformed=True)),
        ("LOGIN", [b64(b"aiko"), b64(b"sesame")], Outcome("aiko", True)),
        ("LOGIN", [b64(b"aiko"), b64(b"")], Outcome("aiko", False)),
        ("LOGIN", [b"?"], Outcome(malformed=True)),
        ("CRAM-MD5", [b64(b"aiko 00")], Outcome("aiko", False)),
        ("CRAM-MD5", [b64(b"aiko")], Outcome(malformed=True)),
    ],
)
def test_attempts(mechanism: str, said: list[bytes], outcome: Outcome) -> None:
    for initial in (True, False):
        attempt = Attempt(mechanism, GATE)
        step = attempt.start(said[0] if initial else None)
        for line in said[1:] if initial else said:
            assert isinstance(step, Challenge)
            step = attempt.respond(line)
        assert step == outcome


def test_cram_md5_has_a_challenge_of_its_own_each_time() -> None:
    attempts = [Attempt("CRAM-MD5", GATE) for _ in range(2)]
    first, second = (attempt.start(None) for attempt in attempts)
    assert isinstance(first, Challenge)
    assert first != second
    digest = hmac.new(b"sesame", b64decode(first.text), "md5").hexdigest()
    answer = b64(f"aiko {digest}".encode())
    assert attempts[0].respond(answer) == Outcome("aiko", True)
    assert attempts[1].respond(answer) == Outcome("aiko", False)


def test_mechanisms_that_cannot_be_played() -> None:
    for name in ("SCRAM-SHA-256", "XOAUTH2", "plain", ""):
        with pytest.raises(ValueError, match="cannot be played"):
            Attempt(name, GATE)


def test_timestamps_and_names() -> None:
    assert fresh_timestamp("a.example") != fresh_timestamp("a.example")
    assert fresh_timestamp("ä").isascii()
    assert name_of(b"\xffa") == "\\xffa"
    assert len(name_of(b"a" * 9999)) == 512

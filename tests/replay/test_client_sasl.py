"""SASL mechanisms, against the examples of their RFCs where there are any."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha1, sha256
from typing import Any

import pytest

from mailproxy.replay import client_sasl
from mailproxy.replay.client_account import Account
from mailproxy.replay.client_sasl import Responses, SaslFailed, best, responses


def speak(mechanism: str, user: str = "tim", password: str = "tanstaaftanstaaf") -> Responses:
    spoken = responses(mechanism, Account(user, password), "mail.example.test", 993)
    assert spoken is not None
    return spoken


def test_plain() -> None:
    assert next(speak("PLAIN")) == b"\0tim\0tanstaaftanstaaf"


def test_login() -> None:
    spoken = speak("LOGIN")
    assert [next(spoken), spoken.send(b"Username:"), spoken.send(b"Password:")] == [
        None,
        b"tim",
        b"tanstaaftanstaaf",
    ]


def test_cram_md5_of_the_rfc() -> None:
    spoken = speak("CRAM-MD5")  # RFC 2195 §2
    assert next(spoken) is None
    answer = spoken.send(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_scram_sha_1_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_sasl.secrets, "token_urlsafe", lambda _: "fyko+d2lbbFgONRv9qkxdawL")
    spoken = speak("SCRAM-SHA-1", "user", "pencil")  # RFC 5802 §5
    assert next(spoken) == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    nonce = b"fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    assert spoken.send(b"r=" + nonce + b",s=QSXCR+Q6sek8bf92,i=4096") == (
        b"c=biws,r=" + nonce + b",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    assert spoken.send(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""


@pytest.mark.parametrize(("name", "digest"), [("SCRAM-SHA-1", sha1), ("SCRAM-SHA-256", sha256)])
def test_scram_proves_the_password(name: str, digest: Any) -> None:
    spoken = speak(name)
    first = next(spoken)
    assert first is not None
    challenge = first[3:].partition(b"r=")[2] + b"server"
    told = b"r=" + challenge + b",s=" + b64encode(b"salt") + b",i=10"
    final = spoken.send(told)
    assert final is not None
    bare, _, proof = final.rpartition(b",p=")
    salted = pbkdf2_hmac(digest().name, b"tanstaaftanstaaf", b"salt", 10)
    key = hmac.new(salted, b"Client Key", digest).digest()
    message = first[3:] + b"," + told + b"," + bare
    signature = hmac.new(digest(key).digest(), message, digest).digest()
    assert bytes(a ^ b for a, b in zip(b64decode(proof), signature, strict=True)) == key
    with pytest.raises(SaslFailed, match="signature"):
        spoken.send(b"v=AAAA")


@pytest.mark.parametrize(
    "challenge",
    [b"", b"r=other,s=QSXC,i=4096", b"r=NONCEx,s=,i=4096", b"r=NONCEx,s=QSXC,i=no", b"r=NONCEx,s=!,i=5"],
)
def test_scram_with_a_server_that_speaks_none(challenge: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_sasl.secrets, "token_urlsafe", lambda _: "NONCE")
    spoken = speak("SCRAM-SHA-256")
    next(spoken)
    with pytest.raises(SaslFailed, match="none of SCRAM"):
        spoken.send(challenge)


@pytest.mark.parametrize("rounds", [b"1000001", b"99999999999999999999"])
def test_scram_with_endless_work(rounds: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_sasl.secrets, "token_urlsafe", lambda _: "NONCE")
    spoken = speak("SCRAM-SHA-256")
    next(spoken)
    with pytest.raises(SaslFailed, match="1000000 rounds"):
        spoken.send(b"r=NONCEx,s=QSXC,i=" + rounds)


def test_tokens() -> None:
    assert next(speak("XOAUTH2")) == b"user=tim\x01auth=Bearer tanstaaftanstaaf\x01\x01"
    bearer = next(speak("OAUTHBEARER", "a,b"))
    assert bearer is not None
    assert bearer.startswith(b"n,a=a=2Cb,\x01host=mail.example.test\x01port=993\x01auth=Bearer ")


def test_what_is_not_spoken() -> None:
    assert responses("GSSAPI", Account("a", "b"), "", 0) is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("PLAIN", "login", "scram-sha-1"), "SCRAM-SHA-1"),
        (("LOGIN", "PLAIN"), "PLAIN"),
        (("XOAUTH2", "GSSAPI"), ""),
        ((), ""),
    ],
)
def test_the_best(offered: tuple[str, ...], chosen: str) -> None:
    assert best(offered) == chosen

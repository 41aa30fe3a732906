"""Who is logging in, seen from the client's base64 lines; and which mechanisms cannot pass."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.sasl import SaslExchange, always_hidden, hidden_mechanisms

SECRET = b"tanstaaftanstaaf"


def ran(mechanism: str, *lines: bytes) -> SaslExchange:
    exchange = SaslExchange(mechanism)
    for line in lines:
        exchange.client(line)
    return exchange


def enc(message: bytes) -> bytes:
    return b64encode(message)


@pytest.mark.parametrize(
    ("mechanism", "lines", "user"),
    [
        ("PLAIN", [b"AHRlc3QAdGVzdA=="], "test"),  # RFC 4954 §4.3 writes dGVzdAB0ZXN0ADEyMzQ=
        ("PLAIN", [b"dGVzdAB0ZXN0ADEyMzQ=\r\n"], "test"),
        ("plain", [enc(b"admin\0tim\0" + SECRET)], "tim"),
        ("PLAIN", [b"=", enc(b"\0late\0pw")], ""),  # an empty response was already the whole of it
        ("LOGIN", [enc(b"aiko@example.jp"), enc(SECRET)], "aiko@example.jp"),
        ("LOGIN", [enc(b"a b"), b"*"], ""),
        ("CRAM-MD5", [b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"], "tim"),  # RFC 2195 §2
        ("CRAM-MD5", [enc(b"two words b913a602c7eda7a495b4e6e7334d3890")], "two words"),
        (
            "DIGEST-MD5",  # RFC 2831 §4
            [
                enc(
                    b'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",'
                    b'nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",'
                    b"response=d388dad90d4bbd760a152321f2143af7,qop=auth"
                )
            ],
            "chris",
        ),
        ("DIGEST-MD5", [enc(b'realm="x,username=\\"no\\"",username="a\\"b"')], 'a"b'),
        ("SCRAM-SHA-1", [enc(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")], "user"),  # RFC 5802 §5
        ("SCRAM-SHA-256", [enc(b"y,,n=a=2Cb=3Dc,r=x"), enc(b"c=biws,r=x,p=v0X8")], "a,b=c"),
        ("SCRAM-SHA-256", [enc(b"n,a=boss,n=clerk,r=x")], "clerk"),
        (
            "XOAUTH2",
            [enc(b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRh\x01\x01")],
            "someuser@example.com",
        ),
        (
            "OAUTHBEARER",  # RFC 7628 §4.1
            [enc(b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9\x01\x01")],
            "user@example.com",
        ),
        ("OAUTHBEARER", [enc(b"n,,\x01auth=Bearer x\x01\x01"), b"AQ=="], ""),
        ("EXTERNAL", [enc(b"fred@example.com")], "fred@example.com"),
        ("EXTERNAL", [b"="], ""),
        ("ANONYMOUS", [enc(b"sirhc")], "anonymous"),
        ("X-NEW", [enc(b"somebody"), enc(SECRET)], ""),
        ("GSSAPI", [enc(b"somebody")], ""),
    ],
)
def test_user(mechanism: str, lines: list[bytes], user: str) -> None:
    assert ran(mechanism, *lines).user == user


@pytest.mark.parametrize(
    ("mechanism", "message", "authzid"),
    [
        ("PLAIN", b"boss\0clerk\0pw", "boss"),
        ("SCRAM-SHA-1", b"n,a=boss,n=clerk,r=x", "boss"),
        ("DIGEST-MD5", b'username="clerk",authzid="boss"', "boss"),
        ("PLAIN", b"\0clerk\0pw", ""),
    ],
)
def test_whom_the_user_acts_as(mechanism: str, message: bytes, authzid: str) -> None:
    exchange = ran(mechanism, enc(message))
    assert (exchange.user, exchange.authzid) == ("clerk", authzid)


@pytest.mark.parametrize(
    ("mechanism", "line"),
    [
        ("PLAIN", b"!!!"),
        ("PLAIN", b"AHRlc3QAdGVzdA"),  # no padding
        ("PLAIN", b"AHRl c3QA dGVzdA=="),
        ("PLAIN", enc(b"one\0two")),
        ("PLAIN", enc(b"\0u\0p\0w")),
        ("CRAM-MD5", enc(b"nodigest")),
        ("DIGEST-MD5", enc(b'username="a",username="b"')),
        ("DIGEST-MD5", enc(b'realm="never closed')),
        ("SCRAM-SHA-1", enc(b"n,,m=ext,n=user,r=x")),
        ("OAUTHBEARER", enc(b"nonsense")),
        ("XOAUTH2", enc(b"auth=Bearer x\x01\x01")),
        ("PLAIN", b"A"),
        ("DIGEST-MD5", enc(b'realm="x"')),
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_flawed(mechanism: str, line: bytes) -> None:
    assert ran(mechanism, line).flaw


def test_base64_that_a_lenient_server_would_read_still_names_the_user() -> None:
    assert ran("PLAIN", b"AHRlc3QAdGVzdA").user == "test"


@pytest.mark.parametrize(
    ("name", "user"),
    [
        (b"a\r\nb OK", "a\r\nb OK"),  # text as it is: those who print it escape it
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf\\xe9"),
        (b"x" * 65_536, "x" * 512),
        ("あ".encode() * 600, "あ" * 512),
    ],
)
def test_names_are_bounded_text(name: bytes, user: str) -> None:
    assert ran("LOGIN", enc(name)).user == user


@pytest.mark.parametrize(
    ("mechanism", "lines"),
    [
        ("PLAIN", [enc(b"\0tim\0" + SECRET)]),
        ("LOGIN", [enc(b"tim"), enc(SECRET)]),
        ("CRAM-MD5", [enc(b"tim " + SECRET)]),
        ("XOAUTH2", [enc(b"user=tim\x01auth=Bearer " + SECRET + b"\x01\x01")]),
        ("OAUTHBEARER", [enc(b"n,a=tim,\x01auth=Bearer " + SECRET + b"\x01\x01")]),
        ("X-NEW", [enc(SECRET)] * 5),
        ("PLAIN", [enc(SECRET)]),
    ],
)
def test_nothing_of_a_secret_is_kept(mechanism: str, lines: list[bytes]) -> None:
    exchange = ran(mechanism, *lines)
    kept = repr([getattr(exchange, name) for name in SaslExchange.__slots__]) + repr(exchange)
    assert SECRET.decode() not in kept
    assert all(line.decode() not in kept for line in lines[-1:])


@given(
    mechanism=st.sampled_from(
        [
            "PLAIN",
            "LOGIN",
            "CRAM-MD5",
            "DIGEST-MD5",
            "SCRAM-SHA-256",
            "XOAUTH2",
            "OAUTHBEARER",
            "EXTERNAL",
            "X",
        ]
    ),
    lines=st.lists(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(enc)), max_size=4),
)
def test_any_lines_give_a_bounded_name(mechanism: str, lines: list[bytes]) -> None:
    user = ran(mechanism, *lines).user
    assert len(user) <= 512
    user.encode()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_plain_gives_back_any_name(name: str) -> None:
    assert ran("PLAIN", enc(b"\0" + name.encode() + b"\0pw")).user == name


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_scram_gives_back_any_name(name: str) -> None:
    escaped = name.replace("=", "=3D").replace(",", "=2C").encode()
    assert ran("SCRAM-SHA-256", enc(b"n,,n=" + escaped + b",r=x")).user == name


@pytest.mark.parametrize(
    "name",
    [
        *("GSSAPI", "GS2-KRB5", "GSS-SPNEGO", "NTLM", "DIGEST-MD5", "EXTERNAL", "SRP", "KERBEROS_V4"),
        *("SCRAM-SHA-1-PLUS", "scram-sha-256-plus", "GS2-KRB5-PLUS"),
    ],
)
def test_always_hidden(name: str) -> None:
    assert always_hidden(name)


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "SCRAM-SHA-256", "X-NEW"])
def test_passes(name: str) -> None:
    assert not always_hidden(name)


@pytest.mark.parametrize(
    ("offered", "hidden"),
    [
        ("PLAIN LOGIN SCRAM-SHA-1", ""),
        ("PLAIN GSSAPI ntlm", "GSSAPI NTLM"),
        # RFC 5802 §6: with one -PLUS hidden the others could only fail.
        (
            "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
        ),
    ],
)
def test_hidden_mechanisms(offered: str, hidden: str) -> None:
    assert hidden_mechanisms(offered.split()) == frozenset(hidden.split())

"""Where the secrets of IMAP commands stand, and that none is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.imap_args import login_arguments, mask
from mailproxy.proto.tokens import BadArguments


@pytest.mark.parametrize(
    ("args", "user", "secret"),
    [
        (b"SMITH SESAME", "SMITH", b"SESAME"),  # RFC 9051 §6.2.3
        (b'u "p\\"w\\\\x"', "u", b'p\\"w\\\\x'),
        (b"{1}\r\nu {3}\r\npw1", "u", b"pw1"),
        (b'{1}\r\nu "pw1"', "u", b"pw1"),
        (b'"a b" {3+}\r\np"1', "a b", b'p"1'),
        (b'"caf\xe9" x', "caf\\xe9", b"x"),
        (b'u ""', "u", b""),
        (b"u {3}", "u", b""),
        (b"u {3}\r\n", "u", b""),
        (b"u {0}\r\n", "u", b""),
        (b'"' + b"x" * 1000 + b'" p', "x" * 512, b"p"),
    ],
)
def test_login(args: bytes, user: str, secret: bytes) -> None:
    found, start, end = login_arguments(args)
    assert (found, args[start:end]) == (user, secret)


@pytest.mark.parametrize(
    "args",
    [b"", b"u", b"u ", b"u  p", b"u p ", b"u p q", b'u "p', b"{1}", b"{1}\r\nup", b"u {2}\r\nx", b"u\tp"],
)
def test_login_that_is_none(args: bytes) -> None:
    with pytest.raises(BadArguments):
        login_arguments(args)
    assert mask("LOGIN", args) == (b"***" if args else b"")


TOKEN = b"internal:91354a473744909de610943775f92038"


@pytest.mark.parametrize(
    ("verb", "args", "shown"),
    [
        ("LOGIN", b"SMITH SESAME", b"SMITH ***"),
        ("LOGIN", b'u "p\\"w\\\\x"', b'u "***"'),
        ("LOGIN", b"{1}\r\nu {3+}\r\npw1", b"{1}\r\nu {3+}\r\n***"),
        ("LOGIN", b"u {3}", b"u {3}"),
        ("AUTHENTICATE", b"PLAIN dGVzdAB0ZXN0AHRlc3Q=", b"PLAIN ***"),
        ("AUTHENTICATE", b"PLAIN", b"PLAIN"),
        ("AUTHENTICATE", b"PLAIN  dGVzdA==", b"PLAIN ***"),
        ("AUTHENTICATE", b"PLAIN\tdGVzdA==", b"***"),
        ("AUTHENTICATE", b"dGVzdAB0ZXN0AHRlc3Q=", b"***"),
        ("AUTHENTICATE", b"", b""),
        # RFC 4467 §6, §9
        (
            "URLFETCH",
            b'"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:'
            + TOKEN
            + b'" "imap://x"',
            b'"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=***" "imap://x"',
        ),
        ("URLFETCH", b"imap://x;URLAUTH=anonymous:" + TOKEN, b"imap://x;URLAUTH=***"),
        ("GENURLAUTH", b'"imap://x;URLAUTH=anonymous" INTERNAL', b'"imap://x;URLAUTH=***" INTERNAL'),
        ("URLFETCH", b'"imap://x;URLAUTH=a:\\"' + TOKEN + b'"', b'"imap://x;URLAUTH=***"'),
        ("APPEND", b'x CATENATE (URL "/x;URLAUTH=a:' + TOKEN + b'")', b'x CATENATE (URL "/x;URLAUTH=***")'),
        ("SETMETADATA", b'INBOX (/private/comment "x")', b'INBOX (/private/comment "x")'),
        ("SELECT", b"INBOX", b"INBOX"),
    ],
)
def test_mask(verb: str, args: bytes, shown: bytes) -> None:
    assert mask(verb, args) == shown


_SECRETS = st.binary(min_size=1, max_size=20).map(lambda octets: b"<<" + octets.replace(b"\0", b"0") + b">>")


@given(
    secret=_SECRETS,
    form=st.integers(0, 3),
    user=st.sampled_from([b"u", b'"a b"', b'"\\""', b"{2}\r\nxy"]),
    tail=st.binary(max_size=4),
)
def test_no_form_of_a_login_shows_its_password(secret: bytes, form: int, user: bytes, tail: bytes) -> None:
    escaped = secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    password = [secret, b'"' + escaped + b'"', b"{%d}\r\n%s" % (len(secret), secret), b"{1+}\r\n" + secret][
        form
    ]
    shown = mask("LOGIN", user + b" " + password + tail)
    assert b"<<" not in shown
    assert b">>" not in shown


@given(verb=st.sampled_from(["LOGIN", "AUTHENTICATE", "URLFETCH", "APPEND"]), args=st.binary(max_size=60))
def test_any_octets_can_be_masked(verb: str, args: bytes) -> None:
    mask(verb, args)

"""POP3 arguments: the message number, and what may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.pop3_args import mask, number, pop3_fields, top_arguments
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import BadArguments, Command


def command(verb: str, args: bytes) -> Command:
    return Command(verb, verb.encode() + b" " + args + b"\r\n", args, parse=pop3_fields)


@pytest.mark.parametrize(
    ("verb", "args", "fields"),
    [
        ("DELE", b"1", {"set": "1"}),
        ("RETR", b"4294967295", {"set": "4294967295"}),
        ("LIST", b"", {"set": ""}),
        ("UIDL", b"2", {"set": "2"}),
        ("TOP", b"1 10", {"set": "1"}),
        ("TOP", b"1 0", {"set": "1"}),
        ("STAT", b"", {}),
        ("QUIT", b"", {}),
    ],
)
def test_fields(verb: str, args: bytes, fields: dict[str, str]) -> None:
    assert command(verb, args).fields == fields


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("DELE", b""),
        *(
            ("DELE", args)
            for args in (b" 1", b"1 ", b"\t1", b"01", b"0", b"+1", b"-1", b"1\n", b"1 2", b"\xb2")
        ),
        *(("LIST", args) for args in (b" ", b"x", b"1\x00")),
        *(("TOP", args) for args in (b"1", b"1  2", b"1 2 ", b"1 02", b"0 1")),
    ],
)
def test_bad_arguments_are_never_quoted(verb: str, args: bytes) -> None:
    with pytest.raises(BadArguments) as caught:
        _ = command(verb, args).fields
    assert not args.strip() or args.decode("latin-1") not in str(caught.value)


def test_numbers() -> None:
    assert (number(b"12"), number(b"010"), number(b"1\r"), number(b"")) == (12, None, None, None)
    assert top_arguments(b"3 0") == (3, 0)


@pytest.mark.parametrize(
    ("verb", "args", "shown"),
    [
        ("PASS", b"a b c ", b"***"),
        ("PASS", b" secret", b"***"),
        ("PASS", b"", b""),
        ("USER", b"mrose", b"mrose"),
        ("APOP", b"mrose c4c9334bac560ecc979e58001b3e22fb", b"mrose ***"),  # RFC 1939 §7
        ("APOP", b"mrose a b", b"mrose ***"),
        ("APOP", b"c4c9334bac560ecc979e58001b3e22fb", b"***"),
        ("AUTH", b"PLAIN dGVzdAB0ZXN0AHRlc3Q=", b"PLAIN ***"),  # RFC 5034 §6
        ("AUTH", b"PLAIN", b"PLAIN"),
        ("AUTH", b"dGVzdAB0ZXN0AHRlc3Q=", b"***"),
        ("AUTH", b"PLAIN\tdGVzdAB0ZXN0", b"***"),
        ("AUTH", b"", b""),
        ("DELE", b"1", b"1"),
    ],
)
def test_mask(verb: str, args: bytes, shown: bytes) -> None:
    assert mask(verb, args) == shown


@given(verb=st.sampled_from(sorted(VERBS)), args=st.binary(max_size=60))
def test_any_octets_give_fields_or_bad_arguments(verb: str, args: bytes) -> None:
    try:
        fields = command(verb, args).fields
    except BadArguments:
        return
    assert set(fields) == set(VERBS[verb].fields)

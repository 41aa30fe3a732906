"""SMTP arguments: addresses in one form, whatever form they were sent in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.smtp_args import bdat_size, mask, smtp_fields
from mailproxy.proto.smtp_verbs import VERBS
from mailproxy.proto.tokens import BadArguments, Command


def fields(verb: str, args: bytes) -> dict[str, Any]:
    return Command(verb, verb.encode() + b" " + args + b"\r\n", args, parse=smtp_fields).fields


@pytest.mark.parametrize(
    ("args", "sender", "domain", "size"),
    [
        ("FROM:<Smith@bar.com>", "Smith@bar.com", "bar.com", 0),  # RFC 5321 §D.1
        ("from:<JQP@BAR.com> size=500 BODY=8BITMIME", "JQP@bar.com", "bar.com", 500),
        ("FROM:<>", "", "", 0),
        ("FROM:<> AUTH=<> RET=HDRS ENVID=QQ314159", "", "", 0),  # RFC 4954 §5, RFC 3461 §10
        ("FROM: <a@b>", "a@b", "b", 0),
        ("FROM:a@b SIZE=7", "a@b", "b", 7),
        ("FROM:<a@b> ", "a@b", "b", 0),
        ("FROM:<a@b>  SIZE=1", "a@b", "b", 1),
        ("FROM:<SRS0=x=1=b.c=d@e.f>", "SRS0=x=1=b.c=d@e.f", "e.f", 0),
        ("FROM:<a..b@c>", "a..b@c", "c", 0),
        ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", "[192.0.2.1]", 0),
        ("FROM:<a@[IPv6:2001:DB8::1]>", "a@[ipv6:2001:db8::1]", "[ipv6:2001:db8::1]", 0),
        ("FROM:<用户@例子.中国> SMTPUTF8", "用户@例子.中国", "例子.中国", 0),
        ("FROM:<a@b> AUTH=e+3Dmc2@example.com HOLDFOR=1", "a@b", "b", 0),
    ],
)
def test_mail(args: str, sender: str, domain: str, size: int) -> None:
    assert fields("MAIL", args.encode()) == {"sender": sender, "domain": domain, "size": size}


@pytest.mark.parametrize(
    "path",
    [
        *(
            '<"bad"@x.org>',
            "<@a,@b:bad@x.org>",
            "<bad@X.ORG>",
            "<bad@x.org.>",
            "<bad@x。org>",
            "<bad@x．org>",
        ),
        *("<bad@x.org>", '<"b\\ad"@x.org>', " <bad@x.org>", "bad@x.org", "<bad@ｘ.org>"),
        "<bad@x.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bad@x.org",
    ],
)
def test_no_form_of_an_address_gets_round_a_rule(path: str) -> None:
    assert fields("RCPT", f"TO:{path}".encode()) == {"recipient": "bad@x.org", "domain": "x.org"}


@pytest.mark.parametrize(
    ("path", "recipient"),
    [
        ('<"two words"@x>', '"two words"@x'),
        ('<"a\\"b"@x>', '"a\\"b"@x'),
        ('<"a@b"@x>', '"a@b"@x'),
        ("<Postmaster>", "Postmaster"),
        ('<"">', '""'),
    ],
)
def test_quotes_stay_where_they_are_needed(path: str, recipient: str) -> None:
    assert fields("RCPT", f"TO:{path}".encode())["recipient"] == recipient


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("MAIL", b""),
        ("MAIL", b"TO:<a@b>"),
        ("MAIL", b"FROM <a@b>"),
        ("MAIL", b"FROM:  <a@b>"),
        ("MAIL", b"FROM:<a@b>\nRCPT TO:<v@c>"),
        ("RCPT", b"TO:<a@b>\rDATA"),
        ("RCPT", b"TO:<a\0@b>"),
        ("RCPT", b"TO:<a@b"),
        ("RCPT", b"TO:a@b>"),
        ("RCPT", b"TO:<<a@b>>"),
        ("RCPT", b"TO:<a@b>x"),
        ("RCPT", b'TO:<"a@b>'),
        ("RCPT", b'TO:<"a"b@c>'),
        ("RCPT", b"TO:<>"),
        ("RCPT", b"TO:<a@>"),
        ("RCPT", b"TO:<a@b..c>"),
        ("RCPT", b"TO:<a@b..>"),
        ("RCPT", b"TO:<a@b@c>"),
        ("RCPT", b"TO:<a@b,c@d>"),
        ("RCPT", b"TO:<a b@c>"),
        ("RCPT", b"TO:<caf\xe9@x>"),
        ("RCPT", "TO:<a@b\u2028c>".encode()),
        ("RCPT", "TO:<a@b\uff20c>".encode()),
        ("RCPT", b"TO:<a@b\t>"),
        ("MAIL", b"FROM:<a@b> SIZE=1 SIZE=2"),
        ("MAIL", b"FROM:<a@b> SIZE=x"),
        ("MAIL", b"FROM:<a@b> SIZE=" + "²".encode()),
        ("MAIL", b"FROM:<a@b> =1"),
        ("MAIL", b"FROM:<a@b>SIZE=1"),
        ("VRFY", b"a\x1b[2J"),
        ("BDAT", b""),
        ("BDAT", b"1  LAST"),
        ("BDAT", b"-1"),
        ("BDAT", b"1 LAST "),
        ("BDAT", b"99999999999999999999"),
    ],
)
def test_bad_arguments_are_never_quoted(verb: str, args: bytes) -> None:
    with pytest.raises(BadArguments) as caught:
        fields(verb, args)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert b"@" not in str(caught.value).encode()


@pytest.mark.parametrize(
    ("args", "recipient", "domain"),
    [
        (b"Jones", "Jones", ""),
        (b"<Jones@X.org>", "Jones@x.org", "x.org"),
        (b"jones@x.org SMTPUTF8", "jones@x.org", "x.org"),
        (b"Sam Q. Smith", "Sam Q. Smith", ""),
    ],
)
def test_vrfy(args: bytes, recipient: str, domain: str) -> None:
    assert fields("VRFY", args) == {"recipient": recipient, "domain": domain}


@pytest.mark.parametrize(
    ("args", "found"), [(b"86 LAST", (86, True)), (b"1000", (1000, False)), (b"0 last", (0, True))]
)
def test_bdat(args: bytes, found: tuple[int, bool]) -> None:
    assert bdat_size(args) == found
    assert fields("BDAT", args) == {"size": found[0]}


@pytest.mark.parametrize(
    ("verb", "args", "shown"),
    [
        ("AUTH", b"PLAIN dGVzdAB0ZXN0ADEyMzQ=", b"PLAIN ***"),
        ("AUTH", b"LOGIN", b"LOGIN"),
        ("AUTH", b"PLAIN\tdGVzdAB0ZXN0ADEyMzQ=", b"***"),
        ("AUTH", b" PLAIN dGVz", b"***"),
        ("AUTH", b"", b""),
        ("MAIL", b"FROM:<a@b> AUTH=<>", b"FROM:<a@b> AUTH=<>"),
        ("XCLIENT", b"LOGIN=tim", b"***"),
    ],
)
def test_mask(verb: str, args: bytes, shown: bytes) -> None:
    assert mask(verb, args) == shown


_LIKELY = st.lists(
    st.sampled_from(
        [
            *'<>@.:," \\[]()=',
            "a",
            "FROM:",
            "TO:",
            "<a@b>",
            "SIZE=",
            "1",
            " LAST",
            "é",
            "\0",
            "\r",
            "。",
            "@a:",
            '"',
        ]
    ),
    max_size=30,
).map(lambda parts: "".join(parts).encode())


@given(
    verb=st.sampled_from(sorted(VERBS)),
    prefix=st.sampled_from([b"", b"FROM:<", b"TO:<", b"FROM:", b"TO:"]),
    args=st.one_of(st.binary(max_size=80), _LIKELY),
)
def test_any_octets_give_fields_or_bad_arguments(verb: str, prefix: bytes, args: bytes) -> None:
    try:
        found = fields(verb, prefix + args)
    except BadArguments:
        return
    for value in found.values():
        if isinstance(value, str):
            assert not any(ord(letter) < 32 for letter in value)
            value.encode()


_ATOM = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~é", min_size=1, max_size=12)


@given(
    local=st.lists(_ATOM, min_size=1, max_size=3).map(".".join),
    domain=st.lists(st.text("abz09-", min_size=1, max_size=8), min_size=1, max_size=3).map(".".join),
)
def test_addresses_come_back(local: str, domain: str) -> None:
    for form in (f"<{local}@{domain}>", f'<"{local}"@{domain.upper()}.>', f"<@r.example:{local}@{domain}>"):
        assert fields("RCPT", f"TO:{form}".encode()) == {"recipient": f"{local}@{domain}", "domain": domain}


@pytest.mark.parametrize(
    "args",
    [
        b"FROM:" + b"<" * 100_000,
        b"FROM:<" + b"@a," * 50_000,
        b'FROM:<"' + b"\\a" * 100_000,
        b"FROM:<" + b"a" * 200_000,
        b"FROM:<a@b>" + b" " * 200_000 + b"=",
        b"FROM:<a@b>" + b" A=" * 60_000,
        b"FROM:<a@b> A=" + b"x" * 200_000 + "\u2028".encode(),
    ],
)
def test_hostile_lengths_end_at_once(args: bytes) -> None:
    with pytest.raises(BadArguments):
        fields("MAIL", args)

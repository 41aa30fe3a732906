"""The items of FETCH: read out of responses, and made out of others."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_items import Items, Value, Wanted, canonical, fetched, made, wanted
from mailproxy.player.imap_responses import Response
from mailproxy.player.pieces import joined

MAIL = b"From: a\r\nSubject: b\r\n folded\r\nTo: c\r\n\r\ntext\r\n"
HEADER = MAIL[: MAIL.index(b"text")]


def items_of(text: bytes, *literals: bytes) -> dict[bytes, bytes]:
    found = fetched(Response([], text, list(literals)))
    return {name: joined(value.sent) for name, value in found.items()}


@pytest.mark.parametrize(
    ("text", "literals", "items"),
    [
        (b"* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n", (), {b"UID": b"5", b"FLAGS": b"(\\Seen)"}),
        (b"* 1 fetch (rfc822.size 5)\r\n", (), {b"RFC822.SIZE": b"5"}),
        (
            b"* 1 FETCH (BODY[] {3}\r\n UID 7)\r\n",
            (b"abc",),
            {b"BODY[]": b"{3}\r\nabc", b"UID": b"7"},
        ),
        (
            b'* 1 FETCH (ENVELOPE ("d" {2}\r\n ((NIL NIL "a" "b)"))) X "q\\")")\r\n',
            (b"su",),
            {b"ENVELOPE": b'("d" {2}\r\nsu ((NIL NIL "a" "b)")))', b"X": b'"q\\")"'},
        ),
        (
            b'* 1 FETCH (BODY[HEADER.FIELDS ("TO" CC)] "" UID 3)\r\n',
            (),
            {b"BODY[HEADER.FIELDS (TO CC)]": b'""', b"UID": b"3"},
        ),
        (b"* 1 FETCH (RFC822 {1}\r\n)\r\n", (b"x",), {b"BODY[]": b"{1}\r\nx"}),
        (b"* 1 FETCH (BODY[]<4> {1}\r\n)\r\n", (b"x",), {b"BODY[]<4>": b"{1}\r\nx"}),
        (b"* 1 FETCH ()\r\n", (), {}),
        (b"* 1 FETCH (UID", (), {}),
        (b"* 1 EXISTS\r\n", (), {}),
    ],
)  # fmt: skip
def test_reading(text: bytes, literals: tuple[bytes, ...], items: dict[bytes, bytes]) -> None:
    assert items_of(text, *literals) == items


@pytest.mark.parametrize(
    ("said", "items"),
    [
        (b"FLAGS", [Wanted(b"FLAGS", b"FLAGS", True)]),
        (b"fast", [Wanted(n, n, True) for n in (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE")]),
        (b"(UID BODY[])", [Wanted(b"UID", b"UID", True), Wanted(b"BODY[]", b"BODY[]", False)]),
        (b"BODY.PEEK[1.MIME]", [Wanted(b"BODY[1.MIME]", b"BODY[1.MIME]", True)]),
        (b"RFC822", [Wanted(b"RFC822", b"BODY[]", False)]),
        (b"RFC822.HEADER", [Wanted(b"RFC822.HEADER", b"BODY[HEADER]", True)]),
        (b"BODY[]<5.10>", [Wanted(b"BODY[]<5>", b"BODY[]", False, 5, 10)]),
        (b"(UID) (CHANGEDSINCE 5)", [Wanted(b"UID", b"UID", True)]),
        (b"FLAGS (CHANGEDSINCE 5)", [Wanted(b"FLAGS", b"FLAGS", True)]),
    ],
)
def test_what_is_asked_for(said: bytes, items: list[Wanted]) -> None:
    assert wanted(said) == items


@pytest.mark.parametrize("said", [b"", b"()", b"(", b"((UID))", b"BODY[", b"\xff"])
def test_what_nobody_can_ask_for(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"item|list"):
        wanted(said)


def asked(items: dict[bytes, bytes], said: bytes) -> bytes | None:
    known: Items = {name: Value((value,), value) for name, value in items.items()}
    value = made(known, wanted(said)[0])
    if value is None:
        return None
    return joined([value.octets]) if value.octets is not None else joined(value.sent)


WHOLE = {b"BODY[]": MAIL}


@pytest.mark.parametrize(
    ("items", "said", "value"),
    [
        (WHOLE, b"BODY[]", MAIL),
        (WHOLE, b"RFC822", MAIL),
        (WHOLE, b"RFC822.SIZE", b"%d" % len(MAIL)),
        (WHOLE, b"BODY.PEEK[HEADER]", HEADER),
        (WHOLE, b"BODY[TEXT]", b"text\r\n"),
        (WHOLE, b"BODY[HEADER.FIELDS (subject)]", b"Subject: b\r\n folded\r\n\r\n"),
        (WHOLE, b"BODY[HEADER.FIELDS.NOT (subject)]", b"From: a\r\nTo: c\r\n\r\n"),
        (WHOLE, b"BODY[]<2.4>", MAIL[2:6]),
        (WHOLE, b"BODY[]<9999.4>", b""),
        (WHOLE, b"BODY[TEXT]<1.2>", b"ex"),
        (WHOLE, b"BODY[1]", None),
        (WHOLE, b"ENVELOPE", None),
        ({b"BODY[HEADER]": HEADER}, b"BODY[HEADER.FIELDS (TO)]", b"To: c\r\n\r\n"),
        ({b"BODY[HEADER]": HEADER, b"BODY[TEXT]": b"text\r\n"}, b"BODY[]", MAIL),
        ({b"BODY[HEADER]": HEADER}, b"BODY[]", None),
        (
            {b"BODY[]<0>": MAIL[:9], b"BODY[]<9>": MAIL[9:], b"RFC822.SIZE": b"%d" % len(MAIL)},
            b"BODY[]",
            MAIL,
        ),
        ({b"BODY[]<0>": MAIL[:9], b"RFC822.SIZE": b"%d" % len(MAIL)}, b"BODY[]", None),
        ({b"BODY[]<0>": MAIL[:9]}, b"BODY[]<0.9>", MAIL[:9]),
        ({b"BODY[]": b"\r\nx"}, b"BODY[HEADER]", b"\r\n"),
        ({b"BODY[]": b"no end"}, b"BODY[HEADER]", b"no end"),
        ({}, b"FLAGS", None),
    ],
)
def test_making(items: dict[bytes, bytes], said: bytes, value: bytes | None) -> None:
    assert asked(items, said) == value


def test_one_name_for_all_writings() -> None:
    assert canonical(b"body.peek[]") == canonical(b"RFC822") == b"BODY[]"
    assert canonical(b'Body[Header.Fields ("to")]') == b"BODY[HEADER.FIELDS (TO)]"

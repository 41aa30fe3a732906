"""A conversation read from outside, whole, byte by byte and at random cuts.

Dialogues are written as lines: ``C:`` and ``S:`` are the two sides, CRLF is added.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.capture.follower import Follower
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

Event = tuple[Side, bytes]
Cut = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[at : at + 1]


def at_random(data: bytes) -> Iterator[bytes]:
    dice = random.Random(len(data))
    while data:
        size = dice.randint(1, 9)
        yield data[:size]
        data = data[size:]


CUTS = [whole, byte_by_byte, at_random]


def events(dialogue: str) -> list[Event]:
    found = []
    for line in textwrap.dedent(dialogue).strip().splitlines():
        side = Side.CLIENT if line.startswith("C:") else Side.SERVER
        text = line[3:].replace("\\n", "\n").encode()
        found.append((side, text if text.endswith(b"\\") else text + b"\r\n"))
    return [(side, data.removesuffix(b"\\")) for side, data in found]


def follow(protocol: str, said: list[Event], cut: Cut = whole, *, decrypted: bool = False) -> list[Part]:
    follower = Follower(protocol, decrypted=decrypted)
    parts = [
        part for side, data in said for piece in cut(data) for part in follower.feed(side, piece)
    ] + follower.finish()
    for side in Side:
        fed = b"".join(data for who, data in said if who is side)
        assert b"".join(part.data for part in parts if part.side is side) == fed
        assert len(b"".join(part.shown for part in parts if part.side is side)) == len(fed)
    return parts


def summary(parts: list[Part]) -> list[tuple[int, str, str]]:
    """Exchange, kind and what was shown; pieces of one body are joined."""
    rows: list[tuple[int, str, str]] = []
    for part in parts:
        text = part.shown.decode("latin-1").replace("\r\n", "|") + ("!" if part.ends else "")
        row = (part.exchange, f"{part.side.name[0]} {part.kind.value}", text)
        if rows and rows[-1][:2] == row[:2] and part.kind in (Kind.BODY, Kind.DATA, Kind.UNREAD, Kind.TLS):
            rows[-1] = (*row[:2], (rows[-1][2] + row[2]).replace("\r\n", "|"))
        else:
            rows.append(row)
    return rows


POP3 = (
    """
    S: +OK ready <1.2@example.com>
    C: CAPA
    S: +OK
    S: STLS
    S: SASL PLAIN SCRAM-SHA-1-PLUS
    S: .
    C: USER alice
    S: +OK
    C: PASS hunter2
    S: +OK hunter2 is right
    C: STAT
    C: RETR 1
    C: QUIT
    S: +OK 1 20
    S: +OK
    S: ..dots
    S: .
    S: +OK bye
    """,
    [
        (0, "S reply", "+OK ready <1.2@example.com>|!"),
        (1, "C command", "CAPA|"),
        (1, "S reply", "+OK|STLS|SASL PLAIN SCRAM-SHA-1-PLUS|.|!"),
        (2, "C command", "USER alice|"),
        (2, "S reply", "+OK|!"),
        (3, "C command", "PASS *******|"),
        (3, "S reply", "+OK ******* is right|!"),
        (4, "C command", "STAT|"),
        (5, "C command", "RETR 1|"),
        (6, "C command", "QUIT|"),
        (4, "S reply", "+OK 1 20|!"),
        (5, "S reply", "+OK|"),
        (5, "S body", "..dots|.|!"),
        (6, "S reply", "+OK bye|!"),
    ],
)

IMAP = (
    """
    S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=GSSAPI] ready
    C: a LOGIN {5}
    S: + go
    C: alice {7}
    S: + go
    C: hunter2
    S: a OK
    C: b SELECT INBOX
    S: * 1 EXISTS
    S: b OK
    C: c FETCH 1 BODY[]
    C: d NOOP
    S: * 1 FETCH (BODY[] {6}
    S: mail
    S: )
    S: d OK
    S: c OK
    C: e IDLE
    S: + idling
    S: * 2 EXISTS
    C: DONE
    S: e OK
    C: f AUTHENTICATE PLAIN
    S: +
    C: AGEAYg==
    S: f NO already
    C: g APPEND INBOX {5+}
    C: hello\\
    C:
    S: g OK
    """,
    [
        (0, "S reply", "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=GSSAPI] ready|!"),
        (1, "C command", "a LOGIN {5}|"),
        (1, "S reply", "+ go|"),
        (1, "C data", "***** {7}|"),
        (1, "S reply", "+ go|"),
        (1, "C data", "*******|"),
        (1, "S reply", "a OK|!"),
        (2, "C command", "b SELECT INBOX|"),
        (2, "S reply", "* 1 EXISTS|"),
        (2, "S reply", "b OK|!"),
        (3, "C command", "c FETCH 1 BODY[]|"),
        (4, "C command", "d NOOP|"),
        (3, "S reply", "* 1 FETCH (BODY[] {6}|"),
        (3, "S body", "mail|)|"),
        (4, "S reply", "d OK|!"),
        (3, "S reply", "c OK|!"),
        (5, "C command", "e IDLE|"),
        (5, "S reply", "+ idling|"),
        (5, "S reply", "* 2 EXISTS|"),
        (5, "C response", "DONE|"),
        (5, "S reply", "e OK|!"),
        (6, "C command", "f AUTHENTICATE PLAIN|"),
        (6, "S reply", "+|"),
        (6, "C response", "********|"),
        (6, "S reply", "f NO already|!"),
        (7, "C command", "g APPEND INBOX {5+}|"),
        (7, "C data", "hello|"),
        (7, "S reply", "g OK|!"),
    ],
)

SMTP = (
    """
    S: 220 mx ESMTP
    C: EHLO me
    S: 250-mx
    S: 250-PRDR
    S: 250 AUTH PLAIN LOGIN
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: YWxpY2U=
    S: 334 UGFzc3dvcmQ6
    C: aHVudGVyMg==
    S: 235 ok
    C: MAIL FROM:<a@example.com>
    C: RCPT TO:<b@example.com>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: Subject: x
    C:
    C: DATA
    C: ..
    C: .
    S: 250 queued
    C: BDAT 5 LAST
    C: hello\\
    C: QUIT
    S: 503 first MAIL
    S: 221 bye
    """,
    [
        (0, "S reply", "220 mx ESMTP|!"),
        (1, "C command", "EHLO me|"),
        (1, "S reply", "250-mx|250-PRDR|250 AUTH PLAIN LOGIN|!"),
        (2, "C command", "AUTH LOGIN|"),
        (2, "S reply", "334 VXNlcm5hbWU6|"),
        (2, "C response", "********|"),
        (2, "S reply", "334 UGFzc3dvcmQ6|"),
        (2, "C response", "************|"),
        (2, "S reply", "235 ok|!"),
        (3, "C command", "MAIL FROM:<a@example.com>|"),
        (4, "C command", "RCPT TO:<b@example.com>|"),
        (5, "C command", "DATA|"),
        (3, "S reply", "250 ok|!"),
        (4, "S reply", "250 ok|!"),
        (5, "S reply", "354 go|"),
        (5, "C data", "Subject: x||DATA|..|.|"),
        (5, "S reply", "250 queued|!"),
        (6, "C command", "BDAT 5 LAST|"),
        (6, "C data", "hello"),
        (7, "C command", "QUIT|"),
        (6, "S reply", "503 first MAIL|!"),
        (7, "S reply", "221 bye|!"),
    ],
)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("protocol", "case"), [("pop3", POP3), ("imap", IMAP), ("smtp", SMTP)])
def test_dialogues(protocol: str, case: tuple[str, list[tuple[int, str, str]]], cut: Cut) -> None:
    dialogue, expected = case
    seen = summary(follow(protocol, events(dialogue), cut))
    assert [row for row in seen if row[1] != "S reply"] == [row for row in expected if row[1] != "S reply"]
    assert sorted(seen) == sorted(expected)


def test_a_user_is_known() -> None:
    for protocol, (dialogue, _), user in (("pop3", POP3, "alice"), ("smtp", SMTP, "alice")):
        follower = Follower(protocol)
        for side, data in events(dialogue):
            follower.feed(side, data)
        assert follower.user == user


def test_what_comes_behind_starttls_is_tls() -> None:
    said = events("S: 220 mx SMTP\nC: STARTTLS\nS: 220 go\n")
    said += [(Side.CLIENT, b"\x16\x03\x01abc"), (Side.SERVER, b"\x16\x03\x03def")]
    assert summary(follow("smtp", said))[-3:] == [
        (1, "S starttls", ""),
        (-1, "C tls", "\x16\x03\x01abc"),
        (-1, "S tls", "\x16\x03\x03def"),
    ]


def test_a_decrypted_capture_goes_on_behind_starttls() -> None:
    said = events("S: +OK\nC: STLS\nS: +OK go\nC: NOOP\nS: +OK\n")
    assert summary(follow("pop3", said, decrypted=True))[-3:] == [
        (1, "S starttls", ""),
        (2, "C command", "NOOP|"),
        (2, "S reply", "+OK|!"),
    ]


def test_refused_starttls() -> None:
    said = events("S: * OK\nC: a STARTTLS\nS: a NO\nC: b NOOP\nS: b OK\n")
    assert summary(follow("imap", said))[-1] == (2, "S reply", "b OK|!")


def test_tls_from_the_first_octet_on() -> None:
    assert summary(follow("imap", [(Side.CLIENT, b"\x16\x03\x01"), (Side.SERVER, b"\x16\x03")])) == [
        (-1, "C tls", "\x16\x03\x01"),
        (-1, "S tls", "\x16\x03"),
    ]


def test_what_makes_no_sense_is_unread_and_hidden() -> None:
    said = events("S: +OK\nC: USER alice\nS: what\nC: PASS hunter2\n")
    parts = follow("pop3", said)
    assert summary(parts)[-2:] == [(-1, "S unread", "****|"), (-1, "C unread", "************|")]


def test_the_clients_half_alone() -> None:
    said = [event for event in events(SMTP[0]) if event[0] is Side.CLIENT]
    verbs = [part.command.verb for part in follow("smtp", said) if part.command]
    assert verbs == "EHLO AUTH MAIL RCPT DATA BDAT QUIT".split()


@pytest.mark.parametrize("cut", CUTS)
def test_the_clients_half_of_imap_and_pop3(cut: Cut) -> None:
    for protocol, (dialogue, expected) in (("imap", IMAP), ("pop3", POP3)):
        said = [event for event in events(dialogue) if event[0] is Side.CLIENT]
        seen = [row for row in summary(follow(protocol, said, cut)) if row[1] == "C command"]
        assert seen == [row for row in expected if row[1] == "C command"]


def test_the_servers_half_alone() -> None:
    said = [event for event in events(SMTP[0]) if event[0] is Side.SERVER]
    seen = summary(follow("smtp", said))
    assert seen[0] == (0, "S reply", "220 mx ESMTP|!")
    assert [row[0] for row in seen[1:3]] == [-1, -1]


def test_a_capture_that_begins_behind_the_greeting() -> None:
    assert summary(follow("pop3", events("C: NOOP\nS: +OK\nC: QUIT\nS: +OK\n")))[:2] == [
        (1, "C command", "NOOP|"),
        (1, "S reply", "+OK|!"),
    ]


def test_a_client_that_speaks_before_the_greeting() -> None:
    assert summary(follow("smtp", events("C: EHLO me\nS: 220 mx\nS: 250 mx\n"))) == [
        (0, "S reply", "220 mx|!"),
        (1, "C command", "EHLO me|"),
        (1, "S reply", "250 mx|!"),
    ]


def test_a_capture_that_ends_too_early() -> None:
    parts = follow("smtp", events("S: 220 mx\nC: AUTH PLAIN\nC: AGEAYg==\n"))
    assert summary(parts)[1:] == [(1, "C command", "AUTH PLAIN|"), (-1, "C unread", "********|")]


@pytest.mark.parametrize(
    ("protocol", "before", "side", "gap", "after"),
    [
        ("pop3", "S: +OK\nC: RETR 1\nS: +OK\nS: abc\n", Side.SERVER, 100, "S: def\nS: .\nC: QUIT\nS: +OK\n"),
        (
            "imap",
            "S: * OK\nC: a FETCH 1 X\nS: * 1 FETCH (X {9}\nS: a\\",
            Side.SERVER,
            3,
            "S: bcdef)\nS: a OK\n",
        ),
        ("imap", "S: * OK\nC: a APPEND X {9}\nS: +\nC: a\\", Side.CLIENT, 8, "C:\nS: a OK\n"),
        ("smtp", "S: 220 x\nC: DATA\nS: 354 x\nC: abc\n", Side.CLIENT, 7, "C: .\nC: .\nS: 250 x\n"),
        ("smtp", "S: 220 x\nC: BDAT 9 LAST\nC: abc\\", Side.CLIENT, 6, "S: 250 x\nC: QUIT\nS: 221 x\n"),
    ],
)
def test_a_gap_inside_a_body(protocol: str, before: str, side: Side, gap: int, after: str) -> None:
    follower = Follower(protocol)
    parts = [part for who, data in events(before) for part in follower.feed(who, data)]
    parts += follower.hole(side, gap)
    assert (parts[-1].kind, parts[-1].octets, parts[-1].side, parts[-1].data) == (Kind.GAP, gap, side, b"")
    assert parts[-1].exchange == 1
    parts += [part for who, data in events(after) for part in follower.feed(who, data)]
    assert follower.readable
    assert parts[-1].ends


def test_a_gap_between_commands_ends_the_reading() -> None:
    follower = Follower("pop3")
    follower.feed(Side.SERVER, b"+OK\r\n")
    follower.feed(Side.CLIENT, b"USER ")
    parts = follower.hole(Side.CLIENT, 7)
    assert [(part.kind, part.octets) for part in parts] == [(Kind.UNREAD, 5), (Kind.GAP, 7)]
    assert [part.kind for part in follower.feed(Side.SERVER, b"+OK\r\n")] == [Kind.UNREAD]


def test_times_and_frames_are_those_of_the_last_octet() -> None:
    follower = Follower("pop3")
    follower.feed(Side.SERVER, b"+O", 1.0, 1)
    (greeting,) = follower.feed(Side.SERVER, b"K\r\n", 2.0, 2)
    assert (greeting.time, greeting.frame) == (2.0, 2)
    both = follower.feed(Side.CLIENT, b"NOOP\r\nSTAT\r\nQU", 3.0, 3) + follower.feed(
        Side.CLIENT, b"IT\r\n", 4.0, 4
    )
    assert [(part.time, part.frame) for part in both] == [(3.0, 3), (3.0, 3), (4.0, 4)]


def test_a_run_of_packets_is_read_as_one_piece() -> None:
    follower = Follower("pop3")
    parts = follower.feed_run(Side.SERVER, [(b"+O", 1.0, 1), (b"K\r\n", 2.0, 2)])
    parts += follower.feed_run(Side.CLIENT, [(b"NOOP\r\n", 3.0, 3), (b"QUIT\r\n", 4.0, 4)])
    assert [(part.data, part.time, part.frame) for part in parts] == [
        (b"+OK\r\n", 2.0, 2),
        (b"NOOP\r\n", 3.0, 3),
        (b"QUIT\r\n", 4.0, 4),
    ]


def test_a_client_without_end_does_not_wait_for_ever() -> None:
    follower = Follower("smtp")
    follower.feed(Side.SERVER, b"220 mx\r\n")
    follower.feed(Side.CLIENT, b"AUTH PLAIN\r\n")
    for _ in range(20):
        follower.feed(Side.CLIENT, b"x" * 65_536 + b"\r\n")
    assert not follower.readable


SIDES = st.sampled_from(list(Side))
WORDS = st.sampled_from(
    [
        b"+OK\r\n",
        b"-ERR\r\n",
        b"* OK\r\n",
        b"a LOGIN x {3}\r\n",
        b"a OK\r\n",
        b"+ \r\n",
        b"220 x\r\n",
        b"354 x\r\n",
        b".\r\n",
        b"RETR 1\r\n",
        b"DATA\r\n",
        b"a FETCH 1 X\r\n",
        b"* 1 FETCH (X {5}\r\n",
        b"STLS\r\n",
        b"\x16\x03",
    ]
)


@given(
    st.sampled_from(["pop3", "imap", "smtp"]),
    st.lists(st.tuples(SIDES, st.one_of(WORDS, st.binary(min_size=1, max_size=30), st.integers(1, 99)))),
    st.booleans(),
)
@settings(max_examples=300)
def test_whatever_comes_nothing_is_lost_or_invented(
    protocol: str, said: list[tuple[Side, bytes | int]], decrypted: bool
) -> None:
    follower = Follower(protocol, decrypted=decrypted)
    parts: list[Part] = []
    for side, what in said:
        parts += follower.feed(side, what) if isinstance(what, bytes) else follower.hole(side, what)
    parts += follower.finish()
    for side in Side:
        fed = b"".join(what for who, what in said if who is side and isinstance(what, bytes))
        assert b"".join(part.data for part in parts if part.side is side) == fed
        gaps = [what for who, what in said if who is side and isinstance(what, int)]
        assert [part.octets for part in parts if part.side is side and part.kind is Kind.GAP] == gaps
    assert all(len(part.shown) == len(part.data) for part in parts)


@pytest.mark.parametrize(
    "said", ["C: PASS geheim", "C: AUTH PLAIN\nS: + \nC: AGFubgBnZWhlaW0=", "S: geheim\nC: geheim"]
)
def test_where_nobody_looks_nothing_is_veiled_and_nothing_shown(said: str) -> None:
    dialogue = f"S: +OK\nC: USER ann\nS: +OK\n{said}\nS: +OK\nC: RETR 1\nS: +OK\nS: text\nS: ."
    seen, blank = Follower("pop3"), Follower("pop3", shown=False)
    for side, data in events(dialogue):
        for one, other in zip(seen.feed(side, data), blank.feed(side, data), strict=True):
            assert (one.kind, one.data, one.exchange, one.ends) == (
                other.kind,
                other.data,
                other.exchange,
                other.ends,
            )
            assert other.shown == (one.data if one.kind is Kind.BODY else b"")
    assert seen.user == blank.user

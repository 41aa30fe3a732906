"""Of each message the first octets stay, and all can be read behind it."""

from __future__ import annotations

import pytest

from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side
from tests.capture.logins import Said, dialogue
from tests.capture.test_leg import CUTS, of, written
from tests.capture.written import exchanges, read_back
from tests.play import Cut, byte_by_byte, whole

C, S = Side.CLIENT, Side.SERVER
TEXT = b"Subject: x\r\n\r\n.. a dot\r\nline two\r\n"
SIZE = len(TEXT)


def talk(text: str) -> Said:
    """A dialogue in which ``#`` is a message, ``@`` the number of its octets, and ``|`` ends a line."""
    said = dialogue(text.replace("@", str(SIZE)))
    return tuple((side, data.replace(b"|", b"\r\n").replace(b"#", TEXT)) for side, data in said)


MAIL = "S: 220 x\nC: MAIL FROM:<a@b>\nS: 250 x\n"
UID = "UID 7 BODY[] {@}"
DIALOGUES = {
    "POP3 RETR": ("pop3", talk("S: +OK\nC: RETR 1\nS: +OK\nS: #.\nC: NOOP\nS: +OK")),
    "POP3 RETR in one piece": ("pop3", talk("S: +OK\nC: RETR 1\nS: +OK 32 octets|#.\nC: NOOP\nS: +OK")),
    "POP3 TOP of nothing": ("pop3", talk("S: +OK\nC: TOP 1 0\nS: +OK\nS: .\nC: NOOP\nS: +OK")),
    "POP3 refused": ("pop3", talk("S: +OK\nC: RETR 9\nS: -ERR\nC: RETR 1\nS: +OK\nS: #.")),
    "POP3 pipelined": (
        "pop3",
        talk(
            "S: +OK\nC: RETR 1\nC: RETR 2\nS: +OK\nS: Sub~\nC: RETR 3\nS: ject: x||.. a dot|line two|.\n"
            "C: QUIT\nS: +OK|#.\nS: +OK|#.\nS: +OK"
        ),
    ),
    "IMAP FETCH": (
        "imap",
        talk(f"S: * OK\nC: a FETCH 1 BODY[]\nS: * 1 FETCH ({UID}|#)\nS: a OK\nC: b NOOP\nS: b OK"),
    ),
    "IMAP FETCH in pieces": (
        "imap",
        talk(f"S: * OK\nC: a FETCH 1 BODY[]\nS: * 1 FETCH ({UID}\nC: b NOOP\nS: #~\nS: )\nS: a OK\nS: b OK"),
    ),
    "IMAP two literals": (
        "imap",
        talk(
            f"S: * OK\nC: a FETCH 1:2 BODY[]\nS: * 1 FETCH ({UID}|# {UID}|#)\nS: * 2 FETCH ({UID}|#)\nS: a OK"
        ),
    ),
    "IMAP nothing": ("imap", talk("S: * OK\nC: a FETCH 1 BODY[]\nS: * 1 FETCH (BODY[] {0}|)\nS: a OK")),
    "IMAP APPEND": (
        "imap",
        talk(
            "S: * OK\nC: a APPEND x {@}\nS: + go\nC: Subj~\nS: * 3 EXISTS\nC: ect: x||.. a dot|line two|\n"
            "S: a OK\nC: b NOOP\nS: b OK"
        ),
    ),
    "IMAP APPEND, two messages": (
        "imap",
        talk("S: * OK\nC: a APPEND x {@+}|# {@+}|#\nS: a OK\nC: b NOOP\nS: b OK"),
    ),
    "IMAP APPEND, mailbox too": (
        "imap",
        talk("S: * OK\nC: a APPEND {5+}|INBOX {@+}|#\nS: a OK\nC: b NOOP\nS: b OK"),
    ),
    "SMTP DATA": (
        "smtp",
        talk(MAIL + "C: RCPT TO:<c@d>\nS: 250 x\nC: DATA\nS: 354 x\nC: #.\nS: 250 x\nC: QUIT\nS: 221 x"),
    ),
    "SMTP DATA, twice": (
        "smtp",
        talk(
            MAIL + "C: DATA\nS: 354 x\nC: #.\nS: 250 x\nC: MAIL FROM:<a@b>\nS: 250 x\n"
            "C: DATA\nS: 354 x\nC: #.\nC: QUIT\nS: 250 x\nS: 221 x"
        ),
    ),
    "SMTP DATA of nothing": ("smtp", talk(MAIL + "C: DATA\nS: 354 x\nC: .\nS: 250 x\nC: QUIT\nS: 221 x")),
    "SMTP BDAT": (
        "smtp",
        talk(MAIL + "C: BDAT @|#~\nS: 250 x\nC: BDAT @ LAST|#~\nS: 250 x\nC: QUIT\nS: 221 x"),
    ),
    "SMTP BDAT, pipelined": (
        "smtp",
        talk(
            "S: 220 x\nC: MAIL FROM:<a@b>|BDAT @|#BDAT @ LAST|#NOOP\nS: 250 x\nS: 250 x\nS: 250 x\nS: 250 x"
        ),
    ),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("name", DIALOGUES)
def test_what_is_read_back_is_what_was_said(name: str, cut: Cut) -> None:
    protocol, said = DIALOGUES[name]
    wanted = exchanges(read_back(protocol, written(protocol, said)))
    for limit in [*range(12), SIZE - 6, SIZE - 5, SIZE - 4, SIZE - 1, SIZE, SIZE + 1, SIZE + 5, 10_000]:
        sink = written(protocol, said, cut, limit)
        assert [sink.octets(side) for side in Side] == [len(of(side, said)) for side in Side], limit
        assert exchanges(read_back(protocol, sink)) == wanted, limit


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("name", DIALOGUES)
def test_nothing_is_invented_and_nothing_stands_elsewhere(name: str, cut: Cut) -> None:
    protocol, said = DIALOGUES[name]
    for limit in (0, 3, SIZE):
        sink = written(protocol, said, cut, limit)
        for side in Side:
            true, at = of(side, said), 0
            for packet in sink.packets:
                if packet.side is side and isinstance(packet.octets, bytes):
                    assert true[at : at + len(packet.octets)] == packet.octets
                if packet.side is side and packet.octets is not None:
                    at += packet.octets if isinstance(packet.octets, int) else len(packet.octets)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(
    ("name", "side", "messages"),
    [
        ("POP3 RETR", S, 1),
        ("POP3 pipelined", S, 3),
        ("IMAP FETCH", S, 1),
        ("IMAP FETCH in pieces", S, 1),
        ("IMAP two literals", S, 3),
        ("IMAP APPEND", C, 1),
        ("IMAP APPEND, two messages", C, 2),
        ("IMAP APPEND, mailbox too", C, 1),
        ("SMTP DATA", C, 1),
        ("SMTP DATA, twice", C, 2),
        ("SMTP BDAT", C, 1),  # one message in two chunks
        ("SMTP BDAT, pipelined", C, 1),
    ],
)
def test_so_much_of_a_message_stays(name: str, side: Side, messages: int, cut: Cut) -> None:
    protocol, said = DIALOGUES[name]
    marked = tuple((by, data.replace(b"Sub", b"###")) for by, data in said)
    for limit in (0, 1, 2, 3):
        sink = written(protocol, marked, cut, limit)
        assert sink.said(side).count(b"#") == limit * messages
        assert b"line" not in sink.said(side)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        (
            "pop3",
            "S: +OK\nC: UIDL\nS: +OK\nS: 1 a\nS: 2 b\nS: .\nC: LIST\nS: +OK\nS: 1 3\nS: .\nC: QUIT\nS: +OK",
        ),
        (
            "pop3",
            "S: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: .\nC: AUTH\nS: +OK\nS: PLAIN\nS: .\nC: LIST 1\nS: +OK 1 3",
        ),
        ("imap", 'S: * OK\nC: a LIST "" *\nS: * LIST () "/" {5}\nS: INBOX\nS: a OK\nC: b NOOP\nS: b OK'),
        ("imap", "S: * OK\nC: a SELECT {5}\nS: + go\nC: INBOX\nS: * 1 EXISTS\nS: a OK\nC: b NOOP\nS: b OK"),
        ("imap", "S: * OK\nC: a SEARCH SUBJECT {5+}\nC: hello\nS: * SEARCH 1\nS: a OK\nC: b NOOP\nS: b OK"),
        ("smtp", "S: 220 x\nC: EHLO x\nS: 250-x\nS: 250 SIZE\nC: DATA\nS: 503 x\nC: QUIT\nS: 221 x"),
    ],
)
def test_what_is_no_message_stays_whole(protocol: str, text: str, cut: Cut) -> None:
    said = dialogue(text)
    sink = written(protocol, said, cut, 0)
    assert [sink.said(side) for side in Side] == [of(side, said) for side in Side]


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_session_may_end_anywhere(name: str) -> None:
    protocol, said = DIALOGUES[name]
    for end in range(len(said)):
        for last in (said[end][1][:3], said[end][1][:-1], said[end][1]):
            some = (*said[:end], (said[end][0], last))
            sink = written(protocol, some, octets=2)
            assert [sink.octets(side) for side in Side] == [len(of(side, some)) for side in Side]


def test_the_end_of_a_message_is_written_when_it_comes() -> None:
    """Else the time that the server took could not be seen."""
    protocol, said = DIALOGUES["SMTP DATA"]
    sink = written(protocol, said, octets=4)
    ends = [packet.time for packet in sink.packets if packet.octets == b"\r\n.\r\n"]
    assert ends == [float([data for _, data in said].index(TEXT + b".\r\n"))]


def test_where_the_gap_is_can_be_read() -> None:
    protocol, said = DIALOGUES["POP3 RETR"]
    gaps: list[Part] = [
        part for part in read_back(protocol, written(protocol, said, octets=4)) if part.kind is Kind.GAP
    ]
    assert [(gap.side, gap.exchange, gap.octets) for gap in gaps] == [(S, 1, SIZE + 3 - 4 - 5)]

"""The second reader itself: what it reads, and what it doubts."""

from __future__ import annotations

import pytest

from tests.oracle import Doubt, commands_in

IMAP_LOGIN = b"* OK hi\r\na OK\r\n"


@pytest.mark.parametrize(
    ("protocol", "to_server", "from_server", "verbs"),
    [
        ("pop3", b"noop\r\nDELE 1\r\n", b"+OK\r\n+OK\r\n+OK\r\n", ["NOOP", "DELE"]),
        ("pop3", b"AUTH PLAIN\r\nDELE\r\nQUIT\r\n", b"+OK\r\n+ \r\n+OK\r\n", ["AUTH", "QUIT"]),
        ("pop3", b"AUTH PLAIN\r\nQUIT\r\n", b"+OK\r\n-ERR\r\n+OK\r\n", ["AUTH", "QUIT"]),
        (
            "pop3",
            b"LIST\r\nAUTH X\r\nSTAT\r\n",
            b"+OK\r\n+OK\r\n+ x\r\n.\r\n-ERR\r\n",
            ["LIST", "AUTH", "STAT"],
        ),
        ("smtp", b"DATA\r\nQUIT\r\n.\r\nNOOP\r\n", b"220 a\r\n354 b\r\n250 c\r\n", ["DATA", "NOOP"]),
        ("smtp", b"DATA\r\n.\r\nNOOP\r\n", b"220 a\r\n354 b\r\n250 c\r\n", ["DATA", "NOOP"]),
        ("smtp", b"DATA\r\nQUIT\r\n", b"220 a\r\n550 b\r\n221 c\r\n", ["DATA", "QUIT"]),
        ("smtp", b"BDAT 6\r\nQUIT\r\nRSET\r\n", b"220 a\r\n250-b\r\n250 c\r\n", ["BDAT", "RSET"]),
        ("smtp", b"AUTH LOGIN\r\nUQ==\r\nNOOP\r\n", b"220 a\r\n334 b\r\n235 c\r\n", ["AUTH", "NOOP"]),
        ("imap", b"a NOOP\r\nb uid store 1 x\r\n", b"* OK\r\na OK\r\n", ["NOOP", "UID STORE"]),
        ("imap", b"a LOGIN {3}\r\nx\r\n y\r\nb NOOP\r\n", b"* OK\r\n+ go\r\na OK\r\n", ["LOGIN", "NOOP"]),
        ("imap", b"a LOGIN {3}\r\nx NOOP\r\n", b"* OK\r\na NO\r\n", ["LOGIN", "NOOP"]),
        ("imap", b"a SEARCH {10+}\r\nb EXPUNGE\n\r\n", b"* OK\r\na OK\r\n", ["SEARCH"]),
        ("imap", b"a IDLE\r\nDONE\r\nb NOOP\r\n", b"* OK\r\n+ go\r\na OK\r\n", ["IDLE", "NOOP"]),
        ("imap", b"a X\r\nb IDLE\r\nDONE\r\n", b"* 1 FETCH {3}\r\n+ \n)\r\na OK\r\n+ go\r\n", ["X", "IDLE"]),
    ],
)
def test_commands(protocol: str, to_server: bytes, from_server: bytes, verbs: list[str]) -> None:
    assert commands_in(protocol, to_server, from_server) == verbs


@pytest.mark.parametrize(
    ("protocol", "to_server", "from_server"),
    [
        ("pop3", b"NOOP\nDELE 1\r\n", b"+OK\r\n"),
        ("pop3", b"NOOP\rDELE 1\r\n", b"+OK\r\n"),
        ("pop3", b"NOOP\0\r\n", b"+OK\r\n"),
        ("pop3", b"NOOP", b"+OK\r\n"),
        ("smtp", b"BDAT x\r\n", b"220 a\r\n"),
        ("smtp", b"DATA\r\na\n.\nMAIL\r\n.\r\n", b"220 a\r\n354 b\r\n"),
        ("smtp", b"DATA\r\na\r\n.\rMAIL\r\n.\r\n", b"220 a\r\n354 b\r\n"),
        ("smtp", b"DATA\r\n.\nMAIL\r\n.\r\n", b"220 a\r\n354 b\r\n"),
        ("smtp", b"DATA\r\na\r\n\0.\r\nMAIL\r\n.\r\n", b"220 a\r\n354 b\r\n"),
        ("imap", b"a X {3+}\r\nabcb EXPUNGE\r\n", IMAP_LOGIN),
        ("imap", b"a X {3+}\r\nabc\nb EXPUNGE\r\n", IMAP_LOGIN),
    ],
)
def test_doubts(protocol: str, to_server: bytes, from_server: bytes) -> None:
    with pytest.raises(Doubt):
        commands_in(protocol, to_server, from_server)


def test_what_was_cut_off_may_be_incomplete() -> None:
    assert commands_in("pop3", b"NOOP\r\nDEL", b"+OK\r\n", cut_off=True) == ["NOOP"]
    assert commands_in("smtp", b"DATA\r\na\n.", b"220 a\r\n354 b\r\n", cut_off=True) == ["DATA"]

"""Answers, cut alike however their octets arrive."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mailproxy.proto.dialect import GREETING
from mailproxy.replay.compare_answer import Answer, AnswerReader, LineCutter


def read(protocol: str, verb: str, octets: bytes, size: int = 1 << 20) -> Answer:
    reader = AnswerReader(protocol, verb)
    for at in range(0, len(octets), size):
        reader.feed(octets[at : at + size])
    return reader.answer


def digest(octets: bytes) -> str:
    return sha256(octets).hexdigest()


BODY = b"Subject: x\r\n\r\n..dot\r\n.\r\n"
LITERAL = b"a {3}\r\nb\r\n"

ANSWERS = [
    ("pop3", "STAT", b"+OK 2 320\r\n", Answer("OK", b"2 320")),
    ("pop3", "RETR", b"-ERR no such message\r\n", Answer("ERR", b"no such message")),
    (
        "pop3",
        "RETR",
        b"+OK 22 octets\r\n" + BODY,
        Answer("OK", b"22 octets", octets=len(BODY), digest=digest(BODY)),
    ),
    ("pop3", "UIDL", b"+OK\r\n1 a\r\n2 b\r\n.\r\n", Answer("OK", b"", [b"1 a", b"2 b", b"."])),
    ("pop3", "PASS", b"+ challenge\r\n+OK in\r\n", Answer("OK", b"in")),
    (
        "imap",
        "FETCH",
        b"* 1 FETCH (BODY[] {%d}\r\n%s UID 7)\r\n* OK a {9}\r\na1 OK [X] done {5}\r\n"
        % (len(LITERAL), LITERAL),
        Answer(
            "OK",
            b"[X] done {5}",
            [b"1 FETCH (BODY[] {%d}<%s> UID 7)" % (len(LITERAL), digest(LITERAL).encode()), b"OK a {9}"],
        ),
    ),
    ("imap", "AUTHENTICATE", b"+ aGk=\r\na1 NO no\r\n", Answer("NO", b"no")),
    ("imap", GREETING, b"* PREAUTH hello\r\n", Answer("PREAUTH", b"hello")),
    ("imap", "LIST", b'* LIST () "/" {0}\r\n\r\na OK x\r\n', Answer("OK", b"x", [b'LIST () "/" {0}<'])),
    ("smtp", "EHLO", b"250-a\r\n250-SIZE 5\r\n250 HELP\r\n", Answer("250", b"", [b"a", b"SIZE 5", b"HELP"])),
    ("smtp", "DATA", b"354 go\r\n250-2.0.0 Ok:\r\n250 yes\r\n", Answer("250", b"", [b"2.0.0 Ok:", b"yes"])),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize(("protocol", "verb", "octets", "expected"), ANSWERS)
def test_answers(protocol: str, verb: str, octets: bytes, expected: Answer, size: int) -> None:
    found = read(protocol, verb, octets, size)
    if verb == "LIST":  # an empty literal: no octet says where its digest would stand
        expected.responses = [b'LIST () "/" {0}']
    expected.received = len(octets)
    assert found == expected


def test_a_long_line_is_kept_by_its_digest() -> None:
    line = b"* SEARCH " + b"1 " * 40_000
    one, other = (read("imap", "SEARCH", line + last + b"\r\na OK x\r\n") for last in (b"1", b"2"))
    assert len(one.responses[0]) < 20_000
    assert one.responses != other.responses
    assert one == read("imap", "SEARCH", line + b"1\r\na OK x\r\n", 4096)


def test_too_many_lines_are_not_kept() -> None:
    found = read("pop3", "LIST", b"+OK\r\n" + b"x" * 15_000 * 1 + b"\r\n" + (b"y" * 15_000 + b"\r\n") * 1200)
    assert not found.whole
    assert sum(map(len, found.responses)) <= 1 << 24


def test_a_hole() -> None:
    reader = AnswerReader("pop3", "RETR")
    reader.hole()
    assert not reader.answer.whole


def test_lines_without_literals() -> None:
    assert list(LineCutter(literals=False).feed(b"a {5}\r\nb\r\nc")) == [b"a {5}", b"b"]

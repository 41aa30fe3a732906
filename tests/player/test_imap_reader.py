"""The client's commands, as an IMAP server reads them."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_reader import CommandReader, Line, Request, Saying, split


def read(data: bytes, piece: int = 10_000) -> list[object]:
    reader = CommandReader()
    found: list[object] = []
    for at in range(0, len(data), piece):
        reader.feed(data[at : at + piece])
        while (one := reader.next()) is not None:
            found.append(one)
    return found


GO_ON = Saying(b"+ go on\r\n")
TOO_BIG = Saying(b"a BAD [TOOBIG] the literal is too long\r\n")


@pytest.mark.parametrize("piece", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"a noop\r\n", [Request(b"a", "NOOP", b"")]),
        (b"a uid fetch 1 flags\r\n", [Request(b"a", "UID FETCH", b"1 flags")]),
        (b"a X {2+}\r\n\r\n y\r\n", [Request(b"a", "X", b"{2+}\r\n\r\n y")]),
        (b"a X {0+}\r\n\r\n", [Request(b"a", "X", b"{0+}\r\n")]),
        (b"a X {1}\r\nz {1}\r\ny\r\n", [GO_ON, GO_ON, Request(b"a", "X", b"{1}\r\nz {1}\r\ny")]),
        (b"a X {9999999}\r\nb Y\r\n", [TOO_BIG, Request(b"b", "Y", b"")]),
        (b"a X {9999999+}\r\n", [Saying(b"* BYE [TOOBIG] the literal is too long\r\n", close=True)]),
        (b"+ X\r\n", [Saying(b"* BAD this is no command\r\n")]),
        (b"\r\n", [Saying(b"* BAD this is no command\r\n")]),
    ],
)  # fmt: skip
def test_commands(data: bytes, found: list[object], piece: int) -> None:
    assert read(data, piece) == found


def test_a_message_is_thrown_away() -> None:
    data = b"a APPEND x {5000+}\r\n" + b"m" * 5000 + b"\r\nb NOOP\r\n"
    assert read(data) == [Request(b"a", "APPEND", b"x {5000+}\r\n"), Request(b"b", "NOOP", b"")]


def test_lines_of_a_dialogue() -> None:
    reader = CommandReader()
    reader.raw = True
    reader.feed(b"DONE\r\na NOOP\r\n")
    assert reader.next() == Line(b"DONE")
    reader.raw = False
    assert reader.next() == Request(b"a", "NOOP", b"")


def test_a_line_that_is_too_long() -> None:
    assert read(b"x" * 70_000 + b"\r\na NOOP\r\n") == [
        Saying(b"* BAD the line is too long\r\n"),
        Request(b"a", "NOOP", b""),
    ]


def test_literals_without_end_are_bounded() -> None:
    found = read(b"a X" + b" {60000+}\r\n" + (b"l" * 60_000 + b" {60000+}\r\n") * 30)
    assert found[0] == Saying(b"* BYE [TOOBIG] the literal is too long\r\n", close=True)


def test_split() -> None:
    assert split(b"a UID") == (b"a", "UID ", b"")
    assert split(b"") == (b"", "", b"")

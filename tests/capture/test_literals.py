"""Literals in commands and responses, in any pieces."""

from __future__ import annotations

import pytest

from mailproxy.capture.literals import Line, LiteralOctets, LiteralScanner

RESPONSE = b'* 1 FETCH (X {5}\r\na\r\n{9 Y ~{0}\r\n Z "{3}")\r\n'


def shown(scanner: LiteralScanner, pieces: list[bytes]) -> list[str]:
    """Lines as they are, literals as ``<octets>``, joined when they were cut; ``.`` behind the end."""
    found: list[str] = []
    for piece in pieces:
        for one in scanner.feed(piece):
            if isinstance(one, Line):
                found.append(one.text.decode().replace("\r\n", "") + ("." if one.ends else ""))
            elif found[-1].endswith("+"):
                found[-1] = found[-1][:-2] + one.data.decode() + (">" if not one.left else ">+")
            else:
                found.append(f"<{one.data.decode()}>" + ("+" if one.left else ""))
    return [one.replace("\r\n", "|") for one in found]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_response_with_literals(size: int) -> None:
    pieces = [RESPONSE[at : at + size] for at in range(0, len(RESPONSE), size)]
    assert shown(LiteralScanner(), pieces) == [
        "* 1 FETCH (X {5}",
        "<a|{9>",
        " Y ~{0}",
        "<>",
        ' Z "{3}").',
    ]


def test_free_text_has_no_literal() -> None:
    scanner = LiteralScanner()
    scanner.restart(text=True)
    assert scanner.feed(b"* OK look {5}\r\nabcde") == [Line(b"* OK look {5}\r\n", None, True)]
    assert scanner.restart() == [Line(b"abcde", None, True)]
    assert scanner.restart() == []


def test_a_gap_in_a_literal() -> None:
    scanner = LiteralScanner()
    scanner.feed(b"* 1 FETCH (X {10}\r\nabc")
    assert scanner.hole(4) == [LiteralOctets(b"", 3, 4)]
    assert scanner.feed(b"xyz)\r\n") == [LiteralOctets(b"xyz", 0), Line(b")\r\n", None, True)]


def test_a_gap_that_is_longer_than_the_literal() -> None:
    scanner = LiteralScanner()
    scanner.feed(b"* 1 FETCH (X {10}\r\nabc")
    assert scanner.hole(400) == [LiteralOctets(b"", 0, 7)]
    assert scanner.hole(5) == []


def test_a_long_line_is_not_held() -> None:
    scanner = LiteralScanner()
    line = b"* 1 FETCH (" + b"x" * 200_000 + b" {3}\r\n"
    found = [one for at in range(0, len(line), 9999) for one in scanner.feed(line[at : at + 9999])]
    texts = [one.text for one in found if isinstance(one, Line)]
    assert b"".join(texts) == line
    assert max(map(len, texts)) < 80_000
    assert found[-1] == Line(texts[-1], 3)

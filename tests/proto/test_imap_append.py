"""The messages of an APPEND: their flags and octets, read from behind the mailbox."""

from __future__ import annotations

import pytest

from mailproxy.proto.imap_append import read_messages
from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments


@pytest.mark.parametrize(
    ("args", "flags", "size", "cut"),
    [
        (b" (\\seen \\DRAFT \\Flagged) {2}\r\nab", ["\\Seen", "\\Draft", "\\Flagged"], 2, False),
        (b" {2}", [], 2, True),
        (b" () UTF8 (~{7}\r\n", [], 7, True),
        (b" CATENATE (UTF8 (~{1}\r\na) TEXT {1}\r\nb)", [], 2, False),
        (b" CATENATE (UTF8 (~{1}", [], 1, True),
        (b" CATENATE (URL /x)", [], 0, False),
    ],
)
def test_messages(args: bytes, flags: list[str], size: int, cut: bool) -> None:
    scanner, found = Scanner(args), list[str]()
    assert read_messages(scanner, found) == size
    assert (found, scanner.cut, scanner.at_end) == (flags, cut, True)


@pytest.mark.parametrize(
    "args", [b"", b" ", b" x", b" CATENATE (BLOB {1}\r\na)", b" UTF8 ({1}\r\na", b' "x"']
)
def test_no_messages(args: bytes) -> None:
    with pytest.raises(BadArguments):
        read_messages(Scanner(args), [])

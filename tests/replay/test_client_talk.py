"""Commands, said piece by piece."""

from __future__ import annotations

import pytest

from mailproxy.proto.imap_literals import Literal
from mailproxy.replay.client_talk import (
    News,
    Pause,
    Talk,
    Wait,
    bdat_talk,
    command_talk,
    data_talk,
    idle_talk,
    paused,
)

GO = Wait.GO_AHEAD


def said(talk: Talk) -> list[object]:
    """What it yields, with octets in a row put together."""
    found: list[object] = []
    for one in talk:
        if isinstance(one, bytes) and found and isinstance(found[-1], bytes):
            one = found.pop() + one
        found.append(one)
    return found


def command(octets: bytes, *, takes: bool = False, instead: str = "", size: int = 1 << 20) -> list[object]:
    def asked(literal: Literal) -> bool:
        return takes

    chunks = [octets[at : at + size] for at in range(0, len(octets), size)]
    verb = octets.split(b" ")[1].strip().decode()
    return said(command_talk(chunks, verb, instead=instead, takes=asked))


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("octets", "takes", "expected"),
    [
        (b"a NOOP\r\n", False, [b"a NOOP\r\n"]),
        (b"a LIST {2}\r\nab {1}\r\nc\r\n", False, [b"a LIST {2}\r\n", GO, b"ab {1}\r\n", GO, b"c\r\n"]),
        (b"a LIST {2+}\r\nab {1+}\r\nc\r\n", False, [b"a LIST {2}\r\n", GO, b"ab {1}\r\n", GO, b"c\r\n"]),
        (b"a LIST {2+}\r\nab {1+}\r\nc\r\n", True, [b"a LIST {2+}\r\nab {1+}\r\nc\r\n"]),
        (b"a LIST {2}\r\nab c\r\n", True, [b"a LIST {2}\r\n", GO, b"ab c\r\n"]),
        (b"a APPEND x {4}\r\n{9}\n\r\n", False, [b"a APPEND x {4}\r\n", GO, b"{9}\n\r\n"]),
        (b"a IDLE\r\n", False, [b"a IDLE\r\n"]),
    ],
)
def test_commands(octets: bytes, takes: bool, expected: list[object], size: int) -> None:
    assert command(octets, takes=takes, size=size) == expected


def test_another_verb() -> None:
    assert command(b"a1 select INBOX (X)\r\n", instead="EXAMINE") == [b"a1 EXAMINE INBOX (X)\r\n"]
    assert command(b"a1 SELECT {1}\r\nx\r\n", instead="EXAMINE") == [b"a1 EXAMINE {1}\r\n", GO, b"x\r\n"]
    assert command(b"a1 CLOSE\r\n", instead="UNSELECT") == [b"a1 UNSELECT\r\n"]


def test_messages() -> None:
    assert said(data_talk([b"DATA\r\nhi", b"\r\n.\r\n"])) == [b"DATA\r\n", GO, b"hi\r\n.\r\n"]
    assert said(bdat_talk([b"BDAT 3 LAST\r\n", b"{5}"])) == [b"BDAT 3 LAST\r\n{5}"]


def test_idle() -> None:
    assert said(idle_talk([b"a IDLE\r\nDONE\r\n"], 2, 5.0)) == [b"a IDLE\r\n", GO, News(2, 5.0), b"DONE\r\n"]


def test_pauses() -> None:
    assert said(paused(bdat_talk([b"x"]), 2.0)) == [Pause(2.0), b"x"]
    assert said(paused(bdat_talk([b"x"]), 0.0)) == [b"x"]

"""Where packets begin."""

from __future__ import annotations

import pytest

from mailproxy.capture.follower import Follower
from mailproxy.capture.shape import Shape
from mailproxy.proto.tokens import Side
from tests.capture.test_follower import Event, events


def packets(protocol: str, said: list[Event]) -> list[bytes]:
    """What goes into which packet, of both sides."""
    follower, shape = Follower(protocol), Shape(protocol)
    found: list[tuple[Side, bytes]] = []
    batches = [(side, shape.ready(follower.feed(side, data))) for side, data in said]
    for _, parts in [*batches, (Side.CLIENT, shape.ready(follower.finish())), (Side.SERVER, shape.rest())]:
        last: Side | None = None  # each batch is written by itself
        for part in parts:
            for begins, octets in shape.pieces(part, part.shown):
                if begins or last is not part.side:
                    found.append((part.side, octets))
                else:
                    found[-1] = (part.side, found[-1][1] + octets)
                last = part.side
    return [octets for _, octets in found]


def together(dialogue: str) -> list[Event]:
    """Lines of one side that stand behind each other arrive in one piece."""
    found: list[Event] = []
    for side, data in events(dialogue):
        if found and found[-1][0] is side:
            found[-1] = (side, found[-1][1] + data)
        else:
            found.append((side, data))
    return found


@pytest.mark.parametrize(
    ("protocol", "dialogue", "expected"),
    [
        (
            "pop3",
            "S: +OK\nC: STAT\nC: NOOP\nS: +OK 1 2\nS: +OK\n",
            [b"+OK\r\n", b"STAT\r\n", b"NOOP\r\n", b"+OK 1 2\r\n", b"+OK\r\n"],
        ),
        (
            "pop3",
            "S: +OK\nC: RETR 1\nC: UIDL\nS: +OK 5 octets\nS: a\nS: b\nS: .\nS: +OK\nS: 1 a\nS: .\n",
            [
                b"+OK\r\n",
                b"RETR 1\r\n",
                b"UIDL\r\n",
                b"+OK 5 octets\r\n",
                b"a\r\nb\r\n",
                b".\r\n",
                b"+OK\r\n1 a\r\n.\r\n",
            ],
        ),
        (
            "pop3",
            "S: +OK\nC: RETR 1\nS: +OK 0 octets\nS: .\n",
            [b"+OK\r\n", b"RETR 1\r\n", b"+OK 0 octets\r\n", b".\r\n"],
        ),
        (
            "smtp",
            "S: 220 x\nC: MAIL FROM:<>\nC: RCPT TO:<a>\nC: DATA\nS: 250 x\nS: 250 x\nS: 354 x\nC: a\nC: .\n",
            [
                b"220 x\r\n",
                b"MAIL FROM:<>\r\n",
                b"RCPT TO:<a>\r\n",
                b"DATA\r\n",
                b"250 x\r\n",
                b"250 x\r\n",
                b"354 x\r\n",
                b"a\r\n.\r\n",
            ],
        ),
        (
            "smtp",
            "S: 220 x\nC: BDAT 3\nC: a\nC: BDAT 3 LAST\nC: b\n",
            [b"220 x\r\n", b"BDAT 3\r\n", b"a\r\n", b"BDAT 3 LAST\r\n", b"b\r\n"],
        ),
        (
            "imap",
            "S: * OK\nC: a FETCH 1:2 X\nC: b NOOP\nS: * 1 FETCH (X)\nS: * 2 FETCH (X)\nS: a OK\nS: b OK\n",
            [
                b"* OK\r\n",
                b"a FETCH 1:2 X\r\n",
                b"b NOOP\r\n",
                b"* 1 FETCH (X)\r\n* 2 FETCH (X)\r\n",
                b"a OK\r\n",
                b"b OK\r\n",
            ],
        ),
    ],
)
def test_each_command_and_reply_has_a_packet(protocol: str, dialogue: str, expected: list[bytes]) -> None:
    assert packets(protocol, together(dialogue)) == expected


def test_a_list_waits_for_its_end() -> None:
    said = events("S: +OK\nC: UIDL\nS: +OK\nS: 1 a\nS: 2 b\nS: .\nC: QUIT\n")
    assert packets("pop3", said) == [b"+OK\r\n", b"UIDL\r\n", b"+OK\r\n1 a\r\n2 b\r\n.\r\n", b"QUIT\r\n"]


def test_a_list_without_end_is_not_lost() -> None:
    said = events("S: +OK\nC: UIDL\nS: +OK\nS: 1 a\n")
    assert b"".join(packets("pop3", said)) == b"+OK\r\nUIDL\r\n+OK\r\n1 a\r\n"


def test_a_list_that_is_long_does_not_wait_for_ever() -> None:
    lines = [(Side.SERVER, b"%d x\r\n" % number) for number in range(10_000)]
    said = [*events("S: +OK\nC: UIDL\nS: +OK\n"), *lines]
    found = packets("pop3", said)
    assert b"".join(found) == b"".join(data for _, data in said)
    assert max(map(len, found)) < 60_000

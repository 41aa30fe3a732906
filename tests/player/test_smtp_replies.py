"""The replies of a recorded SMTP exchange, and what its command means."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.smtp_replies import Reply, key_of, replies_of
from tests.player.recording import recorded


def test_replies(store: BodyStore) -> None:
    session = "S: 220 x\nC: EHLO a\nS: 250-x\nS: 250 y\nC: MAIL FROM:<a@b>\nS: 250 x\n"
    session += "C: DATA\nS: 354 x\nC: .\nS: 250 z\nC: NOOP\n"
    _, ehlo, _, data, noop = recorded("smtp", session, store).exchanges
    assert replies_of(ehlo) == [Reply(b"250", b"250-x\r\n250 y\r\n")]
    assert replies_of(data) == [Reply(b"354", b"354 x\r\n"), Reply(b"250", b"250 z\r\n")]
    assert replies_of(noop) == []


@pytest.mark.parametrize(
    ("verb", "one", "other", "same"),
    [
        ("MAIL", b"FROM:<a@b>", b"from: <A@B> SIZE=5", True),
        ("MAIL", b"FROM:<a@b>", b"FROM:<c@b>", False),
        ("RCPT", b"TO:<a@b>", b"TO:a@b", True),
        ("BDAT", b"5 LAST", b"77 last", True),
        ("BDAT", b"5 LAST", b"5", False),
        ("BDAT", b"x", b"y", False),
        ("VRFY", b"a", b"a ", True),
        ("VRFY", b"a", b"b", False),
    ],
)
def test_commands_that_mean_the_same(verb: str, one: bytes, other: bytes, same: bool) -> None:
    assert (key_of(verb, one) == key_of(verb, other)) is same

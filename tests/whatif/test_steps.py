"""Exchanges, step by step."""

from __future__ import annotations

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.pieces import joined
from mailproxy.whatif.logins import Login
from mailproxy.whatif.steps import octets_of, replies, steps_of
from tests.player.recording import recorded

NOBODY = Login("APPEND", b"", "")
APPEND = """
S: * OK hi
C: a APPEND Sent {5}
S: + go
C: Hello
S: * 1 EXISTS
S: a OK done
"""


def test_what_waits_for_the_server_is_a_step_of_its_own(store: BodyStore) -> None:
    exchange = recorded("imap", APPEND, store).exchanges[1]
    steps = steps_of(exchange)
    assert [b"".join(octets_of(step, NOBODY, 0)) for step in steps] == [
        b"a APPEND Sent {5}\r\n",
        b"Hello\r\n",
    ]
    said = [joined(replies(step.server, "imap", b"a", b"P9", asks=False)) for step in steps]
    assert said == [b"", b"* 1 EXISTS\r\nP9 OK done\r\n"]
    assert joined(replies(steps[0].server, "imap", b"a", b"a", asks=True)) == b"+ go\r\n"


def test_what_is_missing_of_a_literal_is_filled_up(store: BodyStore) -> None:
    exchange = recorded("imap", APPEND, store).exchanges[1]
    filled = b"".join(octets_of(steps_of(exchange)[1], NOBODY, 100))
    assert len(filled) == len(b"Hello\r\n") + 100
    assert filled.startswith(b"Hello")
    assert filled.endswith(b"\r\n")


def test_what_does_not_wait_is_one_step(store: BodyStore) -> None:
    text = APPEND.replace("{5}", "{5+}").replace("S: + go\n", "")
    (step,) = steps_of(recorded("imap", text, store).exchanges[1])
    assert b"".join(octets_of(step, NOBODY, 0)) == b"a APPEND Sent {5+}\r\nHello\r\n"

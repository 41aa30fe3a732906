"""What the proxy and the server said to each other, found by command."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.whatif.server_leg import ServerLeg, key_of
from tests.player.recording import recorded


@pytest.mark.parametrize(
    ("protocol", "line", "key"),
    [
        ("pop3", b"retr 3\r\n", ("RETR", b"3")),
        ("pop3", b"PASS secret\r\n", ("PASS", b"")),
        ("pop3", b"AUTH plain AAAA\r\n", ("AUTH", b"PLAIN")),
        ("pop3", b"AUTH\r\n", ("AUTH", b"")),
        ("imap", b"a1 uid fetch 1 (FLAGS)\r\n", ("UID FETCH", b"1 (FLAGS)")),
        ("imap", b"a1 APPEND Sent {7+}\r\nSubject", ("APPEND", b"Sent {7}")),
        ("imap", b"a1 LOGIN aiko secret\r\n", ("LOGIN", b"")),
        ("smtp", b"MAIL FROM:<a@b>\r\n", ("MAIL", b"FROM:<a@b>")),
    ],
)
def test_keys(protocol: str, line: bytes, key: tuple[str, bytes]) -> None:
    assert key_of(protocol, line) == key


SESSION = """
S: +OK
C: LIST
S: +OK
S: 1 1
S: .
C: LIST
S: +OK
S: .
C: NOOP
"""


def test_each_is_taken_once_and_in_order(store: BodyStore) -> None:
    recording = recorded("pop3", SESSION, store)
    first, second = (each for each in recording.exchanges if each.verb == "LIST")
    leg = ServerLeg("pop3", recording)
    assert leg.take(("LIST", b""), own=False) is first
    assert leg.take(("LIST", b""), own=False) is second
    assert leg.take(("LIST", b""), own=False) is None


def test_what_the_proxy_asked_itself_comes_first_for_what_it_asks_itself(store: BodyStore) -> None:
    recording = recorded("pop3", SESSION, store)
    first, second = (each for each in recording.exchanges if each.verb == "LIST")
    first.verdict = {"verdict": "own"}
    assert ServerLeg("pop3", recording).take(("LIST", b""), own=True) is first
    assert ServerLeg("pop3", recording).take(("LIST", b""), own=False) is second


def test_what_was_not_answered_is_not_there(store: BodyStore) -> None:
    assert ServerLeg("pop3", recorded("pop3", SESSION, store)).take(("NOOP", b""), own=False) is None

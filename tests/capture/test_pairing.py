"""Which leg stands for a session."""

from __future__ import annotations

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.model import Stream
from mailproxy.capture.pairing import Pairing


def conversation(number: int, session: str, leg: str) -> Conversation:
    return Conversation(number, Stream(number, "a:1", "b:110"), "pop3", 0.0, session, leg)


def test_a_leg_of_the_server_stands_behind_that_of_the_client_while_that_is_open() -> None:
    pairing = Pairing()
    client, server = conversation(1, "x", "client"), conversation(2, "x", "server")
    assert not pairing.stands_behind(server)
    pairing.began(client)
    pairing.began(server)
    assert pairing.stands_behind(server)
    assert not pairing.stands_behind(client)
    assert not pairing.stands_behind(conversation(3, "y", "server"))
    pairing.ended(server)
    assert pairing.stands_behind(server)
    pairing.ended(client)
    assert not pairing.stands_behind(server)


def test_sessions_of_the_same_name() -> None:
    pairing = Pairing()
    for number in (1, 2):
        pairing.began(conversation(number, "x", "client"))
    pairing.ended(conversation(1, "x", "client"))
    assert pairing.stands_behind(conversation(3, "x", "server"))


def test_captures_of_others_have_no_legs() -> None:
    pairing = Pairing()
    pairing.began(conversation(1, "", ""))
    assert not pairing.stands_behind(conversation(2, "", ""))

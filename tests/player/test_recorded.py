"""Questions to a recording that every protocol has."""

from __future__ import annotations

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.pieces import joined
from mailproxy.player.recorded import command_octets, greeting_of, is_answered, server_turns
from tests.player.recording import recorded


def test_greetings(store: BodyStore) -> None:
    smtp = recorded("smtp", "S: 220-one\nS: 220 two\nC: QUIT\nS: 221 x\n", store)
    assert greeting_of(smtp) == b"220-one\r\n220 two\r\n"
    smtp.exchanges = smtp.exchanges[1:]
    assert greeting_of(smtp) == b""


def test_a_command_with_its_literal(store: BodyStore) -> None:
    session = "S: * PREAUTH x\nC: a SELECT {5}\nS: + go\nC: INBOX\nS: a OK\nC: b NOOP\n"
    _, select, noop = recorded("imap", session, store).exchanges
    assert command_octets(select) == b"a SELECT {5}\r\nINBOX\r\n"
    assert joined(turn.body for turn in server_turns(select)) == b"+ go\r\na OK\r\n"
    assert is_answered(select)
    assert not is_answered(noop)


def test_of_a_long_message_only_the_beginning_is_held(store: BodyStore) -> None:
    text = "\n".join(["C: " + "x" * 900] * 3000)
    session = f"S: 220 x\nC: MAIL FROM:<a@b>\nS: 250 x\nC: DATA\nS: 354 x\n{text}\nC: .\nS: 250 x\n"
    data = recorded("smtp", session, store).exchanges[-1]
    assert 1 << 20 < len(command_octets(data)) < 1_500_000

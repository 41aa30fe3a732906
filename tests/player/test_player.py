"""Whatever its protocol: who says what the captured client said hears what that one heard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.exchanges import Recording, recordings
from mailproxy.player.imap import ImapPlayer
from mailproxy.player.pieces import joined
from mailproxy.player.player import player_of
from mailproxy.player.pop3 import Pop3Player
from mailproxy.player.smtp import SmtpPlayer
from mailproxy.proto.tokens import Side
from tests.player.recording import recorded

CORPUS = Path(__file__).parents[3] / "shared/corpus/pcap"
FILES = sorted(path.name for path in CORPUS.glob("*.pcap*") if path.suffix != ".json")

# Answers that are not those of the capture, because they cannot be: logins and capabilities are our own.
OWN = frozenset(
    {"CAPA", "CAPABILITY", "EHLO", "LOGIN", "AUTHENTICATE", "AUTH", "STARTTLS", "STLS", "USER", "PASS"}
)


@pytest.mark.parametrize(
    ("protocol", "greeting", "kind"),
    [("pop3", "+OK", Pop3Player), ("imap", "* OK", ImapPlayer), ("smtp", "220 x", SmtpPlayer)],
)
def test_each_protocol_has_its_player(store: BodyStore, protocol: str, greeting: str, kind: type) -> None:
    made = player_of(recorded(protocol, f"S: {greeting}\n", store), tls="starttls")
    assert isinstance(made, kind)
    assert made.tls == "starttls"
    assert joined(made.greet()) == greeting.encode() + b"\r\n"


@pytest.mark.skipif(not FILES, reason="the corpus is not here")
@pytest.mark.parametrize("name", FILES)
def test_round_trip(name: str, store: BodyStore) -> None:
    for recording in recordings(CORPUS / name, store):
        if any(exchange.number == 0 and exchange.turns for exchange in recording.exchanges):
            assert differences(recording) == []


def differences(recording: Recording) -> list[tuple[str, bytes, bytes]]:
    """Verb, what was captured and what was said now, where the two are not the same."""
    made = player_of(recording)
    made.greet()
    found = []
    for exchange in recording.exchanges:
        if not exchange.number or made.closed:
            continue
        before = b"".join(turn.body.read() for turn in exchange.turns if turn.side is Side.SERVER)
        now = b"".join(
            joined(made.receive(turn.body.read())) for turn in exchange.turns if turn.side is Side.CLIENT
        )
        if exchange.verb not in OWN and exchange.status and words(before) != words(now):
            found.append((exchange.verb, before, now))
    return found


def words(octets: bytes) -> bytes:
    """Without the continuations of literals, whose words are our own."""
    return re.sub(rb"(?m)^\+ .*\r\n", b"", octets)

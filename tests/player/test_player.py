"""Whatever its protocol: who says what the captured client said hears what that one heard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.exchanges import Recording, recordings
from mailproxy.player.imap import ImapPlayer
from mailproxy.player.pieces import joined
from mailproxy.player.player import player_of
from mailproxy.player.pop3 import Pop3Player
from mailproxy.player.smtp import SmtpPlayer
from mailproxy.proto.tokens import Side
from tests.player.recording import recorded
from tests.player.test_imap import SESSION as IMAP
from tests.player.test_pop3 import SESSION as POP3
from tests.player.test_smtp import SESSION as SMTP

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


PIECES = {
    "pop3": rb"USER a\n|PASS b\n|STAT\n|LIST|UIDL|RETR |TOP |DELE |RSET\n|QUIT\n|AUTH PLAIN|CAPA\n|1| |2|\n",
    "imap": (
        rb"a LOGIN x y\n|a SELECT INBOX\n|a FETCH |a UID FETCH |a STORE |a UID STORE |a SEARCH |"
        rb"a UID SEARCH |a EXPUNGE\n|a COPY |a MOVE |a UID MOVE |a CLOSE\n|a IDLE\n|DONE\n|a LIST |a STATUS |"
        rb"a APPEND |a AUTHENTICATE PLAIN|a ENABLE |a LOGOUT\n|1|:|*|,| |(|)|{3}\n|{3+}\n|abc|FLAGS|BODY[|"
        rb']|<0.1>|+FLAGS (\Deleted)\n|UID|ALL|NOT|OR|RETURN (|INBOX|"|\|\n|\n'
    ),
    "smtp": (
        rb"EHLO x\n|MAIL FROM:<a@b>\n|RCPT TO:<c@d>\n|DATA\n|.\n|BDAT 3|BDAT 3 LAST|BDAT|RSET\n|"
        rb"AUTH LOGIN|AUTH PLAIN|VRFY|QUIT\n|x| |*|\n|\n"
    ),
}
BEGINNINGS = {
    "pop3": b"USER a\r\nPASS b\r\n",
    "imap": b"a LOGIN x y\r\na SELECT INBOX\r\n",
    "smtp": b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n",
}
SESSIONS = {"pop3": POP3, "imap": IMAP, "smtp": SMTP}


@pytest.mark.parametrize("protocol", PIECES)
@given(data=st.data())
def test_whatever_is_sent_gets_an_answer_in_lines_and_never_raises(
    protocol: str, data: st.DataObject
) -> None:
    words = [word.replace(rb"\n", b"\r\n") for word in PIECES[protocol].split(b"|")]
    piece = st.sampled_from(words) | st.binary(max_size=6)
    begins = data.draw(st.sampled_from([b"", BEGINNINGS[protocol]]))
    sent = begins + data.draw(st.lists(piece, max_size=60).map(b"".join))
    with BodyStore() as store:
        recording = recorded(protocol, SESSIONS[protocol], store)
        made, slow = player_of(recording), player_of(recording)
        said = joined([*made.greet(), *made.receive(sent)])
        assert said.endswith(b"\r\n")
        octets = joined(
            [*slow.greet(), *(p for at in range(len(sent)) for p in slow.receive(sent[at : at + 1]))]
        )
        assert fixed(octets) == fixed(said)


def fixed(said: bytes) -> bytes:
    """Without what is fresh each time."""
    return re.sub(rb"<[0-9a-f]+\.\d+@[^>]*>", b"<>", said)

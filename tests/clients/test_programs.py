"""Real mail programs fetch and send through the proxy what they fetch and send without it."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.clients import programs
from tests.clients.conftest import OpenDoor
from tests.clients.standard_library import body, letter
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, BOB, Protocol, Tls
from tests.servers.maildir import await_message
from tests.servers.messages import on_the_wire, sample_messages

STORED = list(sample_messages().values())
ENCRYPTED: tuple[Tls, ...] = ("implicit", "starttls")

# Programs that give the message as it came: only the line ends are theirs.
EXACT_READERS: list[tuple[Protocol, programs.Reader]] = [
    ("imap", programs.curl_imap),
    ("pop3", programs.curl_pop3),
    ("pop3", programs.mpop),
    ("imap", programs.mbsync),
]
SENDERS: list[programs.Sender] = [programs.curl_smtp, programs.msmtp, programs.swaks]


@pytest.mark.parametrize("tls", ENCRYPTED)
@pytest.mark.parametrize(
    ("protocol", "reader"), EXACT_READERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_reading(
    open_door: OpenDoor, tmp_path: Path, protocol: Protocol, reader: programs.Reader, tls: Tls
) -> None:
    fetched = reader(tmp_path, open_door(protocol, tls), ALICE, len(STORED))
    assert [on_the_wire(message) for message in fetched] == [on_the_wire(message) for message in STORED]


@pytest.mark.parametrize("tls", ENCRYPTED)
def test_fetchmail(open_door: OpenDoor, tmp_path: Path, tls: Tls) -> None:
    fetched = programs.fetchmail(tmp_path, open_door("pop3", tls), ALICE, len(STORED))
    assert [body(message) for message in fetched] == [body(message) for message in STORED]


@pytest.mark.parametrize("tls", ENCRYPTED)
@pytest.mark.parametrize("sender", SENDERS, ids=lambda value: value.__name__)
def test_sending(
    open_door: OpenDoor, dovecot: Dovecot, tmp_path: Path, sender: programs.Sender, tls: Tls
) -> None:
    token = secrets.token_hex(8)
    sender(tmp_path, open_door("smtp", tls), ALICE, BOB, letter(token))
    assert body(await_message(dovecot.maildir(BOB), token)) == body(letter(token))

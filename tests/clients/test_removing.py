"""The programs that expunge do so, directly and through a proxy without rules: the other tests' control."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import on_server, removing
from tests.clients.conftest import OpenDoor
from tests.clients.standard_library import body
from tests.servers.dovecot import Dovecot
from tests.servers.messages import sample_messages

SAMPLES = sample_messages()
DOOMED = ("dots", "large", "empty")
LEFT = [message for name, message in SAMPLES.items() if name not in DOOMED]
REMOVING = [
    removing.mbsync,
    removing.mbsync_with_trash,
    removing.offlineimap,
    removing.mutt_expunging,
    removing.mutt_quitting,
    removing.imapclient,
    removing.imapflow,
]


@pytest.mark.parametrize("remove", REMOVING, ids=lambda value: value.__name__)
def test_without_a_rule_the_mail_is_gone(
    open_door: OpenDoor, dovecot: Dovecot, tmp_path: Path, remove: removing.Remover
) -> None:
    account = dovecot.newcomer(SAMPLES.values())
    door = open_door("imap", "implicit")
    seen = remove(tmp_path, door, account, [])
    assert len(seen) == len(SAMPLES)
    seen = remove(tmp_path, door, account, DOOMED)
    assert sorted(map(body, seen)) == sorted(map(body, LEFT))
    assert [body(message) for message in on_server.messages(dovecot, account)] == [body(one) for one in LEFT]

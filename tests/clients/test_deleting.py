"""The programs that delete do so, directly and through a proxy without rules: the other tests' control."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import deleting, on_server
from tests.clients.conftest import OpenDoor
from tests.clients.standard_library import body
from tests.servers.dovecot import Dovecot
from tests.servers.messages import sample_messages

LOADED = list(sample_messages().values())
DELETING = [deleting.fetchmail, deleting.getmail, deleting.mpop, deleting.curl, deleting.poplib]


@pytest.mark.parametrize("collect", DELETING, ids=lambda value: value.__name__)
def test_without_a_rule_the_mail_is_gone(
    open_door: OpenDoor, dovecot: Dovecot, tmp_path: Path, collect: deleting.Collector
) -> None:
    account = dovecot.newcomer(LOADED)
    fetched = collect(tmp_path, open_door("pop3", "implicit"), account)
    assert sorted(map(body, fetched)) == sorted(map(body, LOADED))
    assert on_server.messages(dovecot, account) == []


def test_a_program_that_keeps_deletes_nothing(open_door: OpenDoor, dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer(LOADED)
    for _ in range(2):
        fetched = deleting.fetchmail_keeping(tmp_path, open_door("pop3", "implicit"), account)
        assert sorted(map(body, fetched)) == sorted(map(body, LOADED))
    assert len(on_server.messages(dovecot, account)) == len(LOADED)

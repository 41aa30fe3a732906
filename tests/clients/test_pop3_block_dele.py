"""With the shipped rule file a POP3 program cannot empty a mailbox that is read with IMAP too."""

from __future__ import annotations

import poplib
from collections.abc import Iterator

import pytest

from tests.clients.standard_library import pop3_client, read_by_imap
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import CAROL, Door
from tests.servers.messages import on_the_wire

RULES = PROJECT / "rules/pop3-block-dele.toml"


@pytest.fixture
def guarded(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    way = Way("pop3", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
    with mailproxy_running(tmp_path_factory.mktemp("block-dele"), [way], [RULES]) as running:
        yield running


def delete_all(door: Door) -> list[str]:
    """Log in as CAROL, DELE every message, QUIT; the answers to DELE."""
    client = pop3_client(door)
    client.user(CAROL.user)
    client.pass_(CAROL.password)
    count, _octets = client.stat()
    answers = []
    for number in range(1, count + 1):
        try:
            answers.append(client.dele(number).decode())
        except poplib.error_proto as refusal:
            answers.append(refusal.args[0].decode())
    client.quit()
    return answers


def test_without_the_rule_the_mail_is_gone(dovecot: Dovecot) -> None:
    loaded = dovecot.refill(CAROL)
    answers = delete_all(Door(dovecot.pop3.open, "none"))
    assert [answer[:3] for answer in answers] == ["+OK"] * len(loaded)
    assert read_by_imap(Door(dovecot.imap.open, "none"), CAROL) == []


def test_with_the_rule_all_mail_stays(dovecot: Dovecot, guarded: Proxy) -> None:
    loaded = dovecot.refill(CAROL)
    answers = delete_all(guarded.door("pop3"))
    assert [answer[:4] for answer in answers] == ["-ERR"] * len(loaded)
    left = read_by_imap(Door(dovecot.imap.open, "none"), CAROL)
    assert left == [on_the_wire(message) for message in loaded]
    end = guarded.await_session_end("pop3")
    assert end["user"] == CAROL.user
    assert end["verdicts"]["block"] == len(loaded)

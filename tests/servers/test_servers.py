"""The real servers themselves, without the proxy: else a failure there would look like one of ours."""

from __future__ import annotations

import imaplib
import poplib
import secrets
import smtplib

import pytest

from tests.clients.standard_library import (
    body,
    imap_client,
    letter,
    pop3_client,
    read_by_imap,
    read_by_pop3,
    send_by_smtp,
    smtp_client,
)
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, BOB, TLS_KINDS, Account, Door, Tls
from tests.servers.exim import Exim
from tests.servers.maildir import await_message
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.postfix import Postfix

LOADED = [on_the_wire(message) for message in sample_messages().values()]
STRANGER = Account("alice", "not-her-password")


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_dovecot_gives_the_loaded_messages(dovecot: Dovecot, tls: Tls) -> None:
    ca = dovecot.authority.ca
    assert read_by_imap(Door(dovecot.imap.of(tls), tls, ca), ALICE) == LOADED
    assert read_by_pop3(Door(dovecot.pop3.of(tls), tls, ca), ALICE) == LOADED


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_cyrus_gives_the_loaded_messages(cyrus: Cyrus, tls: Tls) -> None:
    ca = cyrus.authority.ca
    assert read_by_imap(Door(cyrus.imap.of(tls), tls, ca), ALICE) == LOADED
    assert read_by_pop3(Door(cyrus.pop3.of(tls), tls, ca), ALICE) == LOADED


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_postfix_delivers_to_dovecot(postfix: Postfix, tls: Tls) -> None:
    token = secrets.token_hex(8)
    door = Door(postfix.submission.of(tls), tls, postfix.dovecot.authority.ca)
    send_by_smtp(door, ALICE, BOB, letter(token))
    assert body(await_message(postfix.dovecot.maildir(BOB), token)) == body(letter(token))


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_exim_delivers(exim: Exim, tls: Tls) -> None:
    token = secrets.token_hex(8)
    send_by_smtp(Door(exim.submission.of(tls), tls, exim.authority.ca), ALICE, BOB, letter(token))
    assert body(await_message(exim.maildir(BOB), token)) == body(letter(token))


def test_a_wrong_password_is_refused(dovecot: Dovecot, postfix: Postfix, exim: Exim, cyrus: Cyrus) -> None:
    for imap in (dovecot.imap, cyrus.imap):
        client = imap_client(Door(imap.open, "none"))
        with pytest.raises(imaplib.IMAP4.error):
            client.login(STRANGER.user, STRANGER.password)
        client.logout()
    for pop3 in (dovecot.pop3, cyrus.pop3):
        reader = pop3_client(Door(pop3.open, "none"))
        reader.user(STRANGER.user)
        with pytest.raises(poplib.error_proto):
            reader.pass_(STRANGER.password)
        reader.close()
    for submission in (postfix.submission, exim.submission):
        sender = smtp_client(Door(submission.open, "none"))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            sender.login(STRANGER.user, STRANGER.password)
        sender.close()


def test_mail_without_a_login_is_refused(postfix: Postfix, exim: Exim) -> None:
    for submission in (postfix.submission, exim.submission):
        with smtp_client(Door(submission.open, "none")) as client:
            client.mail("alice@example.test")
            code, _text = client.rcpt("bob@example.test")
            assert code // 100 == 5


def test_refilling_undoes_a_deletion(dovecot: Dovecot) -> None:
    account = BOB
    loaded = dovecot.refill(account)
    client = pop3_client(Door(dovecot.pop3.open, "none"))
    client.user(account.user)
    client.pass_(account.password)
    client.dele(1)
    client.quit()
    door = Door(dovecot.imap.open, "none")
    assert len(read_by_imap(door, account)) == len(loaded) - 1
    assert len(dovecot.refill(account)) == len(loaded)
    assert len(read_by_imap(door, account)) == len(loaded)

"""Every protocol with every kind of TLS on either leg, through a real mailproxy, to real servers."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from itertools import product

import pytest

from tests.clients.standard_library import body, letter, read_by_imap, read_by_pop3, send_by_smtp
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import (
    ACCOUNTS,
    ALICE,
    BOB,
    PROTOCOLS,
    TLS_KINDS,
    Account,
    Ports,
    Protocol,
    Tls,
)
from tests.servers.exim import Exim
from tests.servers.maildir import await_message
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.postfix import Postfix

LOADED = [on_the_wire(message) for message in sample_messages().values()]
ENCRYPTED = {"TLSv1.2", "TLSv1.3"}
VERSIONS: dict[Tls, set[str]] = {"none": {""}, "starttls": ENCRYPTED, "implicit": ENCRYPTED}
READERS = {"imap": read_by_imap, "pop3": read_by_pop3}


def way_name(protocol: Protocol, client: Tls, server: Tls) -> str:
    return f"{protocol}-client-{client}-server-{server}"


COMBINATIONS = [
    pytest.param(protocol, client, server, id=way_name(protocol, client, server))
    for protocol, client, server in product(PROTOCOLS, TLS_KINDS, TLS_KINDS)
]


@pytest.fixture(scope="module")
def proxy(dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One mailproxy with a listener for each combination."""
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    ways = [
        Way(
            way_name(protocol, client, server),
            protocol,
            client,
            server,
            ports[protocol].of(server),
            dovecot.authority.ca,
        )
        for protocol, client, server in product(PROTOCOLS, TLS_KINDS, TLS_KINDS)
    ]
    with mailproxy_running(tmp_path_factory.mktemp("combinations"), ways) as running:
        yield running


@pytest.mark.parametrize(("protocol", "client", "server"), COMBINATIONS)
def test_mail_passes_unchanged(
    proxy: Proxy, dovecot: Dovecot, protocol: Protocol, client: Tls, server: Tls
) -> None:
    name = way_name(protocol, client, server)
    door = proxy.door(name)
    if protocol == "smtp":
        token = secrets.token_hex(8)
        send_by_smtp(door, ALICE, BOB, letter(token))
        assert body(await_message(dovecot.maildir(BOB), token)) == body(letter(token))
    else:
        assert READERS[protocol](door, ALICE) == LOADED
    assert_session_end(proxy, name, ALICE, client, server)


def assert_session_end(proxy: Proxy, name: str, account: Account, client: Tls, server: Tls) -> None:
    """The log's summary names the user and both legs' TLS, and blames nobody."""
    end = proxy.await_session_end(name)
    assert end["user"] == account.user
    assert end["tls_client"] in VERSIONS[client]
    assert end["tls_server"] in VERSIONS[server]
    of_session = [event for event in proxy.events() if event.get("session") == end["session"]]
    assert not [event for event in of_session if event["event"] in {"failure", "anomaly", "login.failed"}]


def test_no_password_is_in_the_log(proxy: Proxy, dovecot: Dovecot) -> None:
    for protocol in ("imap", "pop3"):
        name = way_name(protocol, "none", "none")
        READERS[protocol](proxy.door(name), ALICE)
        proxy.await_session_end(name)
    written = proxy.log.read_bytes()
    assert b"alice" in written
    for account in ACCOUNTS:
        assert account.password.encode() not in written
        plain = f"\0{account.user}\0{account.password}".encode()
        assert base64.b64encode(plain) not in written
        assert base64.b64encode(account.password.encode()) not in written


def second_server_way(name: str, protocol: Protocol, ports: Ports, server: Exim | Cyrus) -> Way:
    return Way(name, protocol, "implicit", "starttls", ports.of("starttls"), server.authority.ca)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_cyrus_behind_the_proxy(
    cyrus: Cyrus, tmp_path_factory: pytest.TempPathFactory, protocol: Protocol
) -> None:
    name = f"cyrus-{protocol}"
    ports = {"imap": cyrus.imap, "pop3": cyrus.pop3}[protocol]
    way = second_server_way(name, protocol, ports, cyrus)
    with mailproxy_running(tmp_path_factory.mktemp(name), [way]) as proxy:
        assert READERS[protocol](proxy.door(name), ALICE) == LOADED
        assert_session_end(proxy, name, ALICE, way.client, way.server)


def test_exim_behind_the_proxy(exim: Exim, tmp_path_factory: pytest.TempPathFactory) -> None:
    token = secrets.token_hex(8)
    way = second_server_way("exim", "smtp", exim.submission, exim)
    with mailproxy_running(tmp_path_factory.mktemp("exim"), [way]) as proxy:
        send_by_smtp(proxy.door("exim"), ALICE, BOB, letter(token))
        assert body(await_message(exim.maildir(BOB), token)) == body(letter(token))
        assert_session_end(proxy, "exim", ALICE, way.client, way.server)

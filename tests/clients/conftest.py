"""The proxy that the clients go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.clients.captured import ALL
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import PROTOCOLS, Door, Protocol, Tls
from tests.servers.postfix import Postfix

OpenDoor = Callable[[Protocol, Tls], Door]


@pytest.fixture(scope="session")
def proxy_for_clients(
    dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """A mailproxy with a listener ``imap-implicit``, ``imap-starttls`` and so on; all encrypt upstream."""
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    kinds: tuple[Tls, ...] = ("implicit", "starttls")
    ways = [
        Way(f"{protocol}-{tls}", protocol, tls, "implicit", ports[protocol].secure, dovecot.authority.ca)
        for protocol, tls in product(PROTOCOLS, kinds)
    ]
    with mailproxy_running(tmp_path_factory.mktemp("clients"), ways, more=ALL) as running:
        yield running


@pytest.fixture(params=["direct", "proxied"])
def open_door(request: pytest.FixtureRequest, dovecot: Dovecot, postfix: Postfix) -> OpenDoor:
    """Straight to the server, or through the proxy: what fails in both is not the proxy's doing."""
    if request.param == "proxied":
        proxy: Proxy = request.getfixturevalue("proxy_for_clients")
        return lambda protocol, tls: proxy.door(f"{protocol}-{tls}")
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    return lambda protocol, tls: Door(ports[protocol].of(tls), tls, dovecot.authority.ca)

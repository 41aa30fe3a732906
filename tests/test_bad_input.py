"""Clients and servers that do not do what they should, and a proxy process that serves on."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bad_certificates import FAULTS, make_certificates
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.scripted_server import Server, Step, scripted, tagged, talk
from tests.servers.endpoints import ALICE, Protocol, Tls
from tests.servers.ports import LOOPBACK, free_ports
from tests.waiting import until

WORD = ALICE.password.encode()
LOGINS: dict[Protocol, bytes] = {
    "imap": b"a LOGIN alice " + WORD + b"\r\n",
    "pop3": b"USER alice\r\nPASS " + WORD + b"\r\n",
    "smtp": b"EHLO me\r\n",
}
AWAY = b"The mail server is not available now, try again later\r\n"
FAREWELLS: dict[Protocol, bytes] = {
    "imap": b"* BYE " + AWAY,
    "pop3": b"-ERR [SYS/TEMP] " + AWAY,
    "smtp": b"421 4.3.2 " + AWAY,
}

EHLO = b"250-mail.example.test\r\n250 STARTTLS\r\n"
TO_TLS: dict[Protocol, tuple[Step, ...]] = {
    "imap": (b"* OK hi\r\n", tagged(b"OK begin\r\n")),
    "pop3": (b"+OK hi\r\n", b"+OK begin\r\n"),
    "smtp": (b"220 hi\r\n", EHLO, b"220 go\r\n"),
}


@dataclass(frozen=True)
class Case:
    """An upstream: how it is reached, what it does, whose fault that is, and what is to be said of it."""

    protocol: Protocol
    tls: Tls
    steps: tuple[Step, ...] | None  # None: nobody is there
    fault: str
    says: str


def cases(contexts: dict[str, ssl.SSLContext]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for name, says in FAULTS.items():
        says = f"the certificate of 127.0.0.1 {says}"
        found[f"implicit-{name}"] = Case("imap", "implicit", (contexts[name],), "tls", says)
        for protocol, steps in TO_TLS.items():
            case = Case(protocol, "starttls", (*steps, contexts[name]), "tls", says)
            found[f"starttls-{protocol}-{name}"] = case
    for protocol in TO_TLS:
        found[f"down-{protocol}"] = Case(protocol, "none", None, "network", "Connection refused")
    server = "server"
    injected: dict[str, tuple[Protocol, tuple[Step, ...], str]] = {
        "injected-imap": (
            "imap",
            (b"* OK hi\r\n", tagged(b"OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")),
            "the server sent more than it was asked for before TLS",
        ),
        "injected-pop3": (
            "pop3",
            (b"+OK hi\r\n", b"+OK go\r\n+OK\r\nPLAIN\r\n.\r\n"),
            "the server sent more than it was asked for before TLS",
        ),
        "injected-smtp": (
            "smtp",
            (b"220 hi\r\n", EHLO, b"220 go\r\n250-x\r\n250 AUTH LOGIN\r\n"),
            "the server sent more than it was asked for before TLS",
        ),
        "not-offered": (
            "smtp",
            (b"220 hi\r\n", b"250-x\r\n250 AUTH PLAIN LOGIN\r\n"),
            "the server does not offer STARTTLS",
        ),
        "refused-imap": ("imap", (b"* OK hi\r\n", tagged(b"NO no\r\n")), "the server refused STARTTLS"),
        "refused-pop3": ("pop3", (b"+OK hi\r\n", b"-ERR no\r\n"), "the server refused STLS"),
        "preauth": (
            "imap",
            (b"* PREAUTH hi\r\n",),
            "the server's greeting is PREAUTH, which rules out STARTTLS",
        ),
    }
    for name, (protocol, steps, says) in injected.items():
        found[name] = Case(protocol, "starttls", steps, server, says)
    return found


NAMES = tuple(cases(dict.fromkeys(FAULTS, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))))


@dataclass(frozen=True)
class Setting:
    """One proxy in front of all bad servers and a good one."""

    proxy: Proxy
    cases: dict[str, Case]
    servers: dict[str, Server]

    def still_serves(self) -> None:
        """A fresh session works."""
        for name, tls in (("good", False), ("good-tls", True)):
            door = self.proxy.door(name)
            context = ssl.create_default_context(cafile=str(door.ca)) if tls else None
            assert talk(door.port, b"QUIT\r\n", context=context) == b"+OK ready\r\n+OK bye\r\n"

    def failures(self, name: str) -> list[dict[str, Any]]:
        """What has gone wrong so far in the sessions that came in there."""
        events = self.proxy.events()
        sessions = {
            event["session"]
            for event in events
            if event["event"] == "session.start" and event["listener"] == name
        }
        return [event for event in events if event["event"] == "failure" and event["session"] in sessions]

    def failure(self, name: str, before: int = 0) -> dict[str, Any]:
        """What went wrong after so many failures, once it is logged."""
        until(lambda: len(self.failures(name)) > before, f"failure at {name} in the log")
        (found,) = self.failures(name)[before:]
        return found


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    all_cases = cases(certificates.contexts)
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        ways = []
        for name, case in all_cases.items():
            if case.steps is None:
                port = free_ports(1)[0]
            else:
                servers[name] = stack.enter_context(scripted(*case.steps))
                port = servers[name].port
            ways.append(Way(name, case.protocol, "none", case.tls, port, certificates.ca))
        good = stack.enter_context(scripted(b"+OK ready\r\n", b"+OK bye\r\n", None))
        ways += [
            Way("good", "pop3", "none", "none", good.port, certificates.ca),
            Way("good-tls", "pop3", "implicit", "none", good.port, certificates.ca),
        ]
        folder = tmp_path_factory.mktemp("bad-input")
        proxy = stack.enter_context(mailproxy_running(folder, ways))
        yield Setting(proxy, all_cases, servers)


# -- servers --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_server_gets_no_credentials(setting: Setting, name: str) -> None:
    """The client hears its protocol's own regret; the log says what is wrong."""
    case = setting.cases[name]
    answer = talk(setting.proxy.door(name).port, LOGINS[case.protocol])
    assert answer == FAREWELLS[case.protocol]
    failure = setting.failure(name)
    assert failure["what"] == "no session with the mail server"
    assert failure["fault"] == case.fault
    assert case.says in failure["detail"]
    if name in setting.servers:
        heard = b"".join(setting.servers[name].heard)
        assert WORD not in heard
        assert b"alice" not in heard
    setting.still_serves()


# -- clients --------------------------------------------------------------------------


def test_tls_on_a_port_for_clear_text(setting: Setting) -> None:
    context, before = ssl.create_default_context(), len(setting.failures("good"))
    with pytest.raises(ssl.SSLError):
        talk(setting.proxy.door("good").port, context=context)
    assert setting.failure("good", before)["what"] == (
        "the client speaks TLS on a plaintext port; it should use STARTTLS, or the TLS port"
    )
    setting.still_serves()


NO_TLS = "the mail program does not speak TLS on this port; set its connection security to SSL/TLS"


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (LOGINS["pop3"], NO_TLS),
        (b"GET / HTTP/1.1\r\nHost: mail.example.test\r\n\r\n", NO_TLS),
        (b"\r\n", "the mail program closed the connection in the middle of TLS"),
        (b"", "the mail program closed the connection in the middle of TLS"),
    ],
)
def test_no_tls_on_a_port_for_tls(setting: Setting, said: bytes, detail: str) -> None:
    before = len(setting.failures("good-tls"))
    with socket.create_connection((LOOPBACK, setting.proxy.door("good-tls").port), 30) as sock:
        sock.sendall(said)
        with suppress(OSError):  # it may have ended already
            sock.shutdown(socket.SHUT_WR)
        heard = b""
        with suppress(ConnectionResetError):
            while data := sock.recv(1000):
                heard += data
    assert b"OK" not in heard
    failure = setting.failure("good-tls", before)
    assert failure["fault"] == "tls"
    assert detail in failure["detail"]
    setting.still_serves()


def test_http_on_a_mail_port(setting: Setting) -> None:
    before = len(setting.failures("good"))
    request = b"POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER alice\r\nPASS " + WORD + b"\r\n"
    assert talk(setting.proxy.door("good").port, request) == b"+OK ready\r\n"
    assert setting.failure("good", before)["what"] == "the client speaks HTTP on a mail port"
    setting.still_serves()


# -- silence --------------------------------------------------------------------------

SILENT: dict[str, tuple[Protocol, Tls, bool]] = {
    "silent-clear": ("smtp", "none", False),
    "silent-tls": ("imap", "implicit", True),
    "silent-starttls": ("pop3", "starttls", False),
    "silent-handshake": ("pop3", "implicit", False),
}


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    with ExitStack() as stack:
        ways = []
        servers = {}
        for name, (protocol, tls, secured) in SILENT.items():
            steps: tuple[Step, ...] = (certificates.contexts["good"],) if secured else ()
            servers[name] = stack.enter_context(scripted(*steps))
            ways.append(Way(name, protocol, "none", tls, servers[name].port, certificates.ca))
        ways.append(
            Way("silent-client", "pop3", "implicit", "none", servers["silent-clear"].port, certificates.ca)
        )
        folder = tmp_path_factory.mktemp("silence")
        limits = "\n[limits]\nconnect_seconds = 2\nhandshake_seconds = 2\n"
        yield Setting(stack.enter_context(mailproxy_running(folder, ways, more=limits)), {}, servers)


@pytest.mark.parametrize("name", SILENT)
def test_a_server_that_never_greets(silence: Setting, name: str) -> None:
    protocol = SILENT[name][0]
    assert talk(silence.proxy.door(name).port, LOGINS[protocol]) == FAREWELLS[protocol]
    failure = silence.failure(name)
    assert "within 2 seconds" in failure["detail"]
    assert WORD not in b"".join(silence.servers[name].heard)


def test_a_client_that_never_begins_tls(silence: Setting) -> None:
    with socket.create_connection((LOOPBACK, silence.proxy.door("silent-client").port), 30) as sock:
        assert sock.recv(1) == b""
    assert silence.failure("silent-client")["what"] == "the client did not finish the TLS handshake in time"

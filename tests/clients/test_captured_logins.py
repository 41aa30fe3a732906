"""No password is in a capture, in whichever way a program says it to a real server.

Mechanisms that these servers do not offer (APOP, SCRAM, tokens) are in tests/capture/test_leg.py.
"""

from __future__ import annotations

import base64
import gzip
import hmac
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pytest

from tests.clients.captured import EACH_SESSION, mailproxy, recorded
from tests.clients.standard_library import TIMEOUT_SECONDS, trust
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.secrets_check import forms
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, PROTOCOLS, Protocol
from tests.servers.ports import LOOPBACK
from tests.servers.postfix import Postfix

USER, PASSWORD = ALICE.user.encode(), ALICE.password.encode()
PLAIN = base64.b64encode(b"\0" + USER + b"\0" + PASSWORD)
USER64, PASSWORD64 = base64.b64encode(USER), base64.b64encode(PASSWORD)

Line = bytes | Callable[[bytes], bytes]
"""What the client says to the last line of the server; a function makes it from that."""


def cram_md5(challenge: bytes) -> bytes:
    """RFC 2195 §2."""
    nonce = base64.b64decode(challenge.split(b" ", 1)[1])
    return base64.b64encode(USER + b" " + hmac.new(PASSWORD, nonce, "md5").hexdigest().encode())


@dataclass(frozen=True)
class Login:
    """``lines`` are said one after the other, each to the server's next line that ends its turn."""

    protocol: Protocol
    name: str
    lines: tuple[Line, ...]


LOGINS = [
    Login("pop3", "USER and PASS", (b"USER " + USER, b"PASS " + PASSWORD)),
    Login("pop3", "AUTH PLAIN at once", (b"AUTH PLAIN " + PLAIN,)),
    Login("pop3", "AUTH PLAIN when asked", (b"AUTH PLAIN", PLAIN)),
    Login("pop3", "AUTH LOGIN", (b"AUTH LOGIN", USER64, PASSWORD64)),
    Login("pop3", "AUTH CRAM-MD5", (b"AUTH CRAM-MD5", cram_md5)),
    Login("imap", "LOGIN", (b"a LOGIN " + USER + b" " + PASSWORD,)),
    Login("imap", "LOGIN quoted", (b'a LOGIN "' + USER + b'" "' + PASSWORD + b'"',)),
    Login("imap", "LOGIN literal", (b"a LOGIN %b {%d}" % (USER, len(PASSWORD)), PASSWORD)),
    Login("imap", "LOGIN literal+", (b"a LOGIN %b {%d+}\r\n%b" % (USER, len(PASSWORD), PASSWORD),)),
    Login("imap", "AUTHENTICATE PLAIN at once", (b"a AUTHENTICATE PLAIN " + PLAIN,)),
    Login("imap", "AUTHENTICATE PLAIN when asked", (b"a AUTHENTICATE PLAIN", PLAIN)),
    Login("imap", "AUTHENTICATE LOGIN", (b"a AUTHENTICATE LOGIN", USER64, PASSWORD64)),
    Login("imap", "AUTHENTICATE CRAM-MD5", (b"a AUTHENTICATE CRAM-MD5", cram_md5)),
    Login("smtp", "AUTH PLAIN at once", (b"EHLO client.example.test", b"AUTH PLAIN " + PLAIN)),
    Login("smtp", "AUTH PLAIN when asked", (b"EHLO client.example.test", b"AUTH PLAIN", PLAIN)),
    Login("smtp", "AUTH LOGIN", (b"EHLO client.example.test", b"AUTH LOGIN", USER64, PASSWORD64)),
    Login("smtp", "AUTH CRAM-MD5", (b"EHLO client.example.test", b"AUTH CRAM-MD5", cram_md5)),
]
WELCOME = {"pop3": b"+OK", "imap": b"a OK", "smtp": b"235 "}
GOOD_BYE = {"pop3": b"QUIT", "imap": b"b LOGOUT", "smtp": b"QUIT"}


@pytest.fixture(scope="module")
def recording(
    dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    ways = [
        Way(name, name, "implicit", "implicit", ports[name].secure, dovecot.authority.ca)
        for name in PROTOCOLS
    ]
    with mailproxy_running(tmp_path_factory.mktemp("logins"), ways, more=EACH_SESSION) as running:
        yield running


def log_in(proxy: Proxy, login: Login) -> list[bytes]:
    """All that the client said; it must be let in."""
    door = proxy.door(login.protocol)
    said = []
    with (
        socket.create_connection((LOOPBACK, door.port), TIMEOUT_SECONDS) as open_,
        trust(door).wrap_socket(open_, server_hostname=LOOPBACK) as sock,
        sock.makefile("rb") as lines,
    ):
        heard = lines.readline()
        for line in login.lines:
            said.append(line if isinstance(line, bytes) else line(heard))
            sock.sendall(said[-1] + b"\r\n")
            heard = turn_of_the_server(lines)
        assert heard.startswith(WELCOME[login.protocol]), (login.name, heard)
        sock.sendall(GOOD_BYE[login.protocol] + b"\r\n")
        lines.read()
    return said


def turn_of_the_server(lines: BinaryIO) -> bytes:
    """Its next line that is no untagged response, and none of many."""
    while True:
        line = lines.readline()
        assert line, "the server hung up"
        if not line.startswith(b"* ") and line[3:4] != b"-":
            return line


@pytest.mark.parametrize("login", LOGINS, ids=lambda login: f"{login.protocol} {login.name}")
def test_what_was_secret_is_in_no_octet_of_the_file(recording: Proxy, login: Login) -> None:
    said, capture = recorded(recording, login.protocol, lambda: log_in(recording, login))
    octets = gzip.decompress(capture.read_bytes())
    secrets = [*forms(PASSWORD), said[-1].split()[-1]]
    assert [secret for secret in secrets if secret in octets] == []
    assert b"*" * len(PASSWORD) in octets

    listed = mailproxy("capture", "list", "--json", capture)
    assert '"alice"' in listed.output, listed
    shown = mailproxy("capture", "show", "--secrets", "--full", "--leg", "both", capture)
    assert shown.code == 0, shown
    assert [secret for secret in secrets if secret.decode() in shown.output] == []

"""APPEND: the very octets, with date and flags; nothing in clear that is to be encrypted."""

from __future__ import annotations

import io
import socket
import ssl

import pytest

from mailproxy.archive.appender import Appender, AppendFailed, modified_utf7
from mailproxy.proto.mutf7 import decode_mutf7
from tests.clients.standard_library import expect, imap_client, trust
from tests.scripted_server import scripted
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import BOB, TLS_KINDS, Door, Tls
from tests.servers.ports import LOOPBACK

TEXT = b"Subject: a\r\n\r\n.\r\nbare\nand\rodd \xff {5}\r\n"
DATE = "17-Jul-1996 02:44:25 -0700"
GREETING = b"* OK ready\r\n"


def tagged(status: bytes, before: bytes = b"") -> object:
    return lambda said: before + said.split(b" ")[0] + b" " + status + b"\r\n"


def appended(server: Appender, mailbox: str = "INBOX", flags: tuple[str, ...] = ()) -> None:
    server.append(mailbox, flags, DATE, io.BytesIO(TEXT), len(TEXT))


@pytest.mark.parametrize("tls", TLS_KINDS)
def test_dovecot_gets_it_as_it_is(dovecot: Dovecot, tls: Tls) -> None:
    door = Door(dovecot.imap.of(tls), tls, dovecot.authority.ca)
    box = f"Back & forth {tls} 愛"
    client = imap_client(Door(dovecot.imap.secure, "implicit", dovecot.authority.ca))
    client.login(BOB.user, BOB.password)
    expect(client.create(f'"{modified_utf7(box)}"'), "OK")
    with Appender(LOOPBACK, door.port, tls, trust(door) if tls != "none" else None) as server:
        server.login(BOB.user, BOB.password)
        appended(server, box, ("\\Seen", "$Work", "no (flag"))
        appended(server, box)
    expect(client.select(f'"{modified_utf7(box)}"'), "OK")
    for number, flags in (("1", b"\\Seen"), ("2", b"")):
        items = expect(client.fetch(number, "(FLAGS INTERNALDATE BODY.PEEK[])"), "OK")
        head = b"".join(part for item in items for part in (item if isinstance(item, tuple) else (item,)))
        # Dovecot itself makes CRLF of a bare LF when it delivers from a Maildir.
        assert TEXT.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") in head
        assert f'INTERNALDATE "{DATE}"'.encode() in head or b"09:44:25 +0000" in head
        assert (b"\\Seen" in head, b"$Work" in head) == (bool(flags), bool(flags))
        assert b"no (flag" not in head
    client.logout()


def test_a_wrong_password(dovecot: Dovecot) -> None:
    server = Appender(LOOPBACK, dovecot.imap.open, "none", None)
    with pytest.raises(AppendFailed, match="the server refused the login") as caught, server:
        server.login(BOB.user, "not-his")
    assert "not-his" not in str(caught.value)


def test_a_mailbox_that_is_not_there(dovecot: Dovecot) -> None:
    with Appender(LOOPBACK, dovecot.imap.open, "none", None) as server:
        server.login(BOB.user, BOB.password)
        with pytest.raises(AppendFailed, match=r"\[TRYCREATE\].*; make the mailbox first"):
            appended(server, "No such box")


class FakeSocket:
    """Says its lines one by one; ``sent`` is all that it was given."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = list(lines)
        self.sent = b""

    def recv(self, octets: int) -> bytes:
        return self._lines.pop(0) if self._lines else b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self._lines.clear()


def test_the_very_octets_go_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSocket(GREETING, b"+ go\r\n", b"R1 OK\r\n", b"R2 OK\r\n")
    monkeypatch.setattr(socket, "create_connection", lambda *where: fake)
    with Appender(LOOPBACK, 143, "none", None) as server:
        appended(server, flags=("\\Seen",))
    head = b'R1 APPEND "INBOX" (\\Seen) "%b" {%d}\r\n' % (DATE.encode(), len(TEXT))
    assert fake.sent == head + TEXT + b"\r\nR2 LOGOUT\r\n"


def test_login_with_literals_where_there_is_no_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSocket(
        GREETING,
        b"* CAPABILITY IMAP4rev1\r\nR1 OK\r\n",
        b"+ go\r\n",
        b"+ go\r\n",
        b"R2 OK\r\n",
        b"R3 OK\r\n",
    )
    monkeypatch.setattr(socket, "create_connection", lambda *where: fake)
    with Appender(LOOPBACK, 143, "none", None) as server:
        server.login('a"b', "p ü")
    words = 'R2 LOGIN {3}\r\na"b {4}\r\np ü\r\n'
    assert fake.sent == f"R1 CAPABILITY\r\n{words}R3 LOGOUT\r\n".encode()


def test_no_password_where_none_is_taken() -> None:
    with scripted(GREETING, tagged(b"OK", b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"), None) as listening:
        server = Appender(LOOPBACK, listening.port, "none", None)
        with pytest.raises(AppendFailed, match="LOGINDISABLED"), server:
            server.login("a", "secret")
    assert b"secret" not in b"".join(listening.heard)


def test_octets_behind_starttls_are_not_the_servers() -> None:
    with (
        scripted(GREETING, tagged(b"OK go\r\n* CAPABILITY AUTH=PLAIN"), None) as listening,
        pytest.raises(AppendFailed, match="behind its answer to STARTTLS"),
    ):
        Appender(LOOPBACK, listening.port, "starttls", ssl.create_default_context())


def test_starttls_refused() -> None:
    with (
        scripted(GREETING, tagged(b"NO not here"), None) as listening,
        pytest.raises(AppendFailed, match="refused STARTTLS: NO not here"),
    ):
        Appender(LOOPBACK, listening.port, "starttls", ssl.create_default_context())


@pytest.mark.parametrize("greeting", [b"+OK POP3\r\n", b"* BYE busy\r\n"])
def test_another_greeting(greeting: bytes) -> None:
    with (
        scripted(greeting, None) as listening,
        pytest.raises(AppendFailed, match="is this its IMAP port"),
    ):
        Appender(LOOPBACK, listening.port, "none", None)


def test_a_server_that_nobody_knows(dovecot: Dovecot) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Appender(LOOPBACK, dovecot.imap.secure, "implicit", ssl.create_default_context())


def test_literals_in_between_are_passed_over() -> None:
    noise = b"* LIST () NIL {5}\r\nR1 NO\r\n* OK look {9}\r\n"
    with scripted(GREETING, tagged(b"OK", noise + b"* CAPABILITY LOGINDISABLED\r\n"), None) as listening:
        server = Appender(LOOPBACK, listening.port, "none", None)
        with pytest.raises(AppendFailed, match="LOGINDISABLED"), server:
            server.login("a", "b")


def test_a_line_without_end() -> None:
    with (
        scripted(b"* OK " + b"a" * 100_000, None) as listening,
        pytest.raises(AppendFailed, match="a line that is too long"),
    ):
        Appender(LOOPBACK, listening.port, "none", None)


def test_a_file_that_became_shorter() -> None:
    with scripted(GREETING, b"+ go\r\n", None) as listening:
        server = Appender(LOOPBACK, listening.port, "none", None)
        with pytest.raises(AppendFailed, match="became shorter"), server:
            server.append("INBOX", (), "no date", io.BytesIO(b"abc"), 4)
    assert listening.heard[0] == b'R1 APPEND "INBOX" () {4}\r\n'


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("INBOX", "INBOX"),
        ("a & b", "a &- b"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("下書き", "&Tgtm+DBN-"),
        ("a\r\nb", "a&AA0ACg-b"),
        ("😀/x", "&2D3eAA-/x"),
    ],
)
def test_mailbox_names(name: str, sent: str) -> None:
    assert modified_utf7(name) == sent
    assert decode_mutf7(sent) == name

"""What mail programs see: certificates by name, ALPN, old versions, reload."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from mailproxy.tls.errors import TlsError
from mailproxy.tls.explain import explain_client
from mailproxy.tls.server import ServerTls
from tests.tls.handshakes import handshake, trusting

NAMES = ("mail.example.com", "localhost", "127.0.0.1")


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def local(tmp_path: Path) -> ServerTls:
    return ServerTls(tmp_path / "tls", NAMES)


def program(server: ServerTls, *protocols: str) -> ssl.SSLContext:
    assert server.authority is not None
    context = trusting(server.authority.path.read_bytes())
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def careless() -> ssl.SSLContext:
    """A program that verifies nothing, to see what it is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("localhost", ["localhost"]),
        ("LOCALHOST", ["localhost"]),
        ("mail.example.com", ["mail.example.com"]),
        ("mail.example.com.", ["mail.example.com"]),
        ("stranger.example", list(NAMES)),
        ("x.localhost", list(NAMES)),
        (None, list(NAMES)),
    ],
)
def test_the_name_asked_for_selects_the_certificate(
    local: ServerTls, asked: str | None, shown: list[str]
) -> None:
    with handshake(local.context("imap"), careless(), asked) as ends:
        assert (ends.client_error, ends.server_error) == (None, None)
        assert ends.names() == shown


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_strict_program_is_content(local: ServerTls, host: str, version: ssl.TLSVersion) -> None:
    client = program(local, "imap")
    client.minimum_version = client.maximum_version = version
    with handshake(local.context("imap"), client, host) as ends:
        assert (ends.client_error, ends.server_error) == (None, None)
        assert ends.client.selected_alpn_protocol() == "imap"
        assert ends.server.selected_alpn_protocol() == "imap"
        ends.client.send(b"a NOOP\r\n")
        assert ends.server.recv(99) == b"a NOOP\r\n"


def test_many_strange_names_mint_nothing(local: ServerTls) -> None:
    context = local.context("imap")
    shown = set()
    for number in range(30):
        with handshake(context, careless(), f"host{number}.example") as ends:
            shown.add(ends.seen().serial_number)
    assert len(shown) == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_each_protocol_has_its_id(local: ServerTls, protocol: str) -> None:
    with handshake(local.context(protocol), program(local, "imap", "pop3", "smtp"), "localhost") as ends:
        assert ends.client.selected_alpn_protocol() == protocol
    with handshake(local.context(protocol), program(local), "localhost") as ends:
        assert ends.client_error is None
        assert ends.client.selected_alpn_protocol() is None


def test_there_is_no_context_for_another_protocol(local: ServerTls) -> None:
    with pytest.raises(ValueError, match="ALPN"):
        local.context("http/1.1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_are_answered_with_an_alert(local: ServerTls) -> None:
    client = careless()
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = ssl.TLSVersion.TLSv1
    client.maximum_version = ssl.TLSVersion.TLSv1_1
    with handshake(local.context("imap"), client, "localhost") as ends:
        assert isinstance(ends.client_error, ssl.SSLError)
        assert ends.client_error.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
        assert ends.server_error is not None
        assert "older than 1.2" in explain_client(ends.server_error)


@pytest.mark.parametrize(
    "first", [b"a LOGIN user hunter2\r\n", b"GET /hunter2 HTTP/1.0\r\n\r\n", b"\x00" * 99]
)
def test_what_is_no_tls_is_not_quoted(local: ServerTls, first: bytes) -> None:
    near, far = socket.socketpair()
    far.setblocking(False)
    end = local.context("imap").wrap_socket(far, server_side=True, do_handshake_on_connect=False)
    with near, end:
        near.sendall(first)
        with pytest.raises(ssl.SSLError) as caught:
            end.do_handshake()
    assert "hunter2" not in repr(caught.value)
    assert "does not speak TLS" in explain_client(caught.value)


def test_a_program_that_does_not_trust_us_is_told_how(local: ServerTls) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with handshake(local.context("imap"), stranger, "localhost") as ends:
        assert ends.server_error is not None
        assert "mailproxy ca export" in explain_client(ends.server_error)


def test_the_options_that_matter_are_set(local: ServerTls) -> None:
    context = local.context("smtp")
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    # Else a connection that is cut short would look like one that ended well.
    assert not context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


def test_contexts_are_kept_until_a_leaf_is_renewed(tmp_path: Path) -> None:
    now = datetime.datetime(2030, 1, 1, tzinfo=UTC)
    server = ServerTls(tmp_path / "tls", NAMES, now=lambda: now)
    before = server.context("imap")
    now += timedelta(days=160)
    assert server.context("imap") is before
    now += timedelta(days=20)
    after = server.context("imap")
    assert after is not before
    with handshake(before, careless(), "localhost") as old, handshake(after, careless(), "localhost") as new:
        assert new.seen().not_valid_after_utc > old.seen().not_valid_after_utc


class Files:
    """The user's own certificate, as files that can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"

    def write(
        self,
        name: str,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> None:
        issued = self.authority.issue_cert(name, not_before=not_before, not_after=not_after)
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.key.touch(0o600)
        self.key.write_bytes(issued.private_key_pem.bytes())

    def server(self) -> ServerTls:
        return ServerTls(self.certificate.parent / "tls", NAMES, self.certificate, self.key)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.write("one.example")
    return files


def test_the_users_own_certificate_is_served_and_no_authority_made(files: Files) -> None:
    server = files.server()
    assert server.authority is None
    assert server.warnings == []
    client = trusting(files.authority.cert_pem.bytes())
    with handshake(server.context("pop3"), client, "one.example") as ends:
        assert ends.client_error is None
    assert not (files.certificate.parent / "tls").exists()


def test_reload_serves_the_new_certificate_and_keeps_open_connections(files: Files) -> None:
    server = files.server()
    with handshake(server.context("imap"), careless(), "x.example") as before:
        files.write("two.example")
        assert server.reload() == []
        with handshake(server.context("imap"), careless(), "x.example") as after:
            assert (before.names(), after.names()) == (["one.example"], ["two.example"])
        before.client.send(b"still here")
        assert before.server.recv(99) == b"still here"


def no_file(files: Files) -> None:
    files.certificate.unlink()


def a_folder(files: Files) -> None:
    files.key.unlink()
    files.key.mkdir()


def foreign_key(files: Files) -> None:
    files.key.write_bytes(files.authority.issue_cert("x.example").private_key_pem.bytes())


def half_key(files: Files) -> None:
    files.key.write_bytes(files.key.read_bytes()[:60])


def half_certificate(files: Files) -> None:
    files.certificate.write_bytes(files.certificate.read_bytes()[:200])


def empty(files: Files) -> None:
    files.certificate.write_bytes(b"")


def passphrase(files: Files) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"hunter2")
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )


def authority_first(files: Files) -> None:
    own = files.certificate.read_bytes()
    files.certificate.write_bytes(files.authority.cert_pem.bytes() + own)


@pytest.mark.parametrize(
    ("spoil", "file", "says"),
    [
        (no_file, "cert.pem", "no such file"),
        (a_folder, "key.pem", "is a directory"),
        (foreign_key, "key.pem", "does not fit"),
        (half_key, "key.pem", "no private key"),
        (half_certificate, "cert.pem", "no certificate"),
        (empty, "cert.pem", "no certificate"),
        (passphrase, "key.pem", "passphrase"),
        (authority_first, "cert.pem", "put it first"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_bad_reload_says_why_and_changes_nothing(files: Files, spoil, file: str, says: str) -> None:  # type: ignore[no-untyped-def]
    server = files.server()
    before = server.context("imap")
    spoil(files)
    with pytest.raises(TlsError) as caught:
        server.reload()
    assert caught.value.file.name == file
    assert says in str(caught.value)
    assert server.context("imap") is before
    with handshake(server.context("smtp"), careless(), None) as ends:
        assert ends.names() == ["one.example"]
    with pytest.raises(TlsError):
        files.server()


def test_a_bad_reload_of_the_authority_changes_nothing(local: ServerTls, tmp_path: Path) -> None:
    before = local.context("imap")
    (tmp_path / "tls" / "ca-key.pem").chmod(0o644)
    with pytest.raises(TlsError, match="chmod 600"):
        local.reload()
    assert local.context("imap") is before


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [(-9, -1, "expired on"), (2, 9, "valid from"), (-9, 9, "expires on"), (-9, 90, None)],
)
def test_dates_are_warned_about(files: Files, starts: int, ends: int, says: str | None) -> None:
    now = datetime.datetime.now(UTC)
    files.write("a.example", not_before=now + timedelta(days=starts), not_after=now + timedelta(days=ends))
    warnings = files.server().warnings
    assert [says in warning for warning in warnings if says] == ([True] if says else [])
    assert len(warnings) == (says is not None)


def test_a_key_that_everybody_reads_is_warned_about(files: Files) -> None:
    files.key.chmod(0o644)
    assert "chmod o=" in files.server().warnings[0]
    files.key.chmod(0o640)
    assert files.server().warnings == []


def test_certificate_and_key_may_share_a_file_behind_a_link(files: Files, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    (tmp_path / "live.pem").symlink_to(both)
    server = ServerTls(tmp_path / "tls", NAMES, tmp_path / "live.pem")
    with handshake(server.context("imap"), careless(), None) as ends:
        assert ends.names() == ["one.example"]


@pytest.mark.usefixtures("no_umask")
def test_the_key_log_is_private_and_works(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    server = ServerTls(tmp_path / "tls", NAMES, keylog=keylog)
    assert keylog.stat().st_mode & 0o777 == 0o600
    assert "reads all mail" in server.warnings[0]
    with handshake(server.context("imap"), careless(), "localhost"):
        assert "CLIENT_TRAFFIC_SECRET_0" in keylog.read_text()
    assert server.reload() == server.warnings


@pytest.mark.parametrize("kind", ["loose", "link", "no folder"])
def test_a_key_log_that_others_could_read_is_refused(tmp_path: Path, kind: str) -> None:
    keylog = tmp_path / "keys.log"
    if kind == "loose":
        keylog.touch()
        keylog.chmod(0o644)
    elif kind == "link":
        keylog.symlink_to(tmp_path / "elsewhere")
    else:
        keylog = tmp_path / "nowhere" / "keys.log"
    with pytest.raises(TlsError) as caught:
        ServerTls(tmp_path / "tls", NAMES, keylog=keylog)
    assert caught.value.file == keylog
    assert not (tmp_path / "elsewhere").exists()

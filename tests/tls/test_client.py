"""The leg to the mail server: who is believed, who is not, and what a person is told."""

from __future__ import annotations

import datetime
import shutil
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mailproxy.tls.authority import Authority
from mailproxy.tls.certificates import key_to_pem, new_authority, new_key, to_pem
from mailproxy.tls.client import upstream_context
from mailproxy.tls.errors import TlsError
from mailproxy.tls.explain import explain
from mailproxy.tls.identity import Identity
from mailproxy.tls.server import ServerTls
from tests.tls.handshakes import handshake

NOW = datetime.datetime.now(UTC)
HOST = "imap.example.com"


@pytest.fixture(scope="module")
def trusted() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(trusted: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "trusted.pem"
    path.write_bytes(trusted.cert_pem.bytes())
    return path


def mail_server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert(HOST, "192.0.2.7", "2001:db8::7", "*.a.example")


@pytest.mark.parametrize("host", [HOST, "192.0.2.7", "2001:db8::7", "y.a.example"])
@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_a_server_of_the_trusted_authority_is_believed(
    trusted: trustme.CA, ca_file: Path, host: str, protocol: str
) -> None:
    server = mail_server(good(trusted))
    server.set_alpn_protocols(["pop3", "smtp", "imap"])
    with handshake(server, upstream_context(protocol, ca_file), host) as ends:
        assert (ends.client_error, ends.server_error) == (None, None)
        assert ends.client.selected_alpn_protocol() == protocol


def test_a_server_without_alpn_is_believed(trusted: trustme.CA, ca_file: Path) -> None:
    with handshake(mail_server(good(trusted)), upstream_context("imap", ca_file), HOST) as ends:
        assert ends.client_error is None


BAD: dict[str, tuple[Callable[[trustme.CA], trustme.LeafCert | Identity], str, str]] = {
    "expired": (
        lambda ca: ca.issue_cert(HOST, not_before=NOW - timedelta(9), not_after=NOW - timedelta(1)),
        HOST,
        "has expired",
    ),
    "early": (
        lambda ca: ca.issue_cert(HOST, not_before=NOW + timedelta(1), not_after=NOW + timedelta(9)),
        HOST,
        "not valid yet",
    ),
    "wrong host": (good, "other.example", "another host"),
    "wrong address": (good, "192.0.2.8", "another host"),
    "below a wildcard": (good, "x.y.a.example", "another host"),
    "common name only": (lambda ca: ca.issue_cert(common_name=HOST), HOST, "another host"),
    "unknown authority": (lambda _: good(trustme.CA()), HOST, "unknown authority"),
    "self-signed": (lambda _: self_signed(), HOST, "self-signed"),
}


def self_signed() -> Identity:
    key = new_key()
    certificate = new_authority(key, (HOST,), NOW)
    return Identity(to_pem(certificate), key_to_pem(key), NOW)


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_server_that_cannot_prove_its_name_is_refused(
    trusted: trustme.CA, ca_file: Path, case: str
) -> None:
    make, host, says = BAD[case]
    made = make(trusted)
    if isinstance(made, Identity):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_into(server)
    else:
        server = mail_server(made)
    with handshake(server, upstream_context("imap", ca_file), host) as ends:
        assert isinstance(ends.client_error, ssl.SSLCertVerificationError)
        sentence = explain(ends.client_error, host)
    assert says in sentence
    assert host in sentence
    assert len(sentence) <= 200


def test_an_address_written_as_a_host_name_does_not_count(tmp_path: Path) -> None:
    key = new_key()
    own = x509.SubjectAlternativeName([x509.DNSName("192.0.2.7")])
    plain = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(1))
        .not_valid_after(NOW + timedelta(1))
        .add_extension(own, critical=True)
    )
    certificate = to_pem(plain.sign(key, SHA256()))
    pinned = tmp_path / "pinned.pem"
    pinned.write_bytes(certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Identity(certificate, key_to_pem(key), NOW).load_into(server)
    with handshake(server, upstream_context("imap", pinned), "192.0.2.7") as ends:
        assert isinstance(ends.client_error, ssl.SSLCertVerificationError)
        assert ends.client_error.verify_code == 64


def test_a_single_server_can_be_pinned(trusted: trustme.CA, tmp_path: Path) -> None:
    certificate = good(trusted)
    pinned = tmp_path / "pinned.pem"
    pinned.write_bytes(certificate.cert_chain_pems[0].bytes())
    with handshake(mail_server(certificate), upstream_context("imap", pinned), HOST) as ends:
        assert ends.client_error is None
    with handshake(mail_server(good(trusted)), upstream_context("imap", pinned), HOST) as ends:
        assert isinstance(ends.client_error, ssl.SSLCertVerificationError)


def test_what_is_verified_is_never_less(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "leak.log"))
    context = upstream_context("imap", ca_file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    assert not (tmp_path / "leak.log").exists()
    assert context.keylog_filename is None


@pytest.mark.parametrize(
    "content", [None, b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_file_without_certificates_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TlsError) as caught:
        upstream_context("imap", path)
    assert caught.value.file == path


def test_another_protocol_is_an_error(ca_file: Path) -> None:
    with pytest.raises(ValueError, match="ALPN"):
        upstream_context("http/1.1", ca_file)


@pytest.fixture
def own(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "tls", (HOST,))


def test_a_ca_file_with_our_own_authority_is_an_error(
    own: Authority, trusted: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(trusted.cert_pem.bytes() + own.path.read_bytes())
    with pytest.raises(TlsError, match="own authority"):
        upstream_context("imap", path, own.path)
    upstream_context("imap", path)  # proves that nothing else is wrong with it


def test_our_own_key_in_another_certificate_is_an_error_too(own: Authority, tmp_path: Path) -> None:
    key = load_pem_private_key((tmp_path / "tls" / "ca-key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    path = tmp_path / "again.pem"
    path.write_bytes(to_pem(new_authority(key, ("x.example",), NOW)))
    with pytest.raises(TlsError, match="own authority"):
        upstream_context("imap", path, own.path)


@pytest.mark.parametrize("place", ["file", "folder"])
def test_our_own_authority_is_taken_out_of_the_systems(
    own: Authority, trusted: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command")
    bundle, folder = tmp_path / "bundle.pem", tmp_path / "certs"
    folder.mkdir()
    bundle.write_bytes(trusted.cert_pem.bytes() + (own.path.read_bytes() if place == "file" else b""))
    if place == "folder":
        # The name by which OpenSSL would find it.
        hashed = subprocess.run(
            [openssl, "x509", "-noout", "-subject_hash", "-in", str(own.path)],
            capture_output=True,
            check=True,
        )
        (folder / f"{hashed.stdout.decode().strip()}.0").symlink_to(own.path)
        (folder / "00000000.0").symlink_to("nowhere")
        (folder / "README").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    mirror = ServerTls(tmp_path / "tls", (HOST,)).context("imap")
    with handshake(mirror, upstream_context("imap"), HOST) as ends:
        assert ends.client_error is None, "the trap is not set"
    with handshake(mirror, upstream_context("imap", own_ca=own.path), HOST) as ends:
        assert isinstance(ends.client_error, ssl.SSLCertVerificationError)
    with handshake(mail_server(good(trusted)), upstream_context("imap", own_ca=own.path), HOST) as ends:
        assert ends.client_error is None


def test_a_system_that_trusts_nobody_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(TlsError, match="ca_file"):
        upstream_context("imap")


def test_a_damaged_own_authority_is_an_error(ca_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("?")
    with pytest.raises(TlsError, match="not a certificate"):
        upstream_context("imap", ca_file, tmp_path / "own.pem")


def test_the_key_log_is_private(trusted: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    context = upstream_context("imap", ca_file, keylog=keylog)
    with handshake(mail_server(good(trusted)), context, HOST):
        assert "CLIENT_TRAFFIC_SECRET_0" in keylog.read_text()
    assert keylog.stat().st_mode & 0o777 == 0o600

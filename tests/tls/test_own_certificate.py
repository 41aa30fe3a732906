"""The user's own certificate: good ones, and what is said of others. No key ever shows."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailproxy.tls import own_certificate
from mailproxy.tls.certificates import key_to_pem, new_authority, new_key, new_leaf, to_pem
from mailproxy.tls.errors import TlsError
from mailproxy.tls.own_certificate import read_own_certificate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CA_KEY, KEY = new_key(), new_key()
AUTHORITY = new_authority(CA_KEY, ("a.example",), NOW)
CA = to_pem(AUTHORITY)
LEAF = to_pem(
    new_leaf(KEY.public_key(), ("a.example",), new_authority(CA_KEY, ("a.example",), NOW), CA_KEY, NOW)
)
ENDS = NOW - timedelta(days=1) + timedelta(days=199, seconds=-1)


class Files:
    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.write(LEAF + CA, key_to_pem(KEY))

    def write(self, certificate: bytes, key: bytes) -> None:
        self.certificate.write_bytes(certificate)
        self.key.write_bytes(key)
        self.key.chmod(0o600)

    def refused(self, now: datetime = NOW) -> TlsError:
        with pytest.raises(TlsError) as caught:
            read_own_certificate(self.certificate, self.key, now)
        secret = key_to_pem(KEY).splitlines()[1].decode()
        assert secret not in f"{caught.value} {caught.value!r}"
        return caught.value


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_chain_and_its_key(files: Files) -> None:
    identity, warnings = read_own_certificate(files.certificate, files.key, NOW)
    assert warnings == []
    assert identity.not_after == ENDS


def test_all_in_one_file_behind_a_link(files: Files) -> None:
    files.certificate.write_bytes(LEAF + CA + key_to_pem(KEY))
    files.certificate.chmod(0o600)
    link = files.certificate.with_name("live.pem")
    link.symlink_to(files.certificate)
    _, warnings = read_own_certificate(link, None, NOW)
    assert warnings == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (ENDS - timedelta(days=15), ""),
        (ENDS - timedelta(days=13), f"the certificate expires on {ENDS:%Y-%m-%d}; renew it"),
        (
            ENDS + timedelta(seconds=1),
            f"the certificate expired on {ENDS:%Y-%m-%d}; mail programs will refuse it",
        ),
        (
            NOW - timedelta(days=2),
            "is valid from 2026-02-28 00:00 UTC on only; check the clock",
        ),
    ],
)
def test_dates(files: Files, now: datetime, said: str) -> None:
    _, warnings = read_own_certificate(files.certificate, files.key, now)
    assert len(warnings) == bool(said)
    assert all(said in warning for warning in warnings)


@pytest.mark.parametrize(("bits", "told"), [(0o600, False), (0o640, False), (0o604, True), (0o666, True)])
def test_a_key_that_everybody_may_read(files: Files, bits: int, told: bool) -> None:
    files.key.chmod(bits)
    _, warnings = read_own_certificate(files.certificate, files.key, NOW)
    assert [f"chmod o= '{files.key}'" in warning for warning in warnings] == [True] * told


def test_a_key_whose_mode_is_gone(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(own_certificate.os, "stat", gone)
    assert read_own_certificate(files.certificate, files.key, NOW)[1] == []


ENCRYPTED = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"opensesame"),
)
GOOD_KEY = key_to_pem(KEY)


@pytest.mark.parametrize(
    ("certificate", "key", "file", "cause", "step"),
    [
        (
            b"nonsense",
            GOOD_KEY,
            "cert.pem",
            "there is no certificate in PEM in it",
            "the file with the chain",
        ),
        (GOOD_KEY, GOOD_KEY, "cert.pem", "there is no certificate in PEM in it", "with the chain"),
        (LEAF, b"nonsense", "key.pem", "there is no private key in PEM in it", "correct `key`"),
        (LEAF, LEAF, "key.pem", "there is no private key in PEM in it", "correct `key`"),
        (LEAF, ENCRYPTED, "key.pem", "protected by a passphrase", "openssl pkey -in"),
        (LEAF, key_to_pem(new_key()), "key.pem", "this key does not fit the certificate", "belong together"),
        (CA + LEAF, GOOD_KEY, "cert.pem", "is not the first one in it", "put it first"),
    ],
)
def test_what_cannot_be_served(
    files: Files, certificate: bytes, key: bytes, file: str, cause: str, step: str
) -> None:
    files.write(certificate, key)
    error = files.refused()
    assert error.file.name == file
    assert cause in error.cause
    assert step in error.next_step


def test_files_that_are_not_there(files: Files) -> None:
    files.key.unlink()
    assert (files.refused().file, files.refused().cause) == (files.key, "no such file or directory")
    files.certificate.unlink()
    assert files.refused().file == files.certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the weak key of this test")
def test_a_key_that_openssl_finds_too_weak(files: Files) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    key = weak.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.write(b"", key)
    command = f"openssl req -x509 -new -key {files.key} -subj /CN=a -days 30 -out {files.certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    error = files.refused(datetime.now(UTC))
    assert "OpenSSL refuses it" in error.cause
    assert "stronger key" in error.next_step

"""The user's own certificate and key, read from files and checked before anything is replaced."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mailproxy.tls.errors import TlsError
from mailproxy.tls.files import LARGEST, unusable
from mailproxy.tls.identity import Identity

WARN_BEFORE = timedelta(days=14)


def read_own_certificate(certificate: Path, key: Path | None, now: datetime) -> tuple[Identity, list[str]]:
    """The identity and warnings about it; without ``key`` the key stands in the same file.

    Symbolic links are followed, as ACME programs make them. Raises TlsError when a file cannot
    be read, the key does not fit, or OpenSSL would not serve the two.
    """
    key_file = key or certificate
    chain_pem, key_pem = _read(certificate), _read(key_file)
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise TlsError(
            certificate, "there is no certificate in PEM in it", "name the file with the chain"
        ) from None
    _check_fit(certificate, chain, key_file, key_pem)
    leaf = chain[0]
    identity = Identity(chain_pem, key_pem, leaf.not_valid_after_utc)
    try:
        identity.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    except (ssl.SSLError, OSError) as error:
        raise TlsError(certificate, f"OpenSSL refuses it ({error})", "get one with a stronger key") from error
    return identity, [*_date_warnings(certificate, leaf, now), *_mode_warnings(key_file)]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        next_step = "correct `certificate` and `key` in [tls], or make the file readable for the proxy's user"
        raise unusable(path, error, next_step) from error


def _check_fit(certificate: Path, chain: list[x509.Certificate], key_file: Path, key_pem: bytes) -> None:
    try:
        public = _octets(load_pem_private_key(key_pem, None).public_key())
    except TypeError:
        step = f"write it without one: openssl pkey -in '{key_file}' -out NEW-FILE"
        raise TlsError(key_file, "the key is protected by a passphrase", step) from None
    except (ValueError, UnsupportedAlgorithm):
        # The parser's own words are left out: they could quote the file.
        raise TlsError(key_file, "there is no private key in PEM in it", "correct `key` in [tls]") from None
    owners = [_octets(one.public_key()) for one in chain]
    if owners[0] == public:
        return
    if public in owners:
        raise TlsError(certificate, "the server's certificate is not the first one in it", "put it first")
    raise TlsError(
        key_file,
        f"this key does not fit the certificate in {certificate}",
        "name the two that belong together",
    )


def _octets(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _date_warnings(file: Path, leaf: x509.Certificate, now: datetime) -> list[str]:
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > end:
        return [f"{file}: the certificate expired on {end:%Y-%m-%d}; mail programs will refuse it: renew it"]
    if now < start:
        return [f"{file}: the certificate is valid from {start:%Y-%m-%d %H:%M} UTC on only; check the clock"]
    if end - now < WARN_BEFORE:
        return [f"{file}: the certificate expires on {end:%Y-%m-%d}; renew it"]
    return []


def _mode_warnings(key_file: Path) -> list[str]:
    try:
        mode = os.stat(key_file).st_mode
    except OSError:
        return []
    if mode & 0o007:  # a group may be meant to read it, as Debian's ssl-cert is
        return [f"{key_file}: every user of this machine may read the key; run: chmod o= '{key_file}'"]
    return []

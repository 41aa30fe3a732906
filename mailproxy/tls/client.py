"""TLS towards the mail servers: always verified, and never by our own authority.

An authority that vouches for this proxy must not vouch for the servers behind it: whoever got
hold of its key could then stand in for them, unseen by the mail program. So trusted
certificates are looked through for its public key, also under another name or signature.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailproxy.tls.errors import TlsError
from mailproxy.tls.explain import explain as explain
from mailproxy.tls.files import LARGEST, append_private, unusable
from mailproxy.tls.server import PROTOCOLS, harden

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")  # of a certificate in a folder made by `openssl rehash`


def upstream_context(
    protocol: str, ca_file: Path | None = None, own_ca: Path | None = None, keylog: Path | None = None
) -> ssl.SSLContext:
    """A context that verifies the server's chain and its host name or address.

    ``protocol`` is ``imap``, ``pop3`` or ``smtp``. Trusted are the certificates in ``ca_file``
    (PEM; also a server's own certificate), else those of the system as they are now. ``own_ca``
    is the certificate of the local authority: it is taken out of the system's, and a ``ca_file``
    that holds it is an error. Raises TlsError; ValueError for another protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"no ALPN id for {protocol!r}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname
    harden(context)
    context.hostname_checks_common_name = False
    context.set_alpn_protocols([protocol])
    own = _public_key(own_ca)
    if ca_file is None:
        _trust_system(context, own)
    else:
        _trust_file(context, ca_file, own)
    if keylog is not None:
        append_private(keylog)
        context.keylog_filename = str(keylog)
    return context


def _trust_file(context: ssl.SSLContext, ca_file: Path, own: bytes | None) -> None:
    try:
        with ca_file.open("rb") as file:
            data = file.read(LARGEST * 4)
    except OSError as error:
        raise unusable(ca_file, error, "correct `ca_file` of the upstream") from error
    try:
        certificates = [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(data)]
        context.load_verify_locations(cadata=b"".join(certificates))
    except (ValueError, ssl.SSLError):
        step = "name a file with the certificate of the upstream's authority"
        raise TlsError(ca_file, "there is no certificate in PEM in it, or a damaged one", step) from None
    if own is not None and any(own in one for one in certificates):
        raise TlsError(
            ca_file,
            "it holds mailproxy's own authority, which must never vouch for a mail server",
            "put the certificate of the upstream's authority there, or remove `ca_file`",
        )
    # The file may name the server's certificate alone, or an authority below the root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _trust_system(context: ssl.SSLContext, own: bytes | None) -> None:
    scratch = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    scratch.load_default_certs()
    trusted = set(scratch.get_ca_certs(binary_form=True)) | _hashed_folder()
    kept = [one for one in trusted if own is None or own not in one]
    if not kept:
        file = Path(ssl.get_default_verify_paths().openssl_cafile)
        step = "install the system's certificates (Debian: apt install ca-certificates), or set `ca_file`"
        raise TlsError(file, "the system trusts no authority at all", step)
    # Not the store itself: it looks into its folder again at each handshake, past this check.
    context.load_verify_locations(cadata=b"".join(kept))


def _hashed_folder() -> set[bytes]:
    """The certificates that OpenSSL would find by name when it needs them."""
    folder = ssl.get_default_verify_paths().capath
    scratch = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in Path(folder).iterdir() if folder else ():
        if not _HASHED_NAME.fullmatch(path.name):
            continue
        try:
            scratch.load_verify_locations(cafile=path)
        except OSError:  # a link to nothing, or no certificate: OpenSSL skips it too
            continue
    return set(scratch.get_ca_certs(binary_form=True))


def _public_key(own_ca: Path | None) -> bytes | None:
    """The key in DER, which stands literally in each certificate made for it."""
    if own_ca is None or not own_ca.exists():
        return None
    try:
        key = x509.load_pem_x509_certificate(own_ca.read_bytes()).public_key()
    except OSError as error:
        raise unusable(own_ca, error, "make it readable for the proxy's user") from error
    except ValueError:
        raise TlsError(own_ca, "this is not a certificate in PEM", "restore it") from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

"""The certificates of the local authority as such: RFC 5280 profiles, no files.

Signatures are ECDSA with P-256 and SHA-256, which every mail program in use can verify.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailproxy.tls.names import as_address, constraints, subject_name

AUTHORITY_LIFE = timedelta(days=3650)
# Apple's systems refuse server certificates that live longer than 200 days; the last second counts.
LEAF_LIFE = timedelta(days=199, seconds=-1)
BACKDATED = timedelta(days=1)  # a mail program's clock may be slow


_LONGEST_COMMON_NAME = 64  # RFC 5280 appendix A.1, ub-common-name


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for an authority or a leaf."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime) -> x509.Certificate:
    """A self-signed authority that may vouch for servers of these normal names, for ten years."""
    start = _seconds(now - BACKDATED)
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The digits keep the authorities of two installations apart in a list of trusted ones.
    subject = _name(NameOID.COMMON_NAME, f"mailproxy local CA {mark.digest.hex()[:8]}")
    return (
        _builder(subject, key.public_key(), start, start + AUTHORITY_LIFE)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(constraints(names), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(mark), critical=False)
        .sign(key, hashes.SHA256())
    )


def new_leaf(
    public: ec.EllipticCurvePublicKey,
    names: tuple[str, ...],
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    """A server certificate signed with the authority's ``key``; it ends with the authority at the latest."""
    last = authority.not_valid_after_utc
    start = max(_seconds(min(now, last) - BACKDATED), authority.not_valid_before_utc)
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(_subject(names), public, start, min(start + LEAF_LIFE, last))
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([subject_name(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(key, hashes.SHA256())
    )


def to_pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key in PEM (PKCS #8), without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name, public: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(kind: x509.ObjectIdentifier, value: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value)])


def _subject(names: tuple[str, ...]) -> x509.Name:
    """Fetchmail and imaplib2 take no certificate without a common name, though RFC 9525 §2 ignores it.

    It is never an address: OpenSSL would hold that against the constraints for host names.
    """
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mailproxy")]
    host = next(
        (name for name in names if as_address(name) is None and len(name) <= _LONGEST_COMMON_NAME), ""
    )
    if host:
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, host))
    return x509.Name(parts)


def _seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)

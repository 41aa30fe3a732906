"""The local certificate authority: made on the first run, kept in the state folder.

Each installation has its own key. The certificate can vouch for the configured names and
nothing else (critical name constraints, path length 0, server certificates only), so that
whoever steals the key gains little, and whoever trusts the certificate risks little.

Two files: ``ca-key.pem`` (0600) comes first, ``ca.pem`` (0644) is made from it. Each appears
whole or not at all and is never replaced; a start that was cut off between the two is
completed by the next, and processes that start together end up with the same authority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mailproxy.tls.certificates import key_to_pem, new_authority, new_key, new_leaf, to_pem
from mailproxy.tls.errors import TlsError
from mailproxy.tls.files import PRIVATE, PUBLIC, make_once, private_folder, read_beside
from mailproxy.tls.identity import Identity
from mailproxy.tls.names import normal_names, permits, shown

CERTIFICATE_FILE = "ca.pem"
KEY_FILE = "ca-key.pem"
RENEW_BEFORE = timedelta(days=30)

Clock = Callable[[], datetime]
_AGAIN = "remove ca.pem and ca-key.pem there and start again (the new ca.pem must be trusted anew)"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Authority:
    """The authority of one installation; made by :meth:`open`."""

    def __init__(
        self,
        path: Path,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        names: tuple[str, ...],
        now: Clock,
    ) -> None:
        self.path = path
        self.certificate = certificate
        self.names = names
        self._key = key
        self._now = now
        self._leaves: dict[str | None, Identity] = {}

    @classmethod
    def open(cls, folder: Path, names: Sequence[str], now: Clock = utc_now) -> Authority:
        """Load the authority in ``folder``, or make it on the first run.

        Raises TlsError when a file is open to others, a symbolic link, another user's, or damaged;
        when the certificate is out of date; and when it does not permit one of ``names``.
        """
        path, key_path = folder / CERTIFICATE_FILE, folder / KEY_FILE
        wanted = normal_names(names, path)
        with private_folder(folder) as opened:
            key = _load_key(opened, key_path) or _make_key(opened, path, key_path)
            certificate = _load_certificate(opened, path)
            if certificate is None:
                make_once(opened, path, to_pem(new_authority(key, wanted, now())), PUBLIC)
                certificate = _load_certificate(opened, path)
        if certificate is None:
            raise TlsError(path, "it vanished while the proxy started", "start again")
        _check(path, certificate, key, wanted, now())
        return cls(path, certificate, key, wanted, now)

    def leaf(self, name: str | None = None) -> Identity:
        """The server certificate for one of :attr:`names`, or, for None, one for them all.

        It is kept in memory and made anew when it has less than 30 days left, so it is the
        same object as long as it need not be replaced. Raises KeyError for any other name.
        """
        if name is not None and name not in self.names:
            raise KeyError(name)
        now = self._now()
        leaf = self._leaves.get(name)
        # A leaf that ends with the authority cannot be followed by one that lives longer.
        final = leaf is not None and leaf.not_after == self.certificate.not_valid_after_utc
        if leaf is None or (leaf.not_after - now < RENEW_BEFORE and not final):
            leaf = self._leaves[name] = self._mint(self.names if name is None else (name,), now)
        return leaf

    def warnings(self) -> list[str]:
        """What a person should know of this authority before it stops working."""
        end = self.certificate.not_valid_after_utc
        return (
            [f"{self.path}: it expires on {end:%Y-%m-%d}; {_AGAIN}"]
            if end - self._now() < RENEW_BEFORE
            else []
        )

    def _mint(self, names: tuple[str, ...], now: datetime) -> Identity:
        key = new_key()
        leaf = new_leaf(key.public_key(), names, self.certificate, self._key, now)
        return Identity(to_pem(leaf) + to_pem(self.certificate), key_to_pem(key), leaf.not_valid_after_utc)


def read_certificate(path: Path) -> x509.Certificate | None:
    """The authority's certificate, None when there is none yet. Needs no key. Raises TlsError."""
    if not path.parent.is_dir():
        return None
    with private_folder(path.parent) as folder:
        return _load_certificate(folder, path)


def permitted_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names that an authority's certificate may vouch for."""
    try:
        fence = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    return shown(fence.permitted_subtrees or ())


def _load_key(folder: int, path: Path) -> ec.EllipticCurvePrivateKey | None:
    data = read_beside(folder, path, private=True)
    if data is None:
        return None
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        # The parser's own words are left out: they could quote the file.
        raise TlsError(path, "this is not the key of a local authority", f"restore it, or {_AGAIN}") from None
    return key


def _make_key(folder: int, path: Path, key_path: Path) -> ec.EllipticCurvePrivateKey:
    if read_beside(folder, path, private=False) is None:
        make_once(folder, key_path, key_to_pem(new_key()), PRIVATE)
    # Either it is ours now, or another process was quicker: its key always precedes its certificate.
    key = _load_key(folder, key_path)
    if key is None:
        raise TlsError(key_path, "the key of ca.pem is missing", f"restore it, or {_AGAIN}")
    return key


def _load_certificate(folder: int, path: Path) -> x509.Certificate | None:
    data = read_beside(folder, path, private=False)
    if data is None:
        return None
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError:
        raise TlsError(path, "this is not a certificate in PEM", f"restore it, or {_AGAIN}") from None


def _check(
    path: Path,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    now: datetime,
) -> None:
    if certificate.public_key() != key.public_key():
        raise TlsError(path, "it does not belong to ca-key.pem", f"restore the one that does, or {_AGAIN}")
    try:
        fence = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        raise TlsError(path, "this authority was not made by mailproxy", _AGAIN) from None
    if now >= certificate.not_valid_after_utc:
        raise TlsError(path, f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}", _AGAIN)
    if now < certificate.not_valid_before_utc:
        start = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        raise TlsError(path, f"it is valid from {start} on only", "set this machine's clock")
    outside = [name for name in names if not permits(fence, name)]
    if outside:
        raise TlsError(
            path,
            f"it may vouch for {', '.join(permitted_names(certificate))} only, not for {', '.join(outside)}",
            f"take the new names out of `names` in [tls], or {_AGAIN}",
        )

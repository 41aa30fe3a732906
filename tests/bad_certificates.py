"""Certificates for 127.0.0.1 that no careful client accepts, each wrong in one way."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.servers.ports import LOOPBACK

FAULTS = {
    "expired": "has expired; who runs the server must renew it",
    "self-signed": "is self-signed; if it is the right one, set `ca_file` to it",
    "unknown": "comes from an unknown authority; if it is trusted, set `ca_file` to it",
    "other-host": "is for another host; check `host` of the upstream",
}
"""Name of the fault → what is to be said about it."""


@dataclass(frozen=True)
class Certificates:
    """``ca`` is what the proxy trusts; ``contexts`` has ``good`` and each of :data:`FAULTS`."""

    ca: Path
    contexts: dict[str, ssl.SSLContext]


def make_certificates(folder: Path) -> Certificates:
    """One trusted authority, and what is wrong with the others."""
    trusted, stranger = trustme.CA(), trustme.CA()
    ca = folder / "ca.pem"
    trusted.cert_pem.write_to_path(str(ca))
    past = datetime.now(UTC) - timedelta(days=1)
    leaves = {
        "good": trusted.issue_cert(LOOPBACK),
        "expired": trusted.issue_cert(LOOPBACK, not_before=past - timedelta(days=9), not_after=past),
        "unknown": stranger.issue_cert(LOOPBACK),
        "other-host": trusted.issue_cert("other.example.test", "192.0.2.1"),
    }
    contexts = {"self-signed": _self_signed(folder)}
    for name, leaf in leaves.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(contexts[name])
    return Certificates(ca, contexts)


def _self_signed(folder: Path) -> ssl.SSLContext:
    own = trustme.CA()
    pem = folder / "self-signed.pem"
    own.private_key_pem.write_to_path(str(pem))
    own.cert_pem.write_to_path(str(pem), append=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context

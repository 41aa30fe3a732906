"""Serving an identity from memory, and from a file where there is no other way."""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from mailproxy.tls.identity import Identity
from tests.tls.handshakes import handshake, trusting


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_key_is_served_and_left_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    ca = trustme.CA()
    made = ca.issue_cert("localhost")
    chain = made.cert_chain_pems[0].bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Identity(chain, made.private_key_pem.bytes(), datetime.now(UTC)).load_into(context)
    with handshake(context, trusting(ca.cert_pem.bytes()), "localhost") as ends:
        assert ends.client_error is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_does_not_fit_is_refused() -> None:
    ca = trustme.CA()
    chain = ca.issue_cert("a.example").cert_chain_pems[0].bytes()
    key = ca.issue_cert("b.example").private_key_pem.bytes()
    with pytest.raises(ssl.SSLError):
        Identity(chain, key, datetime.now(UTC)).load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

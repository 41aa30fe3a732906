"""An error names the file, the cause and the next step."""

from __future__ import annotations

from pathlib import Path

from mailproxy.tls.errors import TlsError


def test_the_text() -> None:
    error = TlsError(Path("/etc/key.pem"), "the key is missing", "name another")
    assert str(error) == "/etc/key.pem: the key is missing; name another"
    assert (error.file, error.cause, error.next_step) == (
        *(Path("/etc/key.pem"), "the key is missing", "name another"),
    )

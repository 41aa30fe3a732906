"""A certificate chain with its key, as TLS serves it."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """``chain`` and ``key`` are PEM, the leaf certificate first; ``not_after`` is the leaf's."""

    chain: bytes
    key: bytes = field(repr=False)
    not_after: datetime

    def load_into(self, context: ssl.SSLContext) -> None:
        """Make the context serve this identity. Raises ssl.SSLError when OpenSSL refuses it."""
        with _path_to(self.chain) as chain, _path_to(self.key) as key:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(chain, key, password="")


@contextmanager
def _path_to(data: bytes) -> Iterator[str]:
    """A path that leads to these octets, as the ssl module takes keys from files only."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("mailproxy")  # never on a disk
        with os.fdopen(descriptor, "wb") as memory:
            memory.write(data)
            memory.flush()
            yield f"/proc/self/fd/{descriptor}"
    else:
        with tempfile.NamedTemporaryFile() as file:  # 0600, O_EXCL and O_NOFOLLOW
            file.write(data)
            file.flush()
            yield file.name

"""The password checker that Cyrus asks: saslauthd's socket, answered by a thread of the tests."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.endpoints import Account


@contextmanager
def saslauthd_running(path: Path, accounts: Sequence[Account]) -> Iterator[None]:
    """Answer password questions for ``accounts`` on the Unix socket ``path``."""
    server = _Checker(str(path), _Question)
    server.known = {(account.user, account.password) for account in accounts}
    path.chmod(0o666)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Checker(socketserver.UnixStreamServer):
    known: set[tuple[str, str]]


class _Question(socketserver.StreamRequestHandler):
    """User, password, service and realm, each with a length of two octets before it."""

    server: _Checker

    def handle(self) -> None:
        user, password, _service, _realm = (self._counted() for _ in range(4))
        verdict = b"OK" if (user.split("@")[0], password) in self.server.known else b"NO"
        self.wfile.write(struct.pack("!H", len(verdict)) + verdict)

    def _counted(self) -> str:
        (length,) = struct.unpack("!H", self.rfile.read(2))
        return self.rfile.read(length).decode()

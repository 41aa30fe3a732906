"""An IMAP client that says what it is told, and gives back every line it gets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.endpoints import Account
from tests.servers.ports import LOOPBACK

PATIENCE_SECONDS = 60


class WireClient:
    """In clear, over one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = sock.makefile("rb")
        self._number = 0

    def line(self) -> str:
        """The next line, without CRLF.

        Raises:
            AssertionError: the connection ended.
        """
        line = self._lines.readline()
        assert line, "the connection ended"
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def say(self, text: str) -> list[str]:
        """Send a command; all lines up to its status, of which the tag is left out."""
        self._number += 1
        tag = f"c{self._number}"
        self.send(f"{tag} {text}\r\n".encode())
        return self.until(tag)

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def until(self, start: str) -> list[str]:
        """All lines up to the one that begins so; of that one, the rest."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        lines[-1] = lines[-1][len(start) :].strip()
        return lines

    def uids(self, box: str, what: str = "ALL") -> list[int]:
        """The UIDs in this mailbox, looked at without changing anything."""
        self.say(f'EXAMINE "{box}"')
        found = self.say(f"UID SEARCH {what}")
        return [int(word) for line in found for word in line.split()[2:] if line.startswith("* SEARCH")]

    def fill(self, box: str, count: int) -> None:
        """Append small messages."""
        for number in range(count):
            text = f"Subject: {box} {number}\r\n\r\nText {number}\r\n".encode()
            self.send(b'f APPEND "%b" {%d}\r\n' % (box.encode(), len(text)))
            self.until("+")
            self.send(text + b"\r\n")
            assert self.until("f ")[-1].startswith("OK")


@contextmanager
def wire_client(port: int, account: Account) -> Iterator[WireClient]:
    """Logged in."""
    with socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS) as sock:
        client = WireClient(sock)
        try:
            client.line()
            assert client.say(f'LOGIN {account.user} "{account.password}"')[-1].startswith("OK")
            yield client
        finally:
            client._lines.close()

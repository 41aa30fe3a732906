"""A POP3 program with a blocking socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.crash.mail_server import PATIENCE_SECONDS
from tests.servers.ports import LOOPBACK

USER = "reader@example.com"


class Program:
    """Logged in, and in the middle of its session."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def close(self) -> None:
        self._stream.close()

    def ask(self, command: bytes) -> bytes:
        """Send a command that must succeed; returns its status line."""
        self._connection.sendall(command + b"\r\n")
        return self._good(command)

    def ask_many(self, command: bytes) -> bytes:
        """The same for an answer of many lines; returns those, without dots that were stuffed."""
        self.ask(command)
        lines: list[bytes] = []
        while (line := self._stream.readline()) != b".\r\n":
            assert line, f"{command!r} has no end"
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def log_in(self) -> None:
        self._good(b"the connection")
        self.ask(b"USER " + USER.encode())
        self.ask(b"PASS secret")

    def uidls(self) -> list[bytes]:
        """The unique-ids of the maildrop, whose numbers must be 1, 2, 3 …"""
        rows = [line.split() for line in self.ask_many(b"UIDL").splitlines()]
        assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
        return [uidl for _, uidl in rows]

    def quit(self) -> bytes:
        """QUIT; returns all that is said until the connection ends, however it ends."""
        said = b""
        with suppress(ConnectionError):
            self._connection.sendall(b"QUIT\r\n")
            while piece := self._stream.read1():
                said += piece
        return said

    def _good(self, command: bytes) -> bytes:
        line = self._stream.readline()
        assert line.startswith(b"+OK"), (command, line)
        return line


@contextmanager
def program(port: int) -> Iterator[Program]:
    """A program that has logged in."""
    with socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS) as connection:
        one = Program(connection)
        try:
            one.log_in()
            yield one
        finally:
            one.close()

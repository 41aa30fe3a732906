"""Fake servers and clients that move one very large message, in threads, over blocking sockets.

No real server can be asked for a message of a gigabyte in a test, and none is needed:
what counts is what passes through the proxy.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LINE = b"0123456789abcdefghijklmnopqrstuvwxyz+/ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\r\n"
PIECE = LINE * 850  # about 64 KiB
CHUNK = len(PIECE) * 16  # of BDAT


class Wire:
    """A blocking socket with a reader for lines."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(120)
        self._sock = sock
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"

    def skip(self, count: int) -> None:
        """Throw away so many octets."""
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer = b""
            self._more()
        self._buffer = self._buffer[count:]

    def skip_to(self, end: bytes) -> int:
        """Throw away all up to and with ``end``; how many octets that were."""
        skipped = 0
        while end not in self._buffer:
            keep = len(end) - 1
            skipped += max(len(self._buffer) - keep, 0)
            self._buffer = self._buffer[-keep:]
            self._more()
        before, _, self._buffer = self._buffer.partition(end)
        return skipped + len(before) + len(end)

    def send_pieces(self, octets: int) -> None:
        for _ in range(octets // len(PIECE)):
            self.send(PIECE)

    def _more(self) -> None:
        data = self._sock.recv(1 << 18)
        if not data:
            raise EOFError
        self._buffer += data


@contextmanager
def serving(serve: Callable[[Wire], None]) -> Iterator[int]:
    """A server on a free port of loopback that serves each connection with ``serve``."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, serve), daemon=True).start()
        yield listening.getsockname()[1]


def _accept(listening: socket.socket, serve: Callable[[Wire], None]) -> None:
    while True:
        try:
            sock, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_attend, args=(sock, serve), daemon=True).start()


def _attend(sock: socket.socket, serve: Callable[[Wire], None]) -> None:
    with sock:
        try:
            serve(Wire(sock))
        except (EOFError, OSError):
            return


@contextmanager
def connected(port: int, ca: Path) -> Iterator[Wire]:
    """A TLS client of the proxy."""
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        yield Wire(sock)


def pop3_server(octets: int) -> Callable[[Wire], None]:
    """Every message has ``octets``."""

    def serve(wire: Wire) -> None:
        wire.send(b"+OK ready\r\n")
        while not (line := wire.line()).startswith(b"QUIT"):
            wire.send(b"+OK\r\n")
            if line.startswith(b"RETR"):
                wire.send_pieces(octets)
                wire.send(b".\r\n")
        wire.send(b"+OK bye\r\n")

    return serve


def imap_server(octets: int) -> Callable[[Wire], None]:
    """FETCH gives one literal of ``octets``; APPEND takes whatever is announced."""

    def serve(wire: Wire) -> None:
        wire.send(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while True:
            tag, verb, *rest = wire.line().split()
            if verb == b"FETCH":
                wire.send(b"* 1 FETCH (BODY[] {%d}\r\n" % octets)
                wire.send_pieces(octets)
                wire.send(b")\r\n")
            elif verb == b"APPEND":
                wire.send(b"+ go on\r\n")
                wire.skip(int(rest[-1].strip(b"{}")))
                wire.line()
            wire.send(tag + b" OK done\r\n")

    return serve


def smtp_server() -> Callable[[Wire], None]:
    """Takes whatever comes."""

    def serve(wire: Wire) -> None:
        wire.send(b"220 ready\r\n")
        while not (line := wire.line()).startswith(b"QUIT"):
            if line.startswith(b"EHLO"):
                wire.send(b"250-hello\r\n250 CHUNKING\r\n")
            elif line.startswith(b"DATA"):
                wire.send(b"354 go on\r\n")
                wire.skip_to(b"\r\n.\r\n")
                wire.send(b"250 taken\r\n")
            else:
                if line.startswith(b"BDAT"):
                    wire.skip(int(line.split()[1]))
                wire.send(b"250 ok\r\n")
        wire.send(b"221 bye\r\n")

    return serve

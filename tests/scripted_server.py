"""A mail server of a few lines, in a thread, and a client that says what it is told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.ports import LOOPBACK

PATIENCE_SECONDS = 30
LONGEST = 65536

Step = bytes | ssl.SSLContext | Callable[[bytes], bytes] | None


@dataclass
class Server:
    """Where it listens, and all that it has heard, with the octets of TLS as they are."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*steps: Step) -> Iterator[Server]:
    """Plays the steps to each client, and listens until it leaves.

    Octets are sent at once if they come first or behind TLS, else once the client has said
    something; a function makes them of what it said. A context begins TLS, and None ends.
    """
    listening = socket.create_server((LOOPBACK, 0))
    server = Server(listening.getsockname()[1])
    open_ones: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            open_ones.append(client)
            threads.append(threading.Thread(target=_play, args=(client, steps, server), daemon=True))
            threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for client in open_ones:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(PATIENCE_SECONDS)


def _play(client: socket.socket, steps: tuple[Step, ...], server: Server) -> None:
    client.settimeout(PATIENCE_SECONDS)
    said, at_once = b"", True
    try:
        for step in steps:
            if step is None:
                return
            if isinstance(step, ssl.SSLContext):
                client = step.wrap_socket(client, server_side=True)
                at_once = True
                continue
            if not at_once:
                said = client.recv(LONGEST)
                server.heard.append(said)
                if not said:
                    return
            at_once = False
            client.sendall(step if isinstance(step, bytes) else step(said))
        while data := client.recv(LONGEST):
            server.heard.append(data)
    except OSError:
        return
    finally:
        client.close()


def tagged(text: bytes) -> Callable[[bytes], bytes]:
    """An IMAP answer with the tag of the command."""
    return lambda said: said.split()[0] + b" " + text


def talk(port: int, *lines: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Connect, read the greeting, say each line and read its answer; all that came until the end.

    In clear our half is closed then, so that a session that goes on ends, too.
    """
    heard = b""
    with socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS) as sock:
        sock.settimeout(PATIENCE_SECONDS)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname=LOOPBACK)
        with sock:
            for line in lines:
                heard += sock.recv(LONGEST)
                if not _said(sock, line):
                    break
            if context is None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError, ssl.SSLEOFError):
                while data := sock.recv(LONGEST):
                    heard += data
    return heard


def _said(sock: socket.socket, line: bytes) -> bool:
    """False when the other side is gone."""
    try:
        sock.sendall(line)
    except (ConnectionError, ssl.SSLError):
        return False
    return True

"""The POP3 server of tests/guards on a socket, and what it was told."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.guards.pop3_world import Mailbox, ServerSession
from tests.servers.ports import LOOPBACK

PATIENCE_SECONDS = 60.0


class Visit:
    """A mailbox as one session finds it, and what that session does to it."""

    def __init__(self, messages: Mapping[bytes, bytes]) -> None:
        self.mailbox = Mailbox(dict(messages))
        self.ended: queue.Queue[list[bytes]] = queue.Queue()

    def heard(self) -> list[bytes]:
        """Wait for the end of the connection; all whole lines that came over it."""
        return self.ended.get(timeout=PATIENCE_SECONDS)


class MailServer:
    """Serves one connection after the other, each with the mailbox of the last :meth:`expect`."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._visit = Visit({})
        self.port = int(listening.getsockname()[1])
        self.stopping = False

    def expect(self, messages: Mapping[bytes, bytes]) -> Visit:
        """The next session finds these."""
        self._visit = Visit(messages)
        return self._visit

    def run(self) -> None:
        """Until ``stopping`` is set, and somebody connects."""
        while True:
            connection, _ = self._listening.accept()
            visit = self._visit
            lines: list[bytes] = []
            with connection:
                if self.stopping:
                    return
                connection.settimeout(PATIENCE_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with suppress(ConnectionError):  # a peer that is killed may leave octets unread
                    _serve(ServerSession(visit.mailbox), connection, lines)
            visit.ended.put(lines)


def _serve(session: ServerSession, connection: socket.socket, lines: list[bytes]) -> None:
    connection.sendall(b"+OK ready\r\n")
    with connection.makefile("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return  # its end was lost with the peer
            lines.append(line.rstrip())
            connection.sendall(session.answer(line))
            if session.over:
                return


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that runs meanwhile, in a thread."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        server = MailServer(listening)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stopping = True
            socket.create_connection((LOOPBACK, server.port), PATIENCE_SECONDS).close()
            thread.join(PATIENCE_SECONDS)

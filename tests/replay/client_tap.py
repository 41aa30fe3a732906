"""Records what a client and a real server say to each other, as a passive listener would."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Tap:
    """Connect to ``port``; what was said is in ``turns`` once the block is left."""

    port: int
    turns: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def tapped(server_port: int) -> Iterator[Tap]:
    """One connection to that port of this machine, recorded while it passes through here."""
    with socket.create_server((HOST, 0)) as listening:
        tap = Tap(listening.getsockname()[1])
        thread = threading.Thread(target=_pass_on, args=(listening, server_port, tap))
        thread.start()
        try:
            yield tap
        finally:
            thread.join(30)
            assert not thread.is_alive(), "the client did not end its connection"


def _pass_on(listening: socket.socket, server_port: int, tap: Tap) -> None:
    client, _ = listening.accept()
    with client, socket.create_connection((HOST, server_port)) as server:
        while True:
            ready, _, _ = select.select([client, server], [], [], 20)
            if not ready:
                return
            source, target, who = (client, server, "C") if client in ready else (server, client, "S")
            data = source.recv(65536)
            if not data:
                return
            target.sendall(data)
            if tap.turns and tap.turns[-1][0] == who:
                data = tap.turns.pop()[1] + data
            tap.turns.append((who, data))

"""The embedded mail world: one account with some mail, and three servers over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from mailproxy.demo.imap_server import ImapServer
from mailproxy.demo.mailbox import Account
from mailproxy.demo.pop3_server import Pop3Server
from mailproxy.demo.programs import Endpoint
from mailproxy.demo.smtp_server import SmtpServer
from mailproxy.demo.story import Endpoints, ServerEars

HOST = "127.0.0.1"
USER = "demo@example.org"
PASSWORD = "demo"  # noqa: S105 (the whole account is made up, and lives on loopback alone)

STORED = (
    b"From: Bakery <orders@example.com>\r\nTo: demo@example.org\r\nSubject: Your order is ready\r\n"
    b"Date: Mon, 02 Feb 2026 08:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"Two loaves and a cake.\r\n.. a line that begins with dots is the classic way to lose a byte\r\n",
    b"From: Office <office@example.net>\r\nTo: demo@example.org\r\nSubject: Contract, signed\r\n"
    b"Date: Tue, 03 Feb 2026 09:30:00 +0000\r\nMessage-ID: <2@example.net>\r\n\r\n"
    b"Please keep this message: it is the only copy.\r\n",
)
SENT = (
    b"From: Demo <demo@example.org>\r\nTo: demo@example.org\r\nSubject: A note to myself\r\n"
    b"Date: Wed, 04 Feb 2026 10:15:00 +0000\r\nMessage-ID: <3@example.org>\r\n\r\n"
    b"Sent through the proxy.\r\n.\r\nThe lone dot above must not end the message.\r\n"
)
ARRIVING = (
    b"From: School <office@example.edu>\r\nTo: demo@example.org\r\nSubject: No lessons on Friday\r\n"
    b"Date: Thu, 05 Feb 2026 07:20:00 +0000\r\nMessage-ID: <4@example.edu>\r\n\r\n"
    b"The boiler is being replaced.\r\n"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on loopback."""

    pop3: int
    imap: int
    smtp: int

    def endpoints(self, authority: Path | None = None) -> Endpoints:
        """Where the programs connect; without ``authority`` (a CA file), without TLS."""
        return Endpoints(*(Endpoint(HOST, port, authority) for port in (self.pop3, self.imap, self.smtp)))


@asynccontextmanager
async def servers(account: Account, ears: ServerEars) -> AsyncIterator[Ports]:
    """The three embedded servers on free ports, until the block ends."""
    handlers = (Pop3Server(account, received=ears.received), ImapServer(account), SmtpServer(account))
    async with trio.open_nursery() as nursery:
        ports = []
        for handler in handlers:
            listeners = await nursery.start(partial(trio.serve_tcp, handler, 0, host=HOST))
            ports.append(listeners[0].socket.getsockname()[1])
        yield Ports(*ports)
        nursery.cancel_scope.cancel()

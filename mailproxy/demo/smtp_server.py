"""A small submission server (RFC 5321, 6409, 4954) that delivers into a mailbox in memory."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable

import trio

from mailproxy.demo.lines import Ended, Lines, decoded
from mailproxy.demo.mailbox import Account

CAPABILITIES = ("PIPELINING", "SIZE 10485760", "8BITMIME", "AUTH PLAIN LOGIN")

_Handler = Callable[[bytes], Awaitable[bytes]]


class SmtpServer:
    """Delivers every message, whoever the recipients are, once into the account's INBOX.

    An instance is a handler for :func:`trio.serve_tcp`. ``received`` is told every
    command line as it was read, passwords included. ``size`` is the limit in octets.
    """

    def __init__(
        self,
        account: Account,
        *,
        capabilities: tuple[str, ...] = CAPABILITIES,
        size: int = 10 * 1024 * 1024,
        received: Callable[[bytes], None] = lambda line: None,
    ) -> None:
        self.account = account
        self.capabilities = capabilities
        self.size = size
        self.received = received

    async def __call__(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until QUIT or its end."""
        try:
            await _Session(self, Lines(stream)).run()
        except Ended:
            pass
        finally:
            await trio.aclose_forcefully(stream)


class _Session:
    def __init__(self, server: SmtpServer, lines: Lines) -> None:
        self.server = server
        self.lines = lines
        self.logged_in = False
        self.sender: bytes | None = None
        self.recipients: list[bytes] = []
        self.open = True
        self.handlers: dict[str, _Handler] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }

    async def run(self) -> None:
        await self.lines.send(b"220 localhost ESMTP ready\r\n")
        while self.open:
            line = await self.lines.line()
            self.server.received(line)
            verb, _, arguments = line.partition(b" ")
            handler = self.handlers.get(verb.upper().decode("ascii", "replace"))
            reply = b"500 5.5.1 unknown command\r\n" if handler is None else await handler(arguments)
            await self.lines.send(reply)

    async def _ehlo(self, arguments: bytes) -> bytes:
        self._forget()
        *most, last = ("localhost", *self.server.capabilities)
        return "".join([*(f"250-{each}\r\n" for each in most), f"250 {last}\r\n"]).encode()

    async def _helo(self, arguments: bytes) -> bytes:
        self._forget()
        return b"250 localhost\r\n"

    async def _auth(self, arguments: bytes) -> bytes:
        mechanism, _, initial = arguments.partition(b" ")
        if self.logged_in:
            return b"503 5.5.1 logged in already\r\n"
        if mechanism.upper() == b"PLAIN":
            response = decoded(initial) if initial else await self._ask(b"")
            self.logged_in = response is not None and self.server.account.admits_plain(response)
        elif mechanism.upper() == b"LOGIN":
            user = decoded(initial) if initial else await self._ask(b"Username:")
            password = None if user is None else await self._ask(b"Password:")
            admitted = user is not None and password is not None
            self.logged_in = admitted and self.server.account.admits(user or b"", password or b"")
        else:
            return b"504 5.5.4 unknown mechanism\r\n"
        return b"235 2.7.0 logged in\r\n" if self.logged_in else b"535 5.7.8 wrong user or password\r\n"

    async def _ask(self, challenge: bytes) -> bytes | None:
        await self.lines.send(b"334 ", base64.b64encode(challenge), b"\r\n")
        return decoded(await self.lines.line())

    async def _mail(self, arguments: bytes) -> bytes:
        if not self.logged_in:
            return b"530 5.7.0 log in first\r\n"
        path, *parameters = arguments.split(b" ")
        if self.sender is not None or not path.upper().startswith(b"FROM:<") or not path.endswith(b">"):
            return b"503 5.5.1 MAIL FROM:<address>, once\r\n"
        sizes = [int(each[5:]) for each in parameters if each[:5].upper() == b"SIZE=" and each[5:].isdigit()]
        if any(size > self.server.size for size in sizes):
            return b"552 5.3.4 too large\r\n"
        self.sender = path[6:-1]
        return b"250 2.1.0 ok\r\n"

    async def _rcpt(self, arguments: bytes) -> bytes:
        path = arguments.split(b" ")[0]
        if self.sender is None or not path.upper().startswith(b"TO:<") or not path.endswith(b">"):
            return b"503 5.5.1 MAIL first, then RCPT TO:<address>\r\n"
        self.recipients.append(path[4:-1])
        return b"250 2.1.5 ok\r\n"

    async def _data(self, arguments: bytes) -> bytes:
        if not self.recipients:
            return b"503 5.5.1 RCPT first\r\n"
        await self.lines.send(b"354 end with a line that is one dot\r\n")
        octets = await self.lines.body()
        self._forget()
        if len(octets) > self.server.size:
            return b"552 5.3.4 too large\r\n"
        # No Received and no Return-Path line: tests compare what was sent with what arrived.
        message = self.server.account.inbox.append(octets)
        return b"250 2.0.0 delivered as %d\r\n" % message.uid

    async def _rset(self, arguments: bytes) -> bytes:
        self._forget()
        return b"250 2.0.0 ok\r\n"

    def _forget(self) -> None:
        self.sender = None
        self.recipients = []

    async def _noop(self, arguments: bytes) -> bytes:
        return b"250 2.0.0 ok\r\n"

    async def _quit(self, arguments: bytes) -> bytes:
        self.open = False
        return b"221 2.0.0 bye\r\n"

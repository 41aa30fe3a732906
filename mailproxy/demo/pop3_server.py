"""A small POP3 server (RFC 1939, 2449, 5034) over a mailbox in memory. No TLS: for loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from mailproxy.demo.lines import Ended, Lines, decoded, dotted
from mailproxy.demo.mailbox import Account, Message

CAPABILITIES = ("TOP", "UIDL", "USER", "SASL PLAIN", "PIPELINING", "RESP-CODES")

_Handler = Callable[[bytes], Awaitable[bytes]]


class Pop3Server:
    """Serves one account; an instance is a handler for :func:`trio.serve_tcp`.

    ``received`` is told every command line as it was read, passwords included.
    """

    def __init__(
        self,
        account: Account,
        *,
        capabilities: tuple[str, ...] = CAPABILITIES,
        received: Callable[[bytes], None] = lambda line: None,
    ) -> None:
        self.account = account
        self.capabilities = capabilities
        self.received = received

    async def __call__(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until QUIT or its end."""
        session = _Session(self, Lines(stream))
        try:
            await session.run()
        except Ended:
            pass
        finally:
            session.unlock()
            await trio.aclose_forcefully(stream)


class _Session:
    def __init__(self, server: Pop3Server, lines: Lines) -> None:
        self.server = server
        self.account = server.account
        self.lines = lines
        self.user = b""
        self.held: list[Message] | None = None  # the maildrop, fixed from login on; None before
        self.marked: set[Message] = set()
        self.open = True

    async def run(self) -> None:
        await self.lines.send(b"+OK ready\r\n")
        while self.open:
            line = await self.lines.line()
            self.server.received(line)
            verb, _, arguments = line.partition(b" ")
            handler = self._handlers().get(verb.upper().decode("ascii", "replace"))
            reply = b"-ERR not now, or not known\r\n" if handler is None else await handler(arguments)
            await self.lines.send(reply)

    def unlock(self) -> None:
        if self.held is not None:
            self.account.inbox.locked = False
            self.held = None

    def _handlers(self) -> dict[str, _Handler]:
        always: dict[str, _Handler] = {"CAPA": self._capa, "QUIT": self._quit}
        if self.held is None:
            return always | {"USER": self._user, "PASS": self._pass, "AUTH": self._auth}
        return always | {
            "STAT": self._stat,
            "LIST": self._list,
            "UIDL": self._uidl,
            "RETR": self._retr,
            "TOP": self._top,
            "DELE": self._dele,
            "RSET": self._rset,
            "NOOP": self._noop,
        }

    async def _capa(self, arguments: bytes) -> bytes:
        return b"+OK\r\n" + dotted("".join(f"{each}\r\n" for each in self.server.capabilities).encode())

    async def _user(self, arguments: bytes) -> bytes:
        self.user = arguments
        return b"+OK\r\n"

    async def _pass(self, arguments: bytes) -> bytes:
        return self._login(self.account.admits(self.user, arguments))

    async def _auth(self, arguments: bytes) -> bytes:
        mechanism, _, initial = arguments.partition(b" ")
        if mechanism.upper() != b"PLAIN":
            return b"-ERR unknown mechanism\r\n"
        if not initial:
            await self.lines.send(b"+ \r\n")
            initial = await self.lines.line()
        response = decoded(initial)
        return self._login(response is not None and self.account.admits_plain(response))

    def _login(self, admitted: bool) -> bytes:
        if not admitted:
            return b"-ERR [AUTH] wrong user or password\r\n"
        if self.account.inbox.locked:
            return b"-ERR [IN-USE] another program has this maildrop open\r\n"
        self.account.inbox.locked = True
        self.held = list(self.account.inbox.messages)
        return b"+OK logged in\r\n"

    def _listed(self) -> list[tuple[int, Message]]:
        return [(n, each) for n, each in enumerate(self.held or (), 1) if each not in self.marked]

    def _message(self, number: bytes) -> Message | None:
        if not (number.isdigit() and len(number) < 10):
            return None
        return dict(self._listed()).get(int(number))

    async def _stat(self, arguments: bytes) -> bytes:
        left = [len(message.octets) for _, message in self._listed()]
        return b"+OK %d %d\r\n" % (len(left), sum(left))

    async def _list(self, arguments: bytes) -> bytes:
        return self._listing(arguments, lambda message: str(len(message.octets)))

    async def _uidl(self, arguments: bytes) -> bytes:
        validity = self.account.inbox.uid_validity
        return self._listing(arguments, lambda message: f"{validity}.{message.uid}")

    def _listing(self, number: bytes, value: Callable[[Message], str]) -> bytes:
        if number:
            message = self._message(number)
            if message is None:
                return b"-ERR no such message\r\n"
            return b"+OK %s %s\r\n" % (number, value(message).encode())
        return b"+OK\r\n" + dotted("".join(f"{n} {value(each)}\r\n" for n, each in self._listed()).encode())

    async def _retr(self, arguments: bytes) -> bytes:
        if (message := self._message(arguments)) is None:
            return b"-ERR no such message\r\n"
        return b"+OK %d octets\r\n" % len(message.octets) + dotted(message.octets)

    async def _top(self, arguments: bytes) -> bytes:
        number, _, count = arguments.partition(b" ")
        message = self._message(number)
        if message is None or not (count.isdigit() and len(count) < 10):
            return b"-ERR no such message, or no number of lines\r\n"
        header, blank, text = message.octets.partition(b"\r\n\r\n")
        first = text.split(b"\r\n")[: int(count)]
        return b"+OK\r\n" + dotted(header + blank + b"".join(line + b"\r\n" for line in first))

    async def _dele(self, arguments: bytes) -> bytes:
        if (message := self._message(arguments)) is None:
            return b"-ERR no such message\r\n"
        self.marked.add(message)
        return b"+OK marked\r\n"

    async def _rset(self, arguments: bytes) -> bytes:
        self.marked.clear()
        return b"+OK\r\n"

    async def _noop(self, arguments: bytes) -> bytes:
        return b"+OK\r\n"

    async def _quit(self, arguments: bytes) -> bytes:
        # Only QUIT removes: a connection that just ends leaves all mail (RFC 1939 §6).
        self.open = False
        if self.marked:
            self.account.inbox.remove(self.marked)
        self.unlock()
        return b"+OK bye\r\n"

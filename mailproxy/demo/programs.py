"""Three mail programs, as small as they can be, that show every line they say and hear."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from mailproxy.demo.lines import Lines, dotted

Echo = Callable[[str, str], Awaitable[None]]
"""Is told each line: ``C`` or ``S``, and the text, without secrets."""

_LITERAL = re.compile(rb"\{(\d+)\}$")


class Refused(Exception):
    """The server refused something that the program cannot do without."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a program connects to. Without ``ca_file`` there is no TLS."""

    host: str
    port: int
    ca_file: Path | None = None

    async def connect(self) -> trio.abc.Stream:
        """Raises OSError, and :class:`trio.BrokenResourceError` if TLS fails."""
        tcp = await trio.open_tcp_stream(self.host, self.port)
        if self.ca_file is None:
            return tcp
        context = ssl.create_default_context(cafile=str(self.ca_file))
        stream = trio.SSLStream(tcp, context, server_hostname="localhost", https_compatible=True)
        try:
            await stream.do_handshake()
        except BaseException:  # cancellation too: nobody else knows of the socket yet
            await trio.aclose_forcefully(tcp)
            raise
        return stream


class _Dialogue:
    """A connection whose lines are shown."""

    def __init__(self, stream: trio.abc.Stream, echo: Echo) -> None:
        self._lines = Lines(stream)
        self._echo = echo

    async def say(self, line: bytes, shown: str = "") -> None:
        await self._lines.send(line, b"\r\n")
        await self._echo("C", shown or readable(line))

    async def hear(self) -> bytes:
        line = await self._lines.line()
        await self._echo("S", readable(line))
        return line

    async def body(self) -> bytes:
        octets = await self._lines.body()
        await self._echo("S", f"… {_shown(octets)}")
        return octets

    async def say_body(self, octets: bytes) -> None:
        await self._lines.send(dotted(octets))
        await self._echo("C", f"… {_shown(octets)}")

    async def literal(self, size: int) -> bytes:
        octets = await self._lines.exactly(size)
        await self._echo("S", f"… {_shown(octets)}")
        return octets


def readable(line: bytes) -> str:
    """The line as text, nothing in it that a terminal would obey."""
    decoded = line.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in decoded)


def _shown(octets: bytes) -> str:
    subject = re.search(rb"^Subject: (.*)\r$", octets, re.MULTILINE)
    return f"(the message “{readable(subject[1])}”)" if subject else f"({len(octets)} octets)"


@dataclass(slots=True)
class Downloaded:
    """What the POP3 program has, and what the server said to its deletions."""

    messages: list[bytes]
    asked: int  # how many deletions it asked for
    accepted: int


async def download_and_delete(where: Endpoint, user: str, password: str, echo: Echo) -> Downloaded:
    """POP3 as many programs are set up: fetch everything, then delete it on the server.

    Raises :class:`Refused`; a deletion that is refused is counted, and no reason to stop.
    """
    result = Downloaded([], 0, 0)
    stream = await where.connect()
    async with stream:
        server = _Dialogue(stream, echo)
        for number in range(1, await _maildrop(server, user, password) + 1):
            await server.say(b"RETR %d" % number)
            _expect(await server.hear(), b"+OK")
            result.messages.append(await server.body())
            await server.say(b"DELE %d" % number)
            result.asked += 1
            result.accepted += (await server.hear()).startswith(b"+OK")
        await _quit(server)
    return result


async def look(where: Endpoint, user: str, password: str, echo: Echo) -> int:
    """POP3: how many messages are there? Downloads and deletes none. Raises :class:`Refused`."""
    stream = await where.connect()
    async with stream:
        server = _Dialogue(stream, echo)
        count = await _maildrop(server, user, password)
        await _quit(server)
    return count


async def _maildrop(server: _Dialogue, user: str, password: str) -> int:
    """Log in; how many messages there are."""
    _expect(await server.hear(), b"+OK")
    await server.say(f"USER {user}".encode())
    _expect(await server.hear(), b"+OK")
    await server.say(f"PASS {password}".encode(), "PASS ***")
    _expect(await server.hear(), b"+OK")
    await server.say(b"STAT")
    stat = await server.hear()
    _expect(stat, b"+OK")
    return int(stat.split()[1])


async def _quit(server: _Dialogue) -> None:
    # Deletions become true here and nowhere else (RFC 1939 §6), so a refusal matters.
    await server.say(b"QUIT")
    _expect(await server.hear(), b"+OK")


async def read_all(where: Endpoint, user: str, password: str, echo: Echo) -> list[bytes]:
    """IMAP: open the INBOX, change nothing, and give all messages that are in it."""
    stream = await where.connect()
    async with stream:
        server = _Dialogue(stream, echo)
        _expect(await server.hear(), b"* OK")
        await _imap(server, "a1", f'LOGIN "{user}" "{password}"', f'a1 LOGIN "{user}" ***')
        await _imap(server, "a2", "EXAMINE INBOX")
        found = await _imap(server, "a3", "UID FETCH 1:* BODY.PEEK[]")
        await _imap(server, "a4", "LOGOUT")
    return found


async def _imap(server: _Dialogue, tag: str, command: str, shown: str = "") -> list[bytes]:
    """One command; the literals in its replies."""
    await server.say(f"{tag} {command}".encode(), shown)
    literals: list[bytes] = []
    while True:
        line = await server.hear()
        if line.startswith(tag.encode() + b" "):
            _expect(line, tag.encode() + b" OK")
            return literals
        if size := _LITERAL.search(line):
            literals.append(await server.literal(int(size[1])))


async def submit(
    where: Endpoint, user: str, password: str, recipients: Sequence[str], octets: bytes, echo: Echo
) -> None:
    """SMTP: log in and send one message. Raises :class:`Refused`."""
    stream = await where.connect()
    async with stream:
        server = _Dialogue(stream, echo)
        await _smtp(server, b"220")
        await server.say(b"EHLO localhost")
        await _smtp(server, b"250")
        await server.say(
            b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()), "AUTH PLAIN ***"
        )
        await _smtp(server, b"235")
        await server.say(f"MAIL FROM:<{user}>".encode())
        await _smtp(server, b"250")
        for recipient in recipients:
            await server.say(f"RCPT TO:<{recipient}>".encode())
            await _smtp(server, b"250")
        await server.say(b"DATA")
        await _smtp(server, b"354")
        await server.say_body(octets)
        await _smtp(server, b"250")
        await server.say(b"QUIT")
        await _smtp(server, b"221")


async def _smtp(server: _Dialogue, code: bytes) -> None:
    while (line := await server.hear())[3:4] == b"-":
        pass
    _expect(line, code)


def _expect(line: bytes, start: bytes) -> None:
    if not line.startswith(start):
        raise Refused(f"expected {readable(start)}, got: {readable(line)}")

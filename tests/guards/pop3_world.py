"""A POP3 server in one page, and a program's connection to it through a session. All in memory.

The server is strict about RFC 1939: numbers stay as they were at the login, DELE only
marks, and nothing is removed before QUIT. Others may take messages away at any time, as
IMAP users do; then RETR and DELE of them fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailproxy.events import Event
from mailproxy.proto.tokens import Side
from mailproxy.session.guard import GuardMaker
from mailproxy.session.options import Options
from mailproxy.session.verdict import Judge
from tests.play import Cut, Wires


@dataclass
class Mailbox:
    """What is on the server: bodies by unique-id, in the order of their arrival."""

    messages: dict[bytes, bytes] = field(default_factory=dict)
    pipelining: bool = True
    expires: bytes = b""  # what CAPA says of it; at QUIT what was read goes
    resets: bool = True  # whether RSET is agreed to


class ServerSession:
    """One login. ``answer`` takes one line of a client and returns the reply."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._listed: list[bytes] = []
        self._marked: set[bytes] = set()
        self._marked_by_reading: set[bytes] = set()
        self.over = False

    def answer(self, line: bytes) -> bytes:
        verb, *args = line.split()
        method = getattr(self, f"_{verb.decode().lower()}", None)
        return method(*args) if method is not None else b"-ERR unknown\r\n"

    def _user(self, name: bytes) -> bytes:
        return b"+OK\r\n"

    def _pass(self, secret: bytes) -> bytes:
        self._listed = list(self._mailbox.messages)
        self._sizes = {uidl: len(self._mailbox.messages[uidl]) for uidl in self._listed}
        return b"+OK\r\n"

    def _capa(self) -> bytes:
        lines = [b"UIDL", *([b"PIPELINING"] if self._mailbox.pipelining else [])]
        lines += [self._mailbox.expires] if self._mailbox.expires else []
        return b"+OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b".\r\n"

    def _present(self) -> list[tuple[int, bytes]]:
        return [(n, uidl) for n, uidl in enumerate(self._listed, 1) if uidl not in self._marked]

    def _stat(self) -> bytes:
        present = self._present()
        return b"+OK %d %d\r\n" % (len(present), sum(self._sizes[uidl] for _, uidl in present))

    def _list(self) -> bytes:
        rows = [b"%d %d\r\n" % (n, self._sizes[uidl]) for n, uidl in self._present()]
        return b"+OK\r\n" + b"".join(rows) + b".\r\n"

    def _uidl(self, *number: bytes) -> bytes:
        if number:
            uidl = dict(self._present()).get(int(number[0]))
            return b"+OK %s %s\r\n" % (number[0], uidl) if uidl else b"-ERR no such message\r\n"
        return b"+OK\r\n" + b"".join(b"%d %s\r\n" % row for row in self._present()) + b".\r\n"

    def _find(self, number: bytes) -> bytes | None:
        uidl = dict(self._present()).get(int(number))
        return uidl if uidl in self._mailbox.messages else None

    def _retr(self, number: bytes) -> bytes:
        uidl = self._find(number)
        if uidl is None:
            return b"-ERR no such message\r\n"
        if self._mailbox.expires:
            self._marked_by_reading.add(uidl)
        body = re.sub(rb"(?m)^\.", b"..", self._mailbox.messages[uidl])
        return b"+OK\r\n" + body + b".\r\n"

    def _top(self, number: bytes, lines: bytes) -> bytes:
        return self._retr(number)

    def _dele(self, number: bytes) -> bytes:
        uidl = self._find(number)
        if uidl is None:
            return b"-ERR no such message\r\n"
        self._marked.add(uidl)
        return b"+OK\r\n"

    def _rset(self) -> bytes:
        if not self._mailbox.resets:
            return b"-ERR not now\r\n"
        self._marked.clear()
        return b"+OK\r\n"

    def _noop(self) -> bytes:
        return b"+OK\r\n"

    def _quit(self) -> bytes:
        for uidl in self._marked | self._marked_by_reading:
            self._mailbox.messages.pop(uidl, None)
        self.over = True
        return b"+OK bye\r\n"


class Link:
    """A program that is connected through a session to a server; all that is sent is cut by ``cut``."""

    def __init__(self, mailbox: Mailbox, judge: Judge, guards: GuardMaker, cut: Cut) -> None:
        self._server = ServerSession(mailbox)
        self._cut = cut
        self._wires = Wires("pop3", Options(), judge, guards=guards)
        self._read = {Side.CLIENT: 0, Side.SERVER: 0}
        self._send(Side.SERVER, b"+OK ready\r\n")

    @property
    def events(self) -> list[Event]:
        return self._wires.events

    @property
    def closed(self) -> bool:
        return self._wires.session.closed

    def say(self, text: bytes) -> bytes:
        """Send the program's octets; returns what it gets for them."""
        self._send(Side.CLIENT, text)
        self.serve()
        got = bytes(self._wires.got[Side.CLIENT][self._read[Side.CLIENT] :])
        self._read[Side.CLIENT] += len(got)
        return got

    def serve(self, most: int = -1) -> None:
        """Let the server answer what it got: all of it, or at most so many commands."""
        while most and not self._server.over and not self.closed:
            got = self._wires.got[Side.SERVER]
            end = got.find(b"\n", self._read[Side.SERVER]) + 1
            if not end:
                return
            line = bytes(got[self._read[Side.SERVER] : end])
            self._read[Side.SERVER] = end
            most -= 1
            self._send(Side.SERVER, self._server.answer(line))
        if self._server.over:
            self._wires.session.eof(Side.SERVER)
            self._wires.flow()

    def send_only(self, text: bytes) -> None:
        """Send the program's octets, and let the server answer nothing."""
        self._send(Side.CLIENT, text)

    def lose(self, side: Side) -> None:
        """The connection on this side is gone."""
        self._wires.session.eof(side, clean=False)
        self._wires.flow()

    def _send(self, side: Side, octets: bytes) -> None:
        self._wires.send(side, self._cut(octets))

"""What is said to an upstream before its leg is encrypted by STARTTLS or STLS. No I/O.

Everything a server says here could come from anybody on the path (RFC 9051
§11.3): only what is needed to begin TLS is believed. Of the greeting, the
client gets the text (APOP needs it, RFC 1939 §7) and no response code. Octets
behind the server's consent end the connection: they would be taken for words
said inside TLS.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator

from mailproxy.proto.inbox import Inbox, LineTooLong

_LINE_OCTETS = 8192
_LINES = 200

Dialogue = Generator[bytes, bytes, bytes]


class PrefaceFailed(Exception):
    """The server does not begin TLS; nothing is ever sent to it in clear instead."""


class Preface:
    """The dialogue up to the point where TLS begins.

    Feed it with :meth:`receive`, send what :meth:`take` returns, until
    :attr:`ready`; ``greeting`` is then what the session may believe of it.
    """

    def __init__(self, protocol: str, name: str) -> None:
        """``name`` is who we say we are in EHLO, a domain or an address literal."""
        dialogues: dict[str, Callable[[str], Dialogue]] = {"pop3": _pop3, "imap": _imap, "smtp": _smtp}
        self._dialogue = dialogues[protocol](name)
        self._inbox = Inbox()
        self._out = next(self._dialogue)
        self._lines = 0
        self.greeting = b""
        self.ready = False

    def receive(self, data: bytes) -> None:
        """Octets of the server.

        Raises:
            PrefaceFailed: it cannot be led on to TLS.
        """
        self._inbox.feed(data)
        while not self.ready:
            try:
                line = self._inbox.line(_LINE_OCTETS)
            except LineTooLong:
                raise PrefaceFailed("the server sent a line that is too long") from None
            if line is None:
                return
            self._step(line)

    def _step(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > _LINES:
            raise PrefaceFailed("the server talks without end before TLS")
        try:
            self._out += self._dialogue.send(line)
        except StopIteration as stop:
            self.greeting, self.ready = stop.value, True
        # An answer that is there before its question was not given to it.
        if len(self._inbox) and (self._out or self.ready):
            raise PrefaceFailed("the server sent more than it was asked for before TLS")

    def take(self) -> bytes:
        """Octets to send to the server; they are forgotten here."""
        out, self._out = self._out, b""
        return out


def _pop3(name: str) -> Dialogue:
    """RFC 2595 §4."""
    greeting = yield b""
    if not greeting.startswith(b"+OK"):
        raise PrefaceFailed("the server's greeting is not +OK")
    reply = yield b"STLS\r\n"
    if not reply.startswith(b"+OK"):
        raise PrefaceFailed("the server refused STLS")
    return greeting


def _imap(name: str) -> Dialogue:
    """RFC 9051 §6.2.1. PREAUTH would make STARTTLS impossible, so it ends here (§7.1.4)."""
    greeting = yield b""
    if greeting[:10].upper() == b"* PREAUTH ":
        raise PrefaceFailed("the server's greeting is PREAUTH, which rules out STARTTLS")
    if greeting[:5].upper() != b"* OK ":
        raise PrefaceFailed("the server's greeting is not OK")
    tag = b"s" + secrets.token_hex(4).encode()
    reply = yield tag + b" STARTTLS\r\n"
    while reply.startswith(b"* "):
        reply = yield b""
    if not reply.startswith(tag + b" OK"):
        raise PrefaceFailed("the server refused STARTTLS")
    text = greeting[5:]
    if text.startswith(b"["):
        text = text.partition(b"]")[2].lstrip(b" ")
    return b"* OK " + (text if text.strip() else b"Ready\r\n")


def _smtp(name: str) -> Dialogue:
    """RFC 3207 §4."""
    greeting = yield b""
    whole = greeting
    while greeting[3:4] == b"-":
        greeting = yield b""
        whole += greeting
    if not whole.startswith(b"220"):
        raise PrefaceFailed("the server's greeting is not 220")
    line = yield b"EHLO " + name.encode("ascii", "replace") + b"\r\n"
    offered = False
    while True:
        if not line.startswith(b"250"):
            raise PrefaceFailed("the server refused EHLO")
        offered = offered or line[4:].strip().upper() == b"STARTTLS"
        if line[3:4] != b"-":
            break
        line = yield b""
    if not offered:
        raise PrefaceFailed("the server does not offer STARTTLS")
    reply = yield b"STARTTLS\r\n"
    if not reply.startswith(b"220"):
        raise PrefaceFailed("the server refused STARTTLS")
    return whole

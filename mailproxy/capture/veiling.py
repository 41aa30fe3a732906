"""What may be written down or shown of a conversation: secrets become ``*``, octet for octet.

Where a parser knows a secret, exactly that is masked. Where it cannot know (a verb that it does
not have, a line with control characters), all of it is: it may be a password that went astray.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mailproxy.capture.echoes import Echoes
from mailproxy.proto import imap_secrets, pop3_args, smtp_args
from mailproxy.proto.tokens import Command
from mailproxy.proto.veil import Span, veiled, veiled_line

_SECRETS: dict[str, Callable[[str, bytes], Sequence[Span]]] = {
    "pop3": pop3_args.secrets,
    "imap": imap_secrets.secrets,
    "smtp": smtp_args.secrets,
}
_WITH_TOKENS = frozenset({"GENURLAUTH", "URLFETCH", "RESETKEY"})
_PRINTED = re.compile(rb"[^\r\n]")


class Veil:
    """Masks one command of the client, what belongs to it, and what the server repeats of it."""

    __slots__ = ("_all", "_echoes", "_protocol", "_tokens")

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._all = False  # of the command's literals nothing may be shown
        self._echoes: Echoes | None = None  # most commands hold no secret
        self._tokens = False

    def __repr__(self) -> str:
        return "<Veil>"

    def command(self, command: Command) -> bytes:
        """The command's line."""
        line, args = command.line, command.args
        text = line.rstrip(b"\r\n")
        if command.spec is None:
            self._all = True
            shown = veiled_line(line)
            self._known().add(text)
            return shown
        self._tokens = command.verb in _WITH_TOKENS
        start = len(text) - len(args)
        if b"\r" in args or b"\n" in args or b"\0" in args:
            self._all = True
            self._known().add(args)
            return line[:start] + veiled_line(line[start:])
        spans = _SECRETS[self._protocol](command.verb, args)
        if not spans:
            return line
        for begin, end in spans:
            self._known().add(args[begin:end])
        if args.endswith(b"}"):
            return line[:start] + veiled_line(line[start:])
        return veiled(line, [(start + begin, start + end) for begin, end in spans])

    def line(self, data: bytes, secret: bool) -> bytes:
        """A further line of the command, or of a SASL exchange."""
        if not (secret or self._all):
            return data
        self._known().add(data.rstrip(b"\r\n"))
        return veiled_line(data)

    def literal(self, data: bytes, secret: bool) -> bytes:
        """Octets of a literal of the command."""
        if not (secret or self._all):
            return data
        self._known().more(data)
        return b"*" * len(data)

    def reply(self, data: bytes) -> bytes:
        """What the server says to it."""
        if self._echoes is not None:
            data = self._echoes.hidden(data)
        return veiled(data, imap_secrets.tokens_of_urls(data)) if self._tokens else data

    def _known(self) -> Echoes:
        if self._echoes is None:
            self._echoes = Echoes()
        return self._echoes


class Blank:
    """In place of a :class:`Veil` where nobody looks: nothing is shown of what may hold a secret."""

    __slots__ = ()

    def command(self, command: Command) -> bytes:
        return b""

    def line(self, data: bytes, secret: bool) -> bytes:
        return b""

    def literal(self, data: bytes, secret: bool) -> bytes:
        return b""

    def reply(self, data: bytes) -> bytes:
        return b""


def hidden(data: bytes) -> bytes:
    """Octets of which nothing is known: only their lines can be seen."""
    return _PRINTED.sub(b"*", data)

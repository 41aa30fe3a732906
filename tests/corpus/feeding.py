"""Puts a captured stream through a session, and knows what a session is entitled to change in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from mailproxy.proto.imap import Imap
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.smtp import Smtp
from mailproxy.proto.tokens import Chunk, Command, Reply, Side
from tests.corpus.reader import Stream
from tests.play import Cut, Wires

_REPLY = re.compile(rb"(?:[0-9]{3}-[^\n]*\n)*[0-9]{3}[^\n]*\n")

# What no client is shown, since the proxy could not keep the promise.
_HIDDEN = {
    "pop3": rb"(?<=\n)STLS\r\n",
    "smtp": rb"(?<=\n)250-(?:ETRN|PRDR|STARTTLS|X-EXPS NTLM|XEXCH50|AUTH NTLM)\r\n",
    "imap": rb" (?:LOGIN-REFERRALS|MAILBOX-REFERRALS|AUTH=NTLM)(?=[ \r])",
}
# What a guarding listener hides besides: capabilities it does not know.
_UNKNOWN = {
    "pop3": rb"(?<=\n)(?:X-GOOGLE-RICO)\r\n",
    "smtp": rb"(?<=\n)250-(?:X-ANONYMOUSTLS|X-RDST|X-LINK2STATE|XRDST|XSHADOW|X-EXPS[^\r]*)\r\n",
    "imap": rb" (?:XYZZY)(?=[ \r])",
}


def edited(protocol: str, octets: bytes, *, guard: bool = False, starttls: bool = False) -> bytes:
    """The server's octets without the capabilities that are hidden."""
    hidden = _HIDDEN[protocol]
    if starttls:
        hidden = hidden.replace(b"|STARTTLS", b"").replace(b"STLS", b"(?!)")
    octets = re.sub(hidden, b"", octets)
    return re.sub(_UNKNOWN[protocol], b"", octets) if guard else octets


@dataclass(slots=True)
class Seen:
    """The tokens a dialect cut, as lines without their ends."""

    commands: list[bytes] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What the dialects of sessions see from now on."""
    seen = Seen()
    for dialect in (Pop3, Imap, Smtp):
        monkeypatch.setattr(dialect, "client", _noting_commands(dialect.client, seen.commands))
        monkeypatch.setattr(dialect, "server", _noting_replies(dialect.server, seen.replies))
    return seen


def _noting_commands(read: Callable[..., object], into: list[bytes]) -> Callable[..., object]:
    def client(dialect: object) -> object:
        token = read(dialect)
        if isinstance(token, Command):
            into.append(token.line.rstrip(b"\r\n"))
        elif isinstance(token, Chunk) and token.secret:
            into.append(token.data.rstrip(b"\r\n"))
        return token

    return client


def _noting_replies(read: Callable[..., object], into: list[bytes]) -> Callable[..., object]:
    def server(dialect: object) -> object:
        token = read(dialect)
        if isinstance(token, Reply):
            into.append(token.data.rstrip(b"\r\n"))
        return token

    return server


def in_capture_order(wires: Wires, stream: Stream, cut: Cut, until: bytes = b"") -> None:
    """Every segment as it was seen, up to and with the one that holds ``until``."""
    for side, data in stream.events:
        wires.send(side, cut(data))
        if until and side is Side.CLIENT and until in data:
            return


def reply_by_reply(wires: Wires, stream: Stream, cut: Cut) -> None:
    """Each SMTP reply when the session waits for one: for captures whose client did not wait itself."""
    replies = iter(_REPLY.findall(stream.octets(Side.SERVER)))
    _answer(wires, replies)
    for side, data in stream.events:
        if side is Side.CLIENT:
            for piece in cut(data):
                wires.send(Side.CLIENT, iter([piece]))
                _answer(wires, replies)
    wires.send(Side.SERVER, replies)


def _answer(wires: Wires, replies: Iterator[bytes]) -> None:
    dialect = wires.session.dialect
    while any(slot.answer is None for slot in dialect.slots) and not dialect.engaged:
        reply = next(replies, b"")
        if not reply:
            return
        wires.send(Side.SERVER, iter([reply]))


def with_made_up_replies(wires: Wires, stream: Stream, cut: Cut) -> None:
    """An SMTP server that says yes to everything: for captures of the client alone."""
    wires.send(Side.SERVER, iter([b"220 made up\r\n"]))
    server = _Agreeable(wires)
    for _, data in stream.events:
        for piece in cut(data):
            wires.send(Side.CLIENT, iter([piece]))
            server.answer()


class _Agreeable:
    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._read = 0
        self._in_message = False

    def answer(self) -> None:
        got = self._wires.got[Side.SERVER]
        while (end := self._end_of_next(got)) > 0:
            part = bytes(got[self._read : end])
            self._read = end
            data = not self._in_message and part.upper() == b"DATA\r\n"
            self._in_message = data
            self._wires.send(Side.SERVER, iter([b"354 go\r\n" if data else b"250 ok\r\n"]))

    def _end_of_next(self, got: bytearray) -> int:
        mark = b"\r\n.\r\n" if self._in_message else b"\r\n"
        found = got.find(mark, self._read)
        return found + len(mark) if found >= 0 else 0

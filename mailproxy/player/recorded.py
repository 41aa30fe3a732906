"""Questions to a recording that every protocol has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailproxy.capture.parts import GREETING_NUMBER, Kind
from mailproxy.player.pieces import Source
from mailproxy.proto.tokens import Side

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Exchange, Recording, Turn

_LONGEST_COMMAND = 1 << 20


def server_turns(exchange: Exchange) -> list[Turn]:
    """What the server said in an exchange."""
    return [
        turn for turn in exchange.turns if turn.side is Side.SERVER and turn.kind in (Kind.REPLY, Kind.BODY)
    ]


def command_octets(exchange: Exchange) -> bytes:
    """The command with its literals, but nothing of a message that is very long."""
    octets = b""
    for turn in exchange.turns:
        if turn.side is Side.CLIENT and turn.kind in (Kind.COMMAND, Kind.DATA):
            for chunk in turn.body.chunks():
                octets += chunk
                if len(octets) > _LONGEST_COMMAND:
                    return octets
    return octets


def greeting_of(recording: Recording) -> bytes:
    """The server's greeting as it was, all its lines; empty when it is not in the capture."""
    for exchange in recording.exchanges:
        if exchange.number == GREETING_NUMBER:
            source = Source(server_turns(exchange))
            return b"".join(iter(source.line, b""))
    return b""


def is_answered(exchange: Exchange) -> bool:
    """Did the server say its final word on the command?"""
    return bool(exchange.status)

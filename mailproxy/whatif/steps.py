"""An exchange, step by step: what the client said, and what it heard before it went on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailproxy.capture.exchanges import Exchange, Turn
from mailproxy.capture.parts import Kind
from mailproxy.player.imap_responses import responses
from mailproxy.player.pieces import Filler, Piece
from mailproxy.proto.tokens import Side
from mailproxy.whatif.logins import Login

_SAID = frozenset({Kind.COMMAND, Kind.DATA, Kind.RESPONSE})
_LINE_END = 2  # octets


@dataclass(slots=True)
class Step:
    """``client`` is at least one turn, ``server`` may be none."""

    client: list[Turn] = field(default_factory=list)
    server: list[Turn] = field(default_factory=list)


def steps_of(exchange: Exchange) -> list[Step]:
    """All steps of an exchange."""
    steps: list[Step] = []
    for turn in exchange.turns:
        if turn.side is Side.SERVER:
            if steps:
                steps[-1].server.append(turn)
            continue
        if turn.kind in _SAID:
            if not steps or steps[-1].server:
                steps.append(Step())
            steps[-1].client.append(turn)
    return steps


def octets_of(step: Step, login: Login, missing: int) -> Iterator[bytes]:
    """What the client sends. Of a literal or chunk so many octets are ``missing``; they are filled up."""
    for turn in step.client:
        if turn.kind is Kind.COMMAND:
            yield login.command(turn.body.read())
        elif turn.kind is Kind.RESPONSE:
            yield login.response(turn.body.read())
        elif missing:
            yield from _filled(turn, missing)
        else:
            yield from turn.body.chunks()


def _filled(turn: Turn, missing: int) -> Iterator[bytes]:
    """The gap is where the message ends, before the end of the command's line."""
    held = b""
    for chunk in turn.body.chunks():
        data = held + chunk
        held = data[max(len(data) - _LINE_END, 0) :]
        yield data[: len(data) - len(held)]
    yield from Filler(missing).chunks()
    yield held


def replies(turns: list[Turn], protocol: str, old: bytes, tag: bytes, *, asks: bool) -> Iterator[Piece]:
    """What the server says. IMAP: ``tag`` stands for the ``old`` one; ``+`` is said if it ``asks``."""
    if protocol != "imap":
        yield from (turn.body for turn in turns)
        return
    for response in responses(turns):
        if not asks and response.tag == b"+":
            continue
        first, *rest = response.pieces
        if response.tag == old and isinstance(first, bytes):
            first = tag + first[len(old) :]
        yield first
        yield from rest

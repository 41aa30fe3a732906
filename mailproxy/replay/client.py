"""Connects to a server and plays a script to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from mailproxy.events import Fault
from mailproxy.net.upstream import Server, UpstreamError
from mailproxy.replay.client_player import Manner, Outcome, Player, ReplayFailed
from mailproxy.replay.client_talk import Pause
from mailproxy.replay.compare_answer import Answer
from mailproxy.replay.script import Script
from mailproxy.tls.transport import End, Transport, TransportClosed

_SLOWEST = 1000.0  # octets per second of an answer that is long; fewer only hold us up
_PIECE = 65_536


class Wire(Protocol):
    """A connection to a server, whatever it is made of."""

    async def send(self, data: bytes) -> None:
        """All of it. Raises TransportClosed."""
        ...

    async def receive(self) -> bytes:
        """What came, at least one octet; empty at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The server. ``tls`` is ``implicit``, ``starttls`` or ``none``.

    ``clear``: without STARTTLS, the replay may go on in clear. ``timeout`` are the seconds that
    a reply may take.
    """

    host: str
    port: int
    tls: str
    context: Callable[[], ssl.SSLContext]
    clear: bool = False
    timeout: float = 30.0


@dataclass(slots=True)
class Play:
    """One script, played once. ``failed`` says why it was not played to its end, empty when it was."""

    script: Script
    outcomes: list[Outcome] = field(default_factory=list)
    greeting: Answer | None = None
    encrypted: bool = False
    closed_early: bool = False
    failed: str = ""
    notes: list[str] = field(default_factory=list)


async def replay(script: Script, target: Target, manner: Manner) -> Play:
    """Play ``script`` to ``target`` once. What goes wrong with the server is told in the result."""
    play = Play(script)
    try:
        transport, greeting = await _connected(script.protocol, target, play.notes)
    except UpstreamError as error:
        play.failed = error.what
        return play
    try:
        play.encrypted = transport.tls is not None
        player = Player(script, replace(manner, host=target.host, port=target.port))
        await play_over(_Socket(transport), player, play, target.timeout, greeting)
    finally:
        transport.close()
    return play


async def _connected(protocol: str, target: Target, notes: list[str]) -> tuple[Transport, bytes]:
    def server(tls: str) -> Server:
        return Server(protocol, target.host, target.port, tls, target.context, target.timeout)

    try:
        return await server(target.tls).connect()
    except UpstreamError as error:
        if not target.clear or target.tls != "starttls" or error.fault is not Fault.SERVER:
            raise
        notes.append(f"not encrypted: {error.what}")
        return await server("none").connect()


async def play_over(wire: Wire, player: Player, play: Play, within: float, greeting: bytes = b"") -> None:
    """Let ``player`` talk over ``wire``, and write into ``play`` what came of it.

    ``within`` are the seconds that a reply may take. ``greeting`` is what the server said before TLS,
    where it began with STARTTLS.
    """
    try:
        if greeting:
            player.receive(greeting, trio.current_time())
        await _converse(wire, player, within)
    except ReplayFailed as error:
        play.failed = str(error)
    except TransportClosed:
        player.hung_up()
    play.outcomes = player.outcomes
    play.greeting = player.greeting
    play.closed_early = player.closed_early


async def _converse(wire: Wire, player: Player, within: float) -> None:
    patience = _Patience(player, within)
    while True:
        await _say(wire, player, patience)
        if player.over:
            return
        data = await _received(wire, player, patience)
        if data is None:
            player.go_on()
        elif data:
            player.receive(data, trio.current_time())
            patience.heard(len(data))
        else:
            player.hung_up()
            return


async def _say(wire: Wire, player: Player, patience: _Patience) -> None:
    while (wanted := player.take(trio.current_time())) is not None:
        if isinstance(wanted, Pause):
            await trio.sleep(wanted.seconds)
            continue
        for at in range(0, len(wanted), _PIECE):
            with trio.move_on_after(patience.timeout) as scope:
                await wire.send(wanted[at : at + _PIECE])
            if scope.cancelled_caught:
                raise ReplayFailed(f"the server took no octet for {patience.timeout:g} seconds")
        patience.begins()


async def _received(wire: Wire, player: Player, patience: _Patience) -> bytes | None:
    """What the server says next; None when nothing has to come, and nothing did."""
    news = player.news
    deadline = patience.deadline if news is None else trio.current_time() + news
    with trio.move_on_at(deadline):
        return await wire.receive()
    if news is not None:
        return None
    raise ReplayFailed(
        f"the server did not end {player.awaited} within {patience.timeout:g} seconds; "
        "if it is slow, say --timeout SECONDS"
    )


class _Patience:
    """How long the server may go on with one reply: a long one takes longer, a trickle does not."""

    def __init__(self, player: Player, timeout: float) -> None:
        self.timeout = timeout
        self._player = player
        self._answers = 0
        self._octets = 0
        self._since = trio.current_time()

    @property
    def deadline(self) -> float:
        return self._since + self.timeout + self._octets / _SLOWEST

    def begins(self) -> None:
        """Something was said: its answer has all the time there is."""
        self._since, self._octets = trio.current_time(), 0

    def heard(self, octets: int) -> None:
        """So much came; an answer that was completed starts the next one's time."""
        self._octets += octets
        if len(self._player.outcomes) != self._answers:
            self._answers = len(self._player.outcomes)
            self.begins()


class _Socket:
    """A wire over a real connection."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, data: bytes) -> None:
        await self._transport.send(data)

    async def receive(self) -> bytes:
        while (data := self._transport.read()) is None:
            await self._transport.readable()
        return b"" if isinstance(data, End) else data

"""Moves octets between two legs and a session. Knows no verb and no rule.

Theory of operation. Two pumps, one per side: wait until the leg is readable,
read what is there, hand it to the session, send what the session wants sent.
Nothing is awaited between reading and handing over, no task or cancel scope is
made per command; deadlines are looked after by one sweeper for all sessions.

Back-pressure: a pump that cannot send does not read. The client's pump also
waits until the client took our own answers. The server's pump never waits for
the server to take octets that another pump is sending: a server that is
itself waiting for us to read would then wait for ever.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from mailproxy.proto.tokens import Side
from mailproxy.tls.transport import End, Transport, TransportClosed

_TURN = 16  # reads of one leg before the others have their turn
_GRACE_SECONDS = 30.0  # for the answers to what a client sent before it closed its half
_LINGER_OCTETS = 1 << 20
_LINGER_SECONDS = 2.0


class Followed(Protocol):
    """What the relay needs of a session."""

    reason: str

    @property
    def closed(self) -> bool: ...
    @property
    def upgrade(self) -> bool: ...
    @property
    def dropped(self) -> bool: ...

    def receive(self, side: Side, data: bytes) -> None: ...
    def take(self, side: Side) -> list[bytes]: ...
    def pending(self, side: Side) -> bool: ...
    def wants(self, side: Side) -> bool: ...
    def eof(self, side: Side, clean: bool = True) -> None: ...
    def upgraded(self, version: str) -> None: ...
    def end(self, text: str, reason: str) -> None: ...


class Relay:
    """One session on its way between a client and a server."""

    __slots__ = ("_cut", "_draining", "_legs", "_parked", "_scope", "_secure", "_session", "_taken", "active")

    def __init__(
        self,
        session: Followed,
        client: Transport,
        server: Transport,
        secure: Callable[[Transport], Awaitable[bool]],
    ) -> None:
        """``secure`` makes TLS with the client once the session said so; False when that failed."""
        self._session = session
        self._legs = (client, server)
        self._secure = secure
        self._draining = [False, False]
        self._parked = trio.lowlevel.ParkingLot()  # the client's pump, while the session wants nothing of it
        self._taken = trio.lowlevel.ParkingLot()  # the client's pump, while the client takes our answers
        self._scope = trio.CancelScope()
        self._cut = [False, False]
        self.active = time.monotonic()  # when octets last arrived

    async def run(self) -> None:
        """Until the session is over; both legs are closed behind it."""
        try:
            with self._scope:
                await self._flush(Side.SERVER)  # a greeting that was read before
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, Side.CLIENT)
                    await self._pump(Side.SERVER)
        finally:
            with trio.CancelScope(shield=True):
                await self._close()

    def stop(self, text: str, reason: str) -> None:
        """End the session from outside: a deadline passed, or the proxy stops."""
        self._session.end(text, reason)
        for data in self._session.take(Side.CLIENT) if not self._draining[Side.CLIENT] else ():
            try:
                self._legs[Side.CLIENT].write(data)
            except TransportClosed:
                break
        self._scope.cancel()

    async def _pump(self, side: Side) -> None:
        session, leg = self._session, self._legs[side]
        try:
            while not self._over():
                await leg.readable()
                self.active = time.monotonic()
                for _ in range(_TURN):
                    if side is Side.CLIENT:
                        if session.upgrade:
                            if not await self._upgrade(leg):
                                return
                            break
                        if not session.wants(side):
                            await self._parked.park()
                            break
                    data = leg.read()
                    if data is None:
                        break
                    if isinstance(data, End):
                        await self._ended(side, data)
                        return
                    session.receive(side, data)
                    if session.dropped:
                        self._cut_off()
                    await self._flush(side)
                    if self._over():
                        break
                else:
                    await trio.lowlevel.checkpoint()
            await self._settle()
        except trio.ClosedResourceError:
            return  # the leg was cut off here; the other pump goes on
        except TransportClosed:
            session.reason = session.reason or "the connection broke"
        self._scope.cancel()

    def _over(self) -> bool:
        return self._session.closed

    async def _ended(self, side: Side, end: End) -> None:
        session = self._session
        self._cut[side] = end is End.CUT
        session.eof(side, end is End.CLEAN)
        if session.closed:
            await self._settle()
            self._scope.cancel()
        else:
            self._scope.deadline = trio.current_time() + _GRACE_SECONDS

    async def _settle(self) -> None:
        """Let the client have what is meant for it, also if the other pump is sending it."""
        while self._draining[Side.CLIENT]:
            await self._taken.park()
        if self._session.pending(Side.CLIENT):
            await self._drain(Side.CLIENT)

    def _cut_off(self) -> None:
        """What the server has got of an unfinished command is not to be completed, not even by its end."""
        if not self._cut[Side.SERVER]:
            self._cut[Side.SERVER] = True
            self._legs[Side.SERVER].close(abort=True)

    async def _flush(self, reader: Side) -> None:
        """Send what the session has for both sides, after octets of ``reader`` were handed to it."""
        session = self._session
        if session.pending(Side.SERVER):
            await self._drain(Side.SERVER)
        if session.pending(Side.CLIENT):
            await self._drain(Side.CLIENT)
            if reader is Side.CLIENT and self._draining[Side.CLIENT]:
                await self._taken.park()
        if reader is Side.SERVER and self._parked and (session.closed or session.wants(Side.CLIENT)):
            self._parked.unpark_all()

    async def _drain(self, side: Side) -> None:
        if self._draining[side]:
            return  # the other pump is at it, and takes this too
        if side is Side.SERVER and self._session.dropped:
            self._session.take(side)
            return
        self._draining[side] = True
        leg = self._legs[side]
        try:
            while out := self._session.take(side):
                await leg.send(out[0] if len(out) == 1 else b"".join(out))
        finally:
            self._draining[side] = False
            if side is Side.CLIENT:
                self._taken.unpark_all()

    async def _upgrade(self, leg: Transport) -> bool:
        await self._settle()
        if not await self._secure(leg):
            self._cut[Side.CLIENT] = True
            self._scope.cancel()
            return False
        self._session.upgraded(leg.version)
        return True

    async def _close(self) -> None:
        """Say the end to both; a leg whose peer broke off passes that on instead of a clean end."""
        session, (client, server) = self._session, self._legs
        if not session.reason or self._cut[Side.SERVER]:
            client.close(abort=self._cut[Side.SERVER] and not session.dropped)
        else:
            with trio.move_on_after(_LINGER_SECONDS):
                await self._linger(client)
            client.close(abort=True)
        server.close(abort=self._cut[Side.CLIENT])

    async def _linger(self, client: Transport) -> None:
        """Closing with octets unread would reset the connection, and our last answer with it."""
        client.finish()
        read = 0
        while read < _LINGER_OCTETS:
            data = client.discard()
            if data == 0:
                return
            if data is None:
                await client.readable()
            else:
                read += data

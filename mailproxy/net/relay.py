"""Moves octets between two legs and a session. Knows no verb and no rule.

Theory of operation. A :class:`~mailproxy.net.lane.Lane` calls the relay when a
leg can be read. The call reads what is there, hands it to the session and sends
what the session wants sent; most often all of that happens at once. When a peer
does not take its octets, a task waits for it, and nothing more is read for it
meanwhile. The session's own task sleeps until there is something to await: TLS
with the client, or the end.

Who is read when (``_attend``):

1. The client, while the session wants it, and both peers take what is theirs:
   our own answers wait for the client to read, too.
2. The server, while the client takes what is its. Never does it wait for the
   server to take something: a server that itself waits for us to read would
   then wait for ever.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import trio

from mailproxy.net.lane import Lane
from mailproxy.proto.tokens import Side
from mailproxy.tls.transport import READ_OCTETS, End, Transport, TransportClosed

_PIECES = 16  # read at once, before others have their turn
_UNIT = 65_536  # octets that are worth a write of their own
_LINGER_OCTETS = 1 << 20
_LINGER_SECONDS = 2.0


class Followed(Protocol):
    """What the relay needs of a session."""

    reason: str
    closed: bool
    upgrade: bool
    dropped: bool
    paused: bool

    @property
    def out(self) -> Sequence[Sequence[bytes]]:
        """What :meth:`take` would give for each side."""
        ...

    @property
    def job(self) -> Callable[[], object] | None:
        """Work that may wait for a disk; :meth:`worked` is told what came of it."""
        ...

    def worked(self, value: object, error: Exception | None = None) -> None: ...
    def resume(self) -> None: ...
    def receive(self, side: Side, data: bytes) -> None: ...
    def take(self, side: Side) -> Sequence[bytes]: ...
    def wants(self, side: Side) -> bool: ...
    def eof(self, side: Side, clean: bool = True) -> None: ...
    def upgraded(self, version: str) -> None: ...
    def end(self, text: str, reason: str) -> None: ...


class Relay:
    """One session on its way between a client and a server."""

    __slots__ = (
        "_awake",
        "_broken",
        "_cut",
        "_draining",
        "_ended",
        "_error",
        "_forgotten",
        "_lane",
        "_legs",
        "_nursery",
        "_reading",
        "_rest",
        "_secure",
        "_session",
        "_threads",
        "_working",
        "active",
    )

    def __init__(
        self,
        session: Followed,
        client: Transport,
        server: Transport,
        secure: Callable[[Transport], Awaitable[bool]],
        lane: Lane,
        threads: trio.CapacityLimiter | None = None,
    ) -> None:
        """``secure`` makes TLS with the client once the session said so; False when that failed.

        ``threads`` limits those that work for sessions, so that others find one too.
        """
        self._session = session
        self._legs = (client, server)
        self._secure = secure
        self._lane = lane
        self._threads = threads
        self._working = False  # a thread does the session's work
        self._nursery: trio.Nursery | None = None
        self._awake = trio.Event()  # the task has something to do
        self._error: Exception | None = None
        self._broken = False  # a leg is gone: nothing can be delivered any more
        self._reading = [False, False]  # does the lane call for this leg?
        self._forgotten = [False, False]
        self._draining = [False, False]  # a task waits for this peer to take what is its
        self._rest = [b"", b""]  # taken from the session, but not by the peer yet
        self._ended = [False, False]
        self._cut = [False, False]  # the leg ended without a proper end, or was cut off here
        self.active = time.monotonic()  # when octets last arrived

    async def run(self) -> None:
        """Until the session is over; both legs are closed behind it."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for side in Side:
                    self._lane.watch(self._legs[side].fd, partial(self._readable, side))
                    self._reading[side] = True
                self._deliver()  # a greeting that was read before
                await self._attend_to_the_rest(nursery)
                nursery.cancel_scope.cancel()
        finally:
            for side in Side:
                self._forget(side)
            with trio.CancelScope(shield=True):
                await self._close()

    async def _attend_to_the_rest(self, nursery: trio.Nursery) -> None:
        """All that needs a task: TLS in the middle of a session, work that waits for a disk, and the end."""
        session = self._session
        while not self._over():
            if session.upgrade and not self._draining[Side.CLIENT]:
                if not await self._secure(self._legs[Side.CLIENT]):
                    self._cut[Side.CLIENT] = True
                    return
                session.upgraded(self._legs[Side.CLIENT].version)
                self._deliver()
                continue
            if session.job is not None and not self._working:
                self._working = True
                nursery.start_soon(self._work, session.job)
            if session.paused and not self._draining[Side.CLIENT]:
                await trio.lowlevel.checkpoint()  # it may be at it for long: others have their turn
                session.resume()
                self._deliver()
                continue
            await self._awake.wait()
            self._awake = trio.Event()
            if self._error is not None:
                raise self._error

    async def _work(self, job: Callable[[], object]) -> None:
        """Do the session's work in another thread. Once the session is over, nobody waits for it."""
        value: object = None
        failed: Exception | None = None
        try:
            value = await trio.to_thread.run_sync(job, abandon_on_cancel=True, limiter=self._threads)
        except Exception as error:
            failed = error
        self._working = False
        self._session.worked(value, failed)
        self._deliver()
        self._awake.set()

    def _deliver(self) -> None:
        """Send what there is, out of a task of the session's own."""
        try:
            self._send()
        except TransportClosed:
            self._break_off()

    def _over(self) -> bool:
        return self._broken or (self._session.closed and not self._draining[Side.CLIENT])

    # -- calls from the lane ------------------------------------------------------------

    def _readable(self, side: Side) -> None:
        """A leg can be read. Must not raise: it is called from the task of all sessions."""
        self.active = time.monotonic()
        session, leg = self._session, self._legs[side]
        try:
            data = leg.read()
            if isinstance(data, bytes):
                session.receive(side, self._more(leg, data) if len(data) == READ_OCTETS else data)
            elif data is not None:
                self._end_of(side, data)
            self._send()
        except TransportClosed:
            self._break_off()
        except Exception as error:
            self._error = error
            self._awake.set()

    def _more(self, leg: Transport, first: bytes) -> bytes:
        """A piece that is full is most likely not the last one that has arrived."""
        pieces = [first]
        while len(pieces) < _PIECES:
            data = leg.read()
            if not isinstance(data, bytes):
                break  # an end is met again at the next call
            pieces.append(data)
            if len(data) < READ_OCTETS:
                break
        return b"".join(pieces)

    def _send(self) -> None:
        """Send what the session has; a peer that does not take it gets a task that waits for it."""
        session = self._session
        for side in _SIDES:
            if session.out[side] and not self._draining[side] and not self._push(side):
                self._draining[side] = True
                assert self._nursery is not None
                self._nursery.start_soon(self._drain, side)
        if session.dropped and not self._cut[Side.SERVER]:
            self._cut_off()
        self._attend()
        if session.closed or session.upgrade or session.paused or session.job is not None:
            self._awake.set()

    def _push(self, side: Side) -> bool:
        """False when something for ``side`` is left that it does not take now."""
        out = self._session.take(side)
        if self._cut[side] and side is Side.SERVER:
            return True
        leg = self._legs[side]
        for number, data in enumerate(out if len(out) == 1 else _gathered(out)):
            sent = leg.write(data)
            while sent < len(data):
                done = leg.write(memoryview(data)[sent:])
                if not done:
                    self._rest[side] = b"".join([data[sent:], *list(_gathered(out))[number + 1 :]])
                    return False
                sent += done
        return True

    async def _drain(self, side: Side) -> None:
        leg = self._legs[side]
        try:
            while True:
                rest = self._rest[side] or b"".join(self._session.take(side))
                if not rest:
                    break
                self._rest[side] = b""
                await leg.send(rest, self._progressed)
        except (TransportClosed, trio.ClosedResourceError):
            if not (
                side is Side.SERVER and self._cut[side]
            ):  # else it was cut off here, and the client goes on
                self._break_off()
            self._rest[side] = b""
        finally:
            self._draining[side] = False
        self._attend()
        self._awake.set()

    def _progressed(self) -> None:
        """A peer takes its octets, however slowly."""
        self.active = time.monotonic()

    def _attend(self) -> None:
        """Let the lane call for the legs that may be read now, and for no others."""
        session, draining = self._session, self._draining
        client = not (draining[0] or draining[1] or self._ended[0]) and session.wants(Side.CLIENT)
        # What the server says while TLS begins with the client must not get there in clear.
        server = not (draining[0] or self._ended[1] or session.upgrade)
        if client is not self._reading[0]:
            self._turn(Side.CLIENT, client)
        if server is not self._reading[1]:
            self._turn(Side.SERVER, server)

    def _turn(self, side: Side, on: bool) -> None:
        self._reading[side] = on
        (self._lane.resume if on else self._lane.pause)(self._legs[side].fd)

    def _end_of(self, side: Side, end: End) -> None:
        self._ended[side] = True
        self._cut[side] = end is End.CUT
        self._session.eof(side, end is End.CLEAN)

    def _cut_off(self) -> None:
        """What the server has got of an unfinished command is not to be completed, not even by its end."""
        leg = self._legs[Side.SERVER]
        self._cut[Side.SERVER] = self._ended[Side.SERVER] = True
        self._forget(Side.SERVER)
        leg.close(abort=True)

    def _forget(self, side: Side) -> None:
        """Once only: when the leg is closed, its descriptor may be that of another session."""
        self._reading[side] = False
        if not self._forgotten[side]:
            self._forgotten[side] = True
            self._lane.forget(self._legs[side].fd)

    def _break_off(self) -> None:
        self._session.reason = self._session.reason or "the connection broke"
        self._broken = True
        self._awake.set()

    @property
    def half_closed(self) -> bool:
        """Does the client send no more, and get what it asked for?"""
        return self._ended[Side.CLIENT]

    @property
    def working(self) -> bool:
        """Is something written down or looked up for the session? Then no peer is to blame."""
        return self._working

    @property
    def waits_for_server(self) -> bool:
        """Does the server not take what the client has sent? Then the client is not to blame."""
        return self._draining[Side.SERVER]

    # -- the end ------------------------------------------------------------------------

    def stop(self, text: str, reason: str) -> None:
        """End the session from outside: a deadline passed, or the proxy stops."""
        self._session.end(text, reason)
        if not self._draining[Side.CLIENT]:
            with suppress(TransportClosed):
                self._push(Side.CLIENT)
        self._broken = True
        self._awake.set()

    async def _close(self) -> None:
        """Say the end to both; a leg whose peer broke off passes that on instead of a clean end."""
        session, (client, server) = self._session, self._legs
        server.close(abort=self._cut[Side.CLIENT])
        if session.reason and not self._ended[Side.CLIENT] and not self._cut[Side.SERVER]:
            with trio.move_on_after(_LINGER_SECONDS):
                await self._linger(client)
        client.close(abort=self._cut[Side.SERVER] and not session.dropped)

    async def _linger(self, client: Transport) -> None:
        """Closing with octets unread would reset the connection, and our last answer with it."""
        client.finish()
        read = 0
        while read < _LINGER_OCTETS:
            octets = client.discard()
            if octets == 0:
                return
            if octets is None:
                await client.readable()
            else:
                read += octets


def _gathered(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """The same octets in fewer pieces: what is small travels together, and nothing is big."""
    small: list[bytes] = []
    octets = 0
    for piece in pieces:
        small.append(piece)
        octets += len(piece)
        if octets >= _UNIT:
            yield b"".join(small)
            small, octets = [], 0
    if small:
        yield b"".join(small)


_SIDES = (Side.SERVER, Side.CLIENT)

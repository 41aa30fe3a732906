"""Tells sessions that their sockets can be read, by plain calls from one task.

A Trio task that waits for a socket costs an ``epoll_ctl`` and a task switch per
wait. A session in the middle of its dialogue does nothing there that needs a
task: read, hand over, send. So one task waits for all sockets of the process on
an epoll set of its own and calls a function for each that is ready. What has to
be awaited (a slow peer, a handshake) is done by the session's own tasks, which
pause the calls meanwhile.

:class:`EpollLane` does this on Linux; :class:`TaskLane` does the same with a
task per socket, elsewhere and in tests. Either way a call comes only when the
socket was readable, and none comes after :meth:`Lane.forget`.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol

import trio

_EVENTS = 64
_ROUNDS = 8  # of so many calls, before everybody else has a turn


class Lane(Protocol):
    """Calls for sockets by their file descriptors."""

    def watch(self, fd: int, call: Callable[[], None]) -> None:
        """Call whenever ``fd`` is readable, from now on."""
        ...

    def pause(self, fd: int) -> None:
        """No calls until :meth:`resume`."""
        ...

    def resume(self, fd: int) -> None: ...

    def forget(self, fd: int) -> None:
        """No calls any more; to be said before the socket is closed."""
        ...

    async def run(self) -> None:
        """Makes the calls, until cancelled."""
        ...


class EpollLane:
    """One task and one epoll set for all sockets (Linux)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._calls: dict[int, Callable[[], None]] = {}
        self._active: set[int] = set()

    def watch(self, fd: int, call: Callable[[], None]) -> None:
        self._calls[fd] = call
        self.resume(fd)

    def pause(self, fd: int) -> None:
        # Not an empty set of events: epoll tells of a reset all the same, again and again.
        if fd in self._active:
            self._active.discard(fd)
            self._epoll.unregister(fd)

    def resume(self, fd: int) -> None:
        if fd in self._calls and fd not in self._active:
            self._active.add(fd)
            self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        if self._calls.pop(fd, None) is not None:
            self.pause(fd)

    async def run(self) -> None:
        poll, calls, active = self._epoll.poll, self._calls, self._active
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                for _ in range(_ROUNDS):  # what came meanwhile spares Trio's loop a turn
                    ready = poll(0, _EVENTS)
                    if not ready:
                        break
                    for fd, _ in ready:
                        if fd in active:  # an earlier call may have paused or forgotten it
                            calls[fd]()
        finally:
            self._calls.clear()  # sessions that end after us still forget their sockets
            self._active.clear()
            self._epoll.close()


class TaskLane:
    """One task per socket; for systems without epoll."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[tuple[int, Callable[[], None]]](1 << 20)
        self._gates: dict[int, trio.Event] = {}
        self._scopes: dict[int, trio.CancelScope] = {}

    def watch(self, fd: int, call: Callable[[], None]) -> None:
        self._gates[fd] = _opened()
        self._scopes[fd] = trio.CancelScope()
        self._send.send_nowait((fd, call))

    def pause(self, fd: int) -> None:
        gate = self._gates.get(fd)
        if gate is not None and gate.is_set():
            self._gates[fd] = trio.Event()

    def resume(self, fd: int) -> None:
        gate = self._gates.get(fd)
        if gate is not None:
            gate.set()

    def forget(self, fd: int) -> None:
        self._gates.pop(fd, None)
        scope = self._scopes.pop(fd, None)
        if scope is not None:
            scope.cancel()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            async for fd, call in self._receive:
                scope = self._scopes.get(fd)
                if scope is not None:
                    nursery.start_soon(self._attend, fd, call, scope)

    async def _attend(self, fd: int, call: Callable[[], None], scope: trio.CancelScope) -> None:
        with scope:
            while self._scopes.get(fd) is scope:  # else it was forgotten, and may be watched anew
                await self._gates[fd].wait()
                await trio.lowlevel.wait_readable(fd)
                if self._scopes.get(fd) is scope and self._gates[fd].is_set():
                    call()


def _opened() -> trio.Event:
    event = trio.Event()
    event.set()
    return event


def make_lane() -> Lane:
    """The better lane of this system."""
    return EpollLane() if hasattr(select, "epoll") else TaskLane()

"""Both lanes do the same: calls only for sockets that can be read, none when paused or forgotten."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from mailproxy.net.lane import EpollLane, Lane, TaskLane, make_lane
from tests.net.peers import tcp_pair


class Watched:
    """A socket that a lane watches: each call reads what is there."""

    def __init__(self, lane: Lane, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.lane = lane
        self.sock = sock
        self.fd = sock.fileno()
        self.calls: list[bytes] = []
        lane.watch(self.fd, self.called)

    def called(self) -> None:
        assert len(self.calls) < 100, "it is called without end"
        try:
            self.calls.append(self.sock.recv(100))
        except OSError as error:
            self.calls.append(type(error).__name__.encode())


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with tcp_pair() as sockets:
        yield sockets


async def test_a_call_for_what_arrived_and_none_without(
    lane: Lane, pair: tuple[socket.socket, socket.socket]
) -> None:
    far, near = pair
    watched = Watched(lane, near)
    await wait_all_tasks_blocked()
    assert watched.calls == []
    for data in (b"one", b"two"):
        far.send(data)
        await wait_all_tasks_blocked()
    assert watched.calls == [b"one", b"two"]


async def test_called_again_while_something_is_left(
    lane: Lane, pair: tuple[socket.socket, socket.socket]
) -> None:
    far, near = pair
    watched = Watched(lane, near)
    far.send(b"x" * 250)
    await wait_all_tasks_blocked()
    assert [len(data) for data in watched.calls] == [100, 100, 50]


async def test_no_call_while_paused(lane: Lane, pair: tuple[socket.socket, socket.socket]) -> None:
    far, near = pair
    watched = Watched(lane, near)
    lane.pause(watched.fd)
    lane.pause(watched.fd)
    far.send(b"one")
    await wait_all_tasks_blocked()
    assert watched.calls == []
    lane.resume(watched.fd)
    lane.resume(watched.fd)
    await wait_all_tasks_blocked()
    assert watched.calls == [b"one"]


async def test_no_call_while_paused_for_a_connection_that_broke(
    lane: Lane, pair: tuple[socket.socket, socket.socket]
) -> None:
    far, near = pair
    watched = Watched(lane, near)
    lane.pause(watched.fd)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()
    await wait_all_tasks_blocked()
    assert watched.calls == []
    lane.resume(watched.fd)
    while not watched.calls:
        await trio.lowlevel.checkpoint()
    assert watched.calls[0] == b"ConnectionResetError"
    lane.forget(watched.fd)


async def test_no_call_once_forgotten(lane: Lane, pair: tuple[socket.socket, socket.socket]) -> None:
    far, near = pair
    watched = Watched(lane, near)
    far.send(b"one")
    lane.forget(watched.fd)
    lane.forget(watched.fd)
    lane.pause(watched.fd)
    lane.resume(watched.fd)
    await wait_all_tasks_blocked()
    assert watched.calls == []


async def test_forgetting_a_paused_socket(lane: Lane, pair: tuple[socket.socket, socket.socket]) -> None:
    far, near = pair
    watched = Watched(lane, near)
    lane.pause(watched.fd)
    await wait_all_tasks_blocked()
    lane.forget(watched.fd)
    far.send(b"one")
    await wait_all_tasks_blocked()
    assert watched.calls == []


async def test_watched_anew_under_the_same_number(
    lane: Lane, pair: tuple[socket.socket, socket.socket]
) -> None:
    far, near = pair
    first = Watched(lane, near)
    await wait_all_tasks_blocked()
    far.send(b"one")
    lane.forget(first.fd)
    second = Watched(lane, near)
    await wait_all_tasks_blocked()
    assert (first.calls, second.calls) == ([], [b"one"])


async def test_a_call_may_forget_itself(lane: Lane, pair: tuple[socket.socket, socket.socket]) -> None:
    far, near = pair
    near.setblocking(False)
    calls: list[str] = []

    def once() -> None:
        calls.append("called")
        lane.forget(near.fileno())

    lane.watch(near.fileno(), once)
    far.send(b"stays unread")
    await wait_all_tasks_blocked()
    assert calls == ["called"]
    with tcp_pair() as (other_far, other_near):
        watched = Watched(lane, other_near)
        other_far.send(b"the lane goes on")
        await wait_all_tasks_blocked()
        assert watched.calls == [b"the lane goes on"]
        lane.forget(watched.fd)


@pytest.mark.parametrize("silence", ["pause", "forget"])
async def test_a_call_may_silence_another_that_is_due(lane: Lane, silence: str) -> None:
    with tcp_pair() as (far, near), tcp_pair() as (other_far, other_near):
        calls: list[int] = []
        fds = near.fileno(), other_near.fileno()

        def called(fd: int) -> None:
            calls.append(fd)
            for one in fds:
                getattr(lane, silence)(one)

        for fd in fds:
            lane.watch(fd, lambda fd=fd: called(fd))  # type: ignore[misc]
        for sock in (far, other_far):
            sock.send(b"x")
        await wait_all_tasks_blocked()
        assert len(calls) == 1
        for fd in fds:
            lane.forget(fd)


async def test_many_sockets_all_have_their_turn(lane: Lane) -> None:
    pairs = [socket.socketpair() for _ in range(200)]
    watched = [Watched(lane, near) for _, near in pairs]
    for far, _ in pairs:
        far.send(b"x")
    await wait_all_tasks_blocked()
    assert all(one.calls == [b"x"] for one in watched)
    for one, (far, near) in zip(watched, pairs, strict=True):
        lane.forget(one.fd)
        far.close()
        near.close()


@pytest.mark.parametrize("kind", [EpollLane, TaskLane])
async def test_sockets_that_are_forgotten_after_the_lane_has_ended(
    kind: Callable[[], Lane], pair: tuple[socket.socket, socket.socket]
) -> None:
    lane = kind()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        watched = Watched(lane, pair[1])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    lane.pause(watched.fd)
    lane.resume(watched.fd)
    lane.forget(watched.fd)


async def test_the_better_lane_of_this_system() -> None:
    lane = make_lane()
    assert isinstance(lane, EpollLane)
    with trio.CancelScope() as scope:
        scope.cancel()
        await lane.run()

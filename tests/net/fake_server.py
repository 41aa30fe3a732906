"""Servers that do one thing with whoever connects."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from mailproxy.tls.transport import End, Transport, TransportClosed

HOST = "127.0.0.1"
GREETING = b"* OK ready\r\n"


@dataclass
class Fake:
    """Where it listens, and what it has heard."""

    port: int
    heard: list[bytes] = field(default_factory=list)


Handler = Callable[[Transport, Fake], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Fake]:
    with socket.create_server((HOST, 0)) as listening:
        listening.setblocking(False)
        fake = Fake(listening.getsockname()[1])

        async def serve() -> None:
            while True:
                await trio.lowlevel.wait_readable(listening)
                client, _ = listening.accept()
                nursery.start_soon(handle, Transport(client))

        async def handle(transport: Transport) -> None:
            try:
                await handler(transport, fake)
            except TransportClosed:
                return
            finally:
                transport.close(abort=True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield fake
            nursery.cancel_scope.cancel()


async def listen(transport: Transport, fake: Fake) -> None:
    """Note all that the proxy says."""
    while True:
        await transport.readable()
        data = transport.read()
        if isinstance(data, End):
            return
        if data:
            fake.heard.append(data)


async def silent(transport: Transport, fake: Fake) -> None:
    await listen(transport, fake)


async def greet(transport: Transport, fake: Fake) -> None:
    await transport.send(GREETING)
    await listen(transport, fake)


async def hang_up(transport: Transport, fake: Fake) -> None:
    pass


def says(*replies: bytes) -> Handler:
    """A greeting, then an answer to whatever comes; then it listens."""

    async def handler(transport: Transport, fake: Fake) -> None:
        for reply in replies:
            await transport.send(reply)
            while (data := transport.read()) is None:
                await transport.readable()
            if isinstance(data, End):
                return
            fake.heard.append(data)
        await listen(transport, fake)

    return handler

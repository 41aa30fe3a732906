"""Proxies of one thought, for the tests of the story: each does kept mail wrong in a way of its own."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import trio
import trustme

from mailproxy.demo.lines import Ended, Lines
from mailproxy.demo.story import Endpoints
from mailproxy.demo.world import HOST, Ports

Change = Callable[[bytes], bytes]


@asynccontextmanager
async def answering_proxy(upstream: Ports, folder: Path, answer: bytes) -> AsyncIterator[Endpoints]:
    """Ends TLS, and gives this answer to every DELE; hides nothing."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(file)

    async def handler(port: int, tcp: trio.abc.Stream) -> None:
        client = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        async with client, await trio.open_tcp_stream(HOST, port) as server, trio.open_nursery() as nursery:
            nursery.start_soon(_pump, server, client)
            with suppress(Ended, trio.BrokenResourceError):
                await _commands(Lines(client), client, server, answer)
            nursery.cancel_scope.cancel()

    async with _listening(upstream, handler) as ports:
        yield ports.endpoints(file)


@asynccontextmanager
async def spoiling(upstream: Ports, change: Change) -> AsyncIterator[Ports]:
    """The same servers, without TLS; ``change`` sees what they say, and may spoil it."""

    async def handler(port: int, client: trio.abc.Stream) -> None:
        async with client, await trio.open_tcp_stream(HOST, port) as server, trio.open_nursery() as nursery:
            nursery.start_soon(_pump, server, client, change)
            await _pump(client, server)
            nursery.cancel_scope.cancel()

    async with _listening(upstream, handler) as ports:
        yield ports


@asynccontextmanager
async def _listening(upstream: Ports, handler: Callable[..., object]) -> AsyncIterator[Ports]:
    async with trio.open_nursery() as nursery:
        ports = []
        for port in (upstream.pop3, upstream.imap, upstream.smtp):
            serve = partial(trio.serve_tcp, partial(handler, port), 0, host=HOST)
            listeners = await nursery.start(serve)
            ports.append(listeners[0].socket.getsockname()[1])
        yield Ports(*ports)
        nursery.cancel_scope.cancel()


async def _commands(lines: Lines, client: trio.abc.Stream, server: trio.abc.Stream, answer: bytes) -> None:
    while True:
        line = await lines.line()
        if line.startswith(b"DELE "):
            await client.send_all(answer)
        else:
            await server.send_all(line + b"\r\n")


async def _pump(
    source: trio.abc.ReceiveStream, target: trio.abc.SendStream, change: Change = lambda data: data
) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async for data in source:
            await target.send_all(change(bytes(data)))
        await target.aclose()

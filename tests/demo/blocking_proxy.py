"""A proxy of one thought, for the tests of the story: it ends TLS and refuses DELE."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import trio
import trustme

from mailproxy.demo.lines import Ended, Lines
from mailproxy.demo.programs import Endpoint
from mailproxy.demo.story import Endpoints
from mailproxy.demo.world import HOST, Ports

Change = Callable[[bytes], bytes]


@asynccontextmanager
async def blocking_proxy(
    upstream: Ports, folder: Path, change: Change = lambda data: data
) -> AsyncIterator[Endpoints]:
    """``change`` sees what servers say, and may spoil it."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(file)
    async with trio.open_nursery() as nursery:
        endpoints = []
        for port in (upstream.pop3, upstream.imap, upstream.smtp):
            handler = partial(_relay, port, context, change)
            listeners = await nursery.start(partial(trio.serve_tcp, handler, 0, host=HOST))
            endpoints.append(Endpoint(HOST, listeners[0].socket.getsockname()[1], file))
        yield Endpoints(*endpoints)
        nursery.cancel_scope.cancel()


async def _relay(port: int, context: ssl.SSLContext, change: Change, tcp: trio.abc.Stream) -> None:
    client = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
    async with client, await trio.open_tcp_stream(HOST, port) as server, trio.open_nursery() as nursery:
        nursery.start_soon(_pump, server, client, change)
        with suppress(Ended, trio.BrokenResourceError):
            await _commands(Lines(client), client, server)
        nursery.cancel_scope.cancel()


async def _commands(lines: Lines, client: trio.abc.Stream, server: trio.abc.Stream) -> None:
    while True:
        line = await lines.line()
        if line.startswith(b"DELE "):
            await client.send_all(b"-ERR [SYS/PERM] not here\r\n")
        else:
            await server.send_all(line + b"\r\n")


async def _pump(source: trio.abc.ReceiveStream, target: trio.abc.SendStream, change: Change) -> None:
    with suppress(trio.BrokenResourceError):
        async for data in source:
            await target.send_all(change(bytes(data)))
        await target.aclose()

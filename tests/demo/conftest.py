"""An account with two messages, and ways to talk to one embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from mailproxy.demo.mailbox import Account
from mailproxy.demo.story import ServerEars
from mailproxy.demo.world import Ports, servers
from tests.demo.messages import DOTS, PLAIN, Talk


@pytest.fixture
def account() -> Account:
    return Account("user@example.com", "pa ss", [DOTS, PLAIN])


@pytest.fixture
async def ports(account: Account) -> AsyncIterator[Ports]:
    async with servers(account, ServerEars()) as ports:
        yield ports


@pytest.fixture
def talk() -> Talk:
    """Send everything at once (or octet by octet), end, and give all that comes back."""

    async def talk(
        handler: Callable[[trio.abc.Stream], Awaitable[None]], sent: bytes, *, by_octet: bool = False
    ) -> bytes:
        client, server = memory_stream_pair()
        heard = b""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handler, server)
            for piece in [sent[n : n + 1] for n in range(len(sent))] if by_octet else [sent]:
                await client.send_all(piece)
                await wait_all_tasks_blocked()
            await client.send_eof()
            async for data in client:
                heard += data
        return heard

    return talk

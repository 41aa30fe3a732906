"""What the demo knows of kept mail: the proxy's own store, opened beside the running proxy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import trio

from mailproxy.store.kept import KeptRow
from mailproxy.store.store import Store

_Result = TypeVar("_Result")


class KeptMail(Protocol):
    """What of one user's mail is kept.

    Raises:
        StoreError, MemoryFailed: by any method; then nothing has happened.
    """

    async def listing(self) -> Sequence[KeptRow]:
        """What ``mailproxy kept list --user`` asks."""
        ...

    async def restore(self) -> int:
        """What ``mailproxy kept restore --all`` does; returns how many messages that were."""
        ...


class KeptInStore:
    """See :class:`KeptMail`. Each call opens the store and closes it, as each command does."""

    def __init__(self, url: str, user: str) -> None:
        self._url = url
        self._user = user

    async def listing(self) -> Sequence[KeptRow]:
        return await trio.to_thread.run_sync(self._ask, lambda store: store.kept.listing(self._user))

    async def restore(self) -> int:
        return await trio.to_thread.run_sync(self._ask, lambda store: store.kept.restore(self._user))

    def _ask(self, question: Callable[[Store], _Result]) -> _Result:
        store = Store(self._url)
        try:
            return question(store)
        finally:
            store.close()

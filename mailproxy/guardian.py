"""What sessions are guarded with: the store, the guards over it, and what operators have lifted.

One for a process. The store is opened at the start, so that a proxy that could not
remember what it keeps does not serve at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import trio

from mailproxy.archive.maildir import MaildirArchive
from mailproxy.config import Config
from mailproxy.config.store import store_url
from mailproxy.events import Event
from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Memory, MemoryFailed
from mailproxy.record.log import Log
from mailproxy.record.usage import UsageSink
from mailproxy.rules.lifts import lifted
from mailproxy.session.verdict import Judge
from mailproxy.store.store import Store

_LIFT_SECONDS = 1.0  # so late may a lift come into force


class Guardian:
    """Holds the store of one running proxy.

    Raises:
        StoreError: the store cannot be opened.
    """

    def __init__(self, config: Config, log: Log, now: Callable[[], float] = time.time) -> None:
        self._log = log
        self._now = now
        self._store = Store(store_url(config, os.environ))
        self._lifts: dict[tuple[str, str], float] = {}
        self._failing = False
        archive = MaildirArchive(config.state / "archive", self._store.archive)
        self.guards = guard_maker(Memory(self._store.kept, self._store.brakes, archive), now)
        self._usage = UsageSink(self._store, log.tell, now)

    def judge(self, judge: Judge) -> Judge:
        """The same rules, with what operators have lifted."""
        return lifted(judge, self._is_lifted)

    def _is_lifted(self, rule: str, user: str) -> bool:
        return self._lifts.get((rule, user), 0.0) > self._now()

    def session(
        self, protocol: str, upstream: str, client: str, onward: Callable[[Event], None]
    ) -> Callable[[Event], None]:
        """The ``emit`` of one session: what is to be remembered of it goes to the store, too."""
        return self._usage.session(protocol, upstream, client, onward)

    async def run(self) -> None:
        """Looks after the store, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._usage.run)
            nursery.start_soon(self._follow_lifts)

    async def _follow_lifts(self) -> None:
        while True:
            try:
                active = await trio.to_thread.run_sync(
                    self._store.lifts.active, self._now(), abandon_on_cancel=True
                )
                self._lifts = {(lift.rule, lift.user): lift.until for lift in active}
                self._failing = False
            except MemoryFailed as error:  # what was lifted stays so until its time is over
                if not self._failing:
                    self._log.say("store_failed", "error", cause=str(error))
                self._failing = True
            await trio.sleep(_LIFT_SECONDS)

    def close(self) -> None:
        """Writes down what waits, and closes the store. No session is open any more."""
        self._usage.flush()
        self._store.close()

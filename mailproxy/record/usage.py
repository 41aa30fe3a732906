"""Listens to all sessions: who reads a mailbox, who deletes from it, and how full it is.

A session pays a look at the kind of each event, and a place in a queue for the few that count.
A second later they are written down together, in another thread. When the store fails,
that is said, and mail goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import trio

from mailproxy.events import (
    Deleted,
    Event,
    ExpireZero,
    GmailPop,
    LoggedIn,
    MailboxSeen,
    OverQuota,
    QuotaSeen,
    UsageLost,
)
from mailproxy.guards.memory import MemoryFailed
from mailproxy.record.bookkeeper import Bookkeeper, Seen, UsageStore

_EVERY_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 60.0  # that events were dropped
_QUEUE = 10_000  # events; what a session sees is small

_OF_A_USER = frozenset({Deleted, MailboxSeen, QuotaSeen, OverQuota})
_ONCE_A_DAY = frozenset({ExpireZero, GmailPop})  # else each session would say it
_COUNTS = _OF_A_USER | _ONCE_A_DAY | {LoggedIn}


class UsageSink:
    """The events of all sessions, on their way to the store.

    ``tell`` logs what was found; it is called in the thread of Trio only. ``now`` gives seconds
    since 1970-01-01 UTC.
    """

    def __init__(
        self,
        store: UsageStore,
        tell: Callable[[Event], None],
        now: Callable[[], float] = time.time,
        limit: int = _QUEUE,
    ) -> None:
        self._books = Bookkeeper(store)
        self._tell = tell
        self._now = now
        self._limit = limit
        self._queue: list[Seen] = []
        self._dropped = 0
        self._said_dropped = float("-inf")
        self._failing = False

    def session(
        self, protocol: str, upstream: str, client_ip: str, onward: Callable[[Event], None]
    ) -> Callable[[Event], None]:
        """The ``emit`` of one session. ``upstream`` is the name that rules use for it.

        Every event goes ``onward`` to the log, but for those that are told once a day.
        """
        user = ""

        def emit(event: Event) -> None:
            nonlocal user
            kind = type(event)
            if kind in _COUNTS:
                if isinstance(event, LoggedIn):
                    user = event.user
                if kind in _ONCE_A_DAY or (user and (kind in _OF_A_USER or protocol == "imap")):
                    self._put(Seen(protocol, upstream, user, client_ip, event))
                if kind in _ONCE_A_DAY:
                    return
            onward(event)

        return emit

    def _put(self, seen: Seen) -> None:
        if len(self._queue) < self._limit:
            self._queue.append(seen)
        else:
            self._dropped += 1

    async def run(self) -> None:
        """Writes down once a second what has come, until cancelled. Call :meth:`flush` afterwards."""
        while True:
            await trio.sleep(_EVERY_SECONDS)
            if batch := self._taken():
                self._say(batch, *await trio.to_thread.run_sync(self._enter, batch))

    def flush(self) -> None:
        """Writes down what waits, and waits for it: for the end, when nobody is served any more."""
        if batch := self._taken():
            self._say(batch, *self._enter(batch))

    def _taken(self) -> Sequence[Seen]:
        batch, self._queue = self._queue, []
        return batch

    def _enter(self, batch: Sequence[Seen]) -> tuple[list[Event], Exception | None]:
        found: list[Event] = []
        try:
            for finding in self._books.enter(batch, self._now()):
                found.append(finding)
        except Exception as error:  # whatever it is, it must not end the proxy
            return found, error
        return found, None

    def _say(self, batch: Sequence[Seen], found: Sequence[Event], error: Exception | None) -> None:
        for event in found:
            self._tell(event)
        if error is not None and not self._failing:
            self._tell(UsageLost(len(batch), _cause(error)))
        self._failing = error is not None
        if self._dropped and self._now() - self._said_dropped >= _SAY_AGAIN_SECONDS:
            self._tell(UsageLost(self._dropped, "more came at once than can be held"))
            self._dropped, self._said_dropped = 0, self._now()


def _cause(error: Exception) -> str:
    """Only of our own errors it is certain that their text holds no secret."""
    if isinstance(error, MemoryFailed):
        return str(error)
    return f"an error inside the proxy: {type(error).__name__}"

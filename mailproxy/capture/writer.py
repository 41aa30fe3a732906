"""Captures on their way to the disk, in a thread of their own: a bad disk costs captures, never mail.

The proxy's thread puts packets into a bounded queue and goes on. The writer's thread takes
them, many at a time. What does not fit is lost, counted, and a gap in the sequence numbers.
When the disk fails, what is in the queue stays there until it works again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeVar

from mailproxy.capture.captured import SLOW, Address, Connection
from mailproxy.capture.direct import Write
from mailproxy.capture.files import Files, Options
from mailproxy.capture.leg import BODY_OCTETS
from mailproxy.capture.waiting import Blocks, Item, Waiting

__all__ = ["CaptureWriter", "Connection", "Options"]

_HELD = 16 * 1024 * 1024  # octets that all connections together may hold back, to write more at once …
_MOST_HELD = 1_000_000  # … and each of them
RETRY = 5.0  # seconds between two attempts at a disk that fails
_LOOK = 1.0  # seconds after which time limits are looked at, when nothing comes
_PORTS = {"pop3": 110, "imap": 143, "smtp": 25}  # what Wireshark dissects as such
_LARGEST_TIME = 2**64 - 1
_Told = TypeVar("_Told")


class CaptureWriter:
    """Makes connections, and writes them to files.

    ``failed`` (why) and ``recovered`` (octets lost) are called once for each time that captures
    cannot be written, from the writer's thread. ``why`` is the cause while that lasts, else "".
    ``failures`` counts attempts that failed. ``connection``, and what it returns, belong to one thread.
    """

    def __init__(
        self,
        options: Options,
        failed: Callable[[str], None],
        recovered: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
        write: Write = os.writev,
    ) -> None:
        self.failures = 0
        self.why = ""
        self.patience = _MOST_HELD
        self._failed = failed
        self._recovered = recovered
        self._clock = clock
        self._per_session = options.per_session
        self._waiting = Waiting(options.queue_octets)
        self._files = Files(options, clock, write=write)
        self._last = 0  # nanoseconds: times never run backwards in a file
        self._open: Counter[str] = Counter()  # connections of a session
        self._ends: set[tuple[Address, Address]] = set()
        self._dropped = 0  # octets, by the proxy's thread
        self._given_up = 0  # octets, by the writer's
        self._seen = 0  # octets that were dropped, when the writer's thread looked last
        self._told = 0  # octets that were lost, when it said so last
        self._retry: float | None = None  # when the next attempt is due, if the last one failed
        self._calm = 0.0  # when it is over, if nothing more is dropped till then
        self._pending: Sequence[Item] = ()
        self._thread = threading.Thread(target=self._run, name="captures", daemon=True)
        self._thread.start()

    @property
    def lost_octets(self) -> int:
        """Octets of dialogues that are in no file."""
        return self._dropped + self._given_up

    def connection(
        self,
        session: str,
        protocol: str,
        leg: Literal["client", "server"],
        client: Address,
        server: Address,
    ) -> Connection:
        """One leg. ``server`` gets the protocol's plaintext port. Nothing is written before ``open``."""
        there = (server[0], _PORTS[protocol])
        return Connection(self, self._waiting, session, protocol, int(leg == "server"), client, there)

    def close(self, seconds: float) -> None:
        """Writes what waits, and finishes the files, in at most so many seconds."""
        end = time.monotonic() + seconds
        self._waiting.close()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._given_up += self._waiting.left() + _payload(self._pending)
            self.why = self.why or "the disk did not take what was left"
            return
        self._files.close(end - time.monotonic())

    # -- for connections, in the proxy's thread ---------------------------------------------

    def moment(self, time: float) -> int:
        """Nanoseconds since 1970, never before those of the last packet."""
        self._last = min(max(self._last, int(time * 1e9)), _LARGEST_TIME)
        return self._last

    def lost(self, octets: int) -> None:
        """They did not fit."""
        self._dropped += octets

    def opened(self, session: str, client: Address, server: Address) -> Address:
        """One more leg of the session; the client's address and port as they are to be written.

        Two listeners are one port in the file, so two clients could be one: the second gets another port.
        """
        while (client, server) in self._ends:
            client = (client[0], client[1] % 0xFFFF + 1)
        self._ends.add((client, server))
        self._share()
        self._open[session] += 1
        return client

    def closed(self, session: str, client: Address, server: Address) -> None:
        """One leg less; with the last one the session's file is finished."""
        self._ends.discard((client, server))
        self._share()
        self._open[session] -= 1
        if not self._open[session]:
            del self._open[session]
            if self._per_session:
                self._waiting.over(session)

    def _share(self) -> None:
        self.patience = max(BODY_OCTETS, min(_MOST_HELD, _HELD // (len(self._ends) or 1)))

    # -- the writer's thread ----------------------------------------------------------------

    def _run(self) -> None:
        while True:
            closed = self._waiting.closed
            if not self._pending:
                self._pending = self._waiting.take(_LOOK)
            if closed and not self._pending:
                return
            if self._pending and (closed or self._retry is None or self._clock() >= self._retry):
                self._attempt()
            elif self._pending:
                self._waiting.pause(_LOOK)
            if closed:
                self._give_up()
            self._files.tick()
            self._look_for_losses()

    def _attempt(self) -> None:
        try:
            done, trouble = self._files.write(self._pending, self._waiting.crowded)
        except Exception as error:  # whatever it is: without this thread nothing would be written any more
            self._give_up()
            self._fail(f"a flaw of mailproxy: {type(error).__name__}")
            return
        self._waiting.written(self._pending[:done])
        self._pending = self._pending[done:]
        self._retry = None
        if trouble is not None:
            self._retry = self._clock() + RETRY
            self._fail(f"{trouble.strerror or trouble}")

    def _give_up(self) -> None:
        self._waiting.written(self._pending)
        self._given_up += _payload(self._pending)
        self._pending = ()

    def _look_for_losses(self) -> None:
        now = self._clock()
        if self._dropped > self._seen:
            self._seen, self._calm = self._dropped, now + RETRY
            if not self.why:
                self._fail(SLOW)
        elif self.why and self._retry is None and now >= self._calm:
            self.why = ""
            lost, self._told = self.lost_octets - self._told, self.lost_octets
            self._say(self._recovered, lost)

    def _fail(self, why: str) -> None:
        self.failures += 1
        first, self.why = not self.why, why
        if first:
            self._say(self._failed, why)

    def _say(self, callback: Callable[[_Told], None], told: _Told) -> None:
        with suppress(Exception):  # a caller's flaw must not end this thread
            callback(told)


def _payload(items: Sequence[Item]) -> int:
    return sum(item.payload for item in items if isinstance(item, Blocks))

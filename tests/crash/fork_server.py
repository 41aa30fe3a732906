"""A process that forks proxies, so that each has loaded its modules before it begins.

A request is a line of JSON on standard input: ``config`` (a file), ``fault``, and ``place`` (where the
proxy is killed) or ``lines`` (a file for the lines that it executes from QUIT on). The answers are
lines of JSON, too: ``pid`` and ``port`` when it listens, ``error`` when it cannot go on,
and ``ended``, what ``os.waitpid`` tells of it. One at a time. A proxy ends by itself when its first
session is over; a clock that it cannot stop ends it in any case.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from mailproxy.app import Proxy
from mailproxy.config import load
from mailproxy.events import Event, SessionEnded
from mailproxy.guards.pop3 import Pop3Guard
from mailproxy.record.log import Log
from mailproxy.session.guard import Dialogue
from tests.crash.faults import FAULTS
from tests.crash.places import Killer, Line, Place, Tracer

LONGEST_SECONDS = 60


class WatchedLog(Log):
    """Calls ``over`` when a session has ended."""

    over: Callable[[], None]

    def session(self, id: str, **facts: object) -> Callable[[Event], None]:
        emit = super().session(id, **facts)

        def watched(event: Event) -> None:
            emit(event)
            if isinstance(event, SessionEnded):
                self.over()

        return watched


def main() -> None:
    """Until standard input ends."""
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.alarm(LONGEST_SECONDS)
            live(json.loads(line))
        say(ended=os.waitpid(pid, 0)[1])


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def live(request: dict[str, Any]) -> None:
    """The life of one proxy. Never returns."""
    try:
        FAULTS[request["fault"]]()
        lines: list[Line] = []
        ends: list[int] = []  # how many lines there were when the session ended
        place = Place(*request["place"]) if "place" in request else None
        tracer = Tracer(Killer(place), place.file) if place else Tracer(lines.append)
        trace_quit(tracer)
        serve(Path(request["config"]), lambda: ends.append(len(lines)))
        tracer.stop()
        if "lines" in request:
            Path(request["lines"]).write_text(json.dumps({"lines": lines, "session": ends[0]}))
    except BaseException:
        say(error=traceback.format_exc())
        os._exit(1)
    os._exit(0)


def trace_quit(tracer: Tracer) -> None:
    """The tracer is armed when the first QUIT is looked at."""
    quit = Pop3Guard._quit

    def armed(guard: Pop3Guard) -> Dialogue:
        tracer.arm()
        return quit(guard)

    Pop3Guard._quit = armed  # type: ignore[method-assign, assignment]


def serve(file: Path, ended: Callable[[], None]) -> None:
    """Run the proxy until its first session has ended; then it is told, and stops."""

    def over() -> None:
        ended()
        proxy.stop()

    config = load(file)
    log = WatchedLog(config.log.file)
    proxy = Proxy(config, log)
    log.over = over
    trio.run(run, proxy)
    log.close()


async def run(proxy: Proxy) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(proxy.run)
        (_, port), *_ = proxy.addresses.values()
        say(pid=os.getpid(), port=port)


if __name__ == "__main__":
    main()

"""Plays scripts many times, one after another or several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import trio

from mailproxy.replay.client import Target, replay
from mailproxy.replay.client_player import Manner
from mailproxy.replay.compare_report import Report
from mailproxy.replay.script import Script


async def play_times(
    scripts: Sequence[Script],
    target: Target,
    manner: Manner,
    report: Report,
    *,
    times: int = 1,
    at_once: int = 1,
    played: Callable[[], None] = lambda: None,
) -> None:
    """Play each script ``times`` times over at most ``at_once`` connections, into ``report``.

    Once a play fails (no connection, no login, no reply), no other one is begun: a server that has
    refused one login must not be asked a hundred times. ``played`` is called behind each.
    """
    waiting = (script for _ in range(times) for script in scripts)
    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(_play_waiting, waiting, target, manner, report, played)


async def _play_waiting(
    waiting: Iterator[Script], target: Target, manner: Manner, report: Report, played: Callable[[], None]
) -> None:
    for script in waiting:
        if report.failures:
            return
        report.add(await replay(script, target, manner))
        played()

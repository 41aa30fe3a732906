"""Many plays: how many at once, and when no more are begun."""

from __future__ import annotations

import trio

from mailproxy.replay.client import Target
from mailproxy.replay.client_account import Secrets
from mailproxy.replay.client_player import Manner
from mailproxy.replay.client_times import play_times
from mailproxy.replay.compare_report import Report
from mailproxy.tls.transport import Transport
from tests.net.fake_server import Fake, serving
from tests.replay.client_scene import script
from tests.replay.test_client import no_tls

SCRIPT = script("smtp", "S: 220 x\nC: QUIT\nS: 221 x")


class Counting:
    """A server that lets nobody go before so many are there."""

    def __init__(self, together: int) -> None:
        self.all = self.open = self.most = 0
        self._together = together
        self._there = trio.Event()

    async def serve(self, transport: Transport, fake: Fake) -> None:
        self.all += 1
        self.open += 1
        self.most = max(self.most, self.open)
        if self.open == self._together:
            self._there.set()
        await self._there.wait()
        await transport.send(b"220 x\r\n")
        await transport.readable()
        self.open -= 1
        await transport.send(b"221 x\r\n")


async def plays(server: Counting, times: int, at_once: int) -> tuple[Report, int]:
    report, seen = Report(Secrets(None)), list[int]()
    async with serving(server.serve) as fake:
        target = Target("127.0.0.1", fake.port, "none", no_tls)
        await play_times(
            [SCRIPT], target, Manner(), report, times=times, at_once=at_once, played=lambda: seen.append(1)
        )
    return report, len(seen)


async def test_one_after_another() -> None:
    server = Counting(1)
    report, seen = await plays(server, 5, 1)
    assert (report.plays, seen, server.most) == (5, 5, 1)
    assert report.same


async def test_several_at_once() -> None:
    server = Counting(3)
    report, seen = await plays(server, 9, 3)
    assert (report.plays, seen, server.most) == (9, 9, 3)


async def test_a_failure_is_the_last_play() -> None:
    tries = list[int]()

    async def busy(transport: Transport, fake: Fake) -> None:
        tries.append(1)
        await transport.send(b"421 busy\r\n")

    report = Report(Secrets(None))
    async with serving(busy) as fake:
        target = Target("127.0.0.1", fake.port, "none", no_tls)
        await play_times([SCRIPT], target, Manner(), report, times=50)
    assert len(tries) == 1
    assert list(report.failures) == ["the server does not take connections now: 421 busy; try again later"]

"""Lanes that run, and certificates."""

from __future__ import annotations

import pytest
import trio

from mailproxy.net.lane import EpollLane, Lane, TaskLane
from tests.net.peers import Tls, make_tls


@pytest.fixture(params=[EpollLane, TaskLane])
async def lane(request: pytest.FixtureRequest, nursery: trio.Nursery) -> Lane:
    """Each kind of lane, while it runs."""
    lane: Lane = request.param()
    nursery.start_soon(lane.run)
    return lane


@pytest.fixture(scope="session")
def tls() -> Tls:
    """One authority for all tests of this folder."""
    return make_tls()

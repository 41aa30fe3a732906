"""The time of the capture."""

from __future__ import annotations

import pytest

from mailproxy.whatif.clock import Clock


def test_it_goes_on_and_never_back() -> None:
    clock = Clock()
    clock.start(100.0)
    clock.move(90.0)
    assert clock.now() == 100.0
    clock.move(110.5)
    assert clock.now() == 110.5
    clock.start(50.0)
    assert clock.date().isoformat() == "1970-01-01T00:00:50+00:00"


@pytest.mark.parametrize(("seconds", "year"), [(1e30, 9999), (-1e30, 1970)])
def test_times_that_no_calendar_has(seconds: float, year: int) -> None:
    clock = Clock()
    clock.start(seconds)
    clock.move(seconds)
    assert clock.date().year == year

"""Quantiles of any number of times."""

from __future__ import annotations

import math
import random

import pytest

from mailproxy.capture.histogram import Histogram


def test_nothing() -> None:
    histogram = Histogram()
    assert (histogram.count, histogram.quantile(0.5), histogram.longest) == (0, 0.0, 0.0)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.95, 1.0])
def test_quantiles_are_right_to_five_percent(part: float) -> None:
    dice = random.Random(7)
    times = sorted(dice.lognormvariate(-5, 2) for _ in range(2000))
    histogram = Histogram()
    for time in dice.sample(times, len(times)):
        histogram.add(time)
    exact = times[max(0, math.ceil(part * len(times)) - 1)]
    assert histogram.quantile(part) == pytest.approx(exact, rel=0.05)
    assert (histogram.shortest, histogram.longest) == (times[0], times[-1])


def test_one_time_is_exact() -> None:
    histogram = Histogram()
    histogram.add(0.1234)
    assert histogram.quantile(0.5) == 0.1234


def test_odd_times() -> None:
    histogram = Histogram()
    for time in (-5.0, 0.0, math.inf, math.nan):
        histogram.add(time)
    assert histogram.count == 3
    assert histogram.shortest == 0.0
    assert histogram.quantile(0.5) <= 1e-6
    assert math.isfinite(histogram.quantile(1.0))

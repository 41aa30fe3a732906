"""Times summed up in memory that does not grow with how many there are."""

from __future__ import annotations

import math

_STEP = math.log(1.05)  # neighbouring steps are 5 % apart: so exact are the quantiles
_SHORTEST = 1e-7  # seconds; what is shorter counts as this
_LONGEST = 1e7


class Histogram:
    """Counts durations, in seconds. There are at most 662 steps."""

    __slots__ = ("_steps", "count", "longest", "shortest")

    def __init__(self) -> None:
        self.count = 0
        self.shortest = 0.0
        self.longest = 0.0
        self._steps: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """One more; what is below 0 counts as 0 (clocks are set back), what is no number is left out."""
        if math.isnan(seconds):
            return
        seconds = min(max(seconds, 0.0), _LONGEST)
        self.shortest = min(self.shortest, seconds) if self.count else seconds
        self.longest = max(self.longest, seconds)
        self.count += 1
        step = math.floor(math.log(max(seconds, _SHORTEST)) / _STEP)
        self._steps[step] = self._steps.get(step, 0) + 1

    def quantile(self, part: float) -> float:
        """So long or shorter was this part of them (0 to 1), to 5 %; 0 when there are none."""
        rank = max(1, math.ceil(part * self.count))
        for step in sorted(self._steps):
            rank -= self._steps[step]
            if rank <= 0:
                return min(max(math.exp((step + 0.5) * _STEP), self.shortest), self.longest)
        return 0.0

"""Waiting for something that another process does, with a deadline and a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.02


def until(look: Callable[[], T | None], what: str, seconds: float = 30.0) -> T:
    """Call ``look`` until it gives something true, and give that back.

    Raises AssertionError naming ``what`` when ``seconds`` have passed. The
    deadline is only how long a broken program may hold up the run: no passing
    test waits for it.
    """
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:g} s still no {what}")
        time.sleep(PAUSE_SECONDS)

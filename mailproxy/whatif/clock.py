"""The time of the capture, for rules and guards that ask what time it is."""

from __future__ import annotations

from datetime import UTC, datetime

_LAST = 253_402_300_799.0  # the end of the year 9999: a file may say anything


class Clock:
    """``seconds`` since 1970. It never goes back within a session."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def start(self, seconds: float) -> None:
        """A session begins at this time."""
        self.seconds = min(max(seconds, 0.0), _LAST)

    def move(self, seconds: float) -> None:
        """It goes on."""
        self.seconds = max(self.seconds, min(seconds, _LAST))

    def now(self) -> float:
        return self.seconds

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

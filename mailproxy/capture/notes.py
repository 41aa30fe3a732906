"""What people are told about a file: one line for each kind of oddity, however often it occurs."""

from __future__ import annotations

from mailproxy.capture.model import Tally

_MOST = 32  # kinds; a file can name 2^16 link types


class Notes:
    """Keeps its lines in ``tally.notes`` up to date; other lines there are left alone."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._seen: dict[str, tuple[int, int, int]] = {}  # line, first frame, how often

    def add(self, what: str, frame: int) -> None:
        """``what`` happened, in packet number ``frame`` of the file."""
        if what not in self._seen and len(self._seen) >= _MOST:
            what = "other oddities"
        if what not in self._seen:
            self._seen[what] = len(self.tally.notes), frame, 1
            self.tally.notes.append(f"{what}: in frame {frame}")
            return
        line, first, times = self._seen[what]
        self._seen[what] = line, first, times + 1
        self.tally.notes[line] = f"{what}: {times + 1} times, first in frame {first}"

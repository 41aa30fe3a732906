from __future__ import annotations

from mailproxy.capture.model import Tally
from mailproxy.capture.notes import Notes


def test_one_line_for_each_kind():
    tally = Tally(notes=["what was there"])
    notes = Notes(tally)
    for what, frame in [("a gap", 3), ("a lie", 5), ("a gap", 8), ("a gap", 9)]:
        notes.add(what, frame)
    assert tally.notes == ["what was there", "a gap: 3 times, first in frame 3", "a lie: in frame 5"]


def test_is_bounded():
    tally = Tally()
    notes = Notes(tally)
    for number in range(1000):
        notes.add(f"kind {number}", number)
    assert len(tally.notes) == 33
    assert tally.notes[-1] == "other oddities: 968 times, first in frame 32"

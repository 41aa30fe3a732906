"""What must hold for every file, whatever is in it."""

from __future__ import annotations

from pathlib import Path

from mailproxy.capture.model import CaptureError, Closed, Hole, Octets, Opened, StreamEvent, Tally
from mailproxy.capture.reading import read_streams

_WINDOW = (1 << 30) + (
    1 << 24
)  # no hole is larger: a segment this far ahead, and what was not captured of it


def check(path: Path) -> list[StreamEvent]:
    """Reads the file to its end, or its damage. Events are in order, and no more than is there."""
    tally = Tally()
    found: list[StreamEvent] = []
    damage = ""
    try:
        for event in read_streams(path, tally):
            found.append(event)
    except CaptureError as error:
        damage = str(error)
    assert not damage or damage.startswith(f"{path}: ")
    _check_order(found, was_damaged=bool(damage))
    _check_sizes(found, tally, path.stat().st_size)
    return found


def _check_order(found: list[StreamEvent], *, was_damaged: bool) -> None:
    opened, closed = 0, set()
    for event in found:
        number = event.stream.number
        if isinstance(event, Opened):
            assert number == opened
            opened += 1
        assert number < opened
        assert number not in closed
        if isinstance(event, Closed):
            closed.add(number)
    assert was_damaged or len(closed) == opened


def _check_sizes(found: list[StreamEvent], tally: Tally, size: int) -> None:
    octets = 0
    for event in found:
        if isinstance(event, Octets):
            assert event.data
            octets += len(event.data)
        elif isinstance(event, Hole):
            assert 0 < event.octets <= _WINDOW
    assert tally.octets <= size
    assert tally.packets + octets <= max(size, 1) * 1040  # 1032 is the most that gzip packs into one
    assert len(found) <= 5 * tally.packets
    assert len(tally.notes) < 40

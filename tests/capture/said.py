"""What our own reader finds in a capture file, one text for each thing."""

from __future__ import annotations

from pathlib import Path

from mailproxy.capture.model import Closed, Hole, Noted, Octets, Opened
from mailproxy.capture.reading import read_streams


def events(path: Path) -> list[str]:
    """Octets that follow on each other are put together."""
    told: list[str] = []
    for event in read_streams(path):
        match event:
            case Opened():
                told.append(f"open {event.stream.client} {event.stream.server} {event.stream.interface}")
            case Octets():
                text = f"{event.side.name} {event.data.decode('latin-1')}"
                same = told and told[-1].split(" ")[0] == event.side.name
                if same and not event.comments:
                    told[-1] += event.data.decode("latin-1")
                else:
                    told.append(text)
            case Hole():
                told.append(f"hole {event.side.name} {event.octets}")
            case Closed():
                told.append(f"closed {event.how}")
            case Noted():
                pass
        told += [f"comment {comment}" for comment in getattr(event, "comments", ())]
    return told

"""Packets of a body put together: parsing a message packet by packet costs more than reading the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailproxy.capture.model import Octets, StreamEvent

MOST_OCTETS = 131_072  # of a run, so that memory stays bounded

Run = list[Octets]
"""What one side said in packets that stand behind each other; comments are on the last one alone."""


def in_runs(events: Iterable[StreamEvent]) -> Iterator[StreamEvent | Run]:
    """The same events, with octets in runs."""
    run: Run = []
    octets = 0
    for event in events:
        if isinstance(event, Octets):
            if run and (event.stream is not run[0].stream or event.side is not run[0].side):
                yield run
                run, octets = [], 0
            run.append(event)
            octets += len(event.data)
            if event.comments or octets >= MOST_OCTETS:
                yield run
                run, octets = [], 0
            continue
        if run:
            yield run
            run, octets = [], 0
        yield event
    if run:
        yield run

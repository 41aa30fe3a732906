"""The messages that passed in conversations, collected."""

from __future__ import annotations

from collections.abc import Iterable

from mailproxy.capture.conversations import Item
from mailproxy.capture.eml_files import messages_in
from mailproxy.capture.messages import Finished, Message, Missing, Piece


def passed(items: Iterable[Item]) -> list[tuple[Message, bytes]]:
    """Each message with its octets, as it was finished; ``<gap 5>`` stands where octets are missing."""
    open_: dict[Message, bytes] = {}
    found = []
    for one in messages_in(items, partial=True):
        event = one.event
        if isinstance(event, Piece):
            open_[event.message] = open_.get(event.message, b"") + event.data
        elif isinstance(event, Missing):
            open_[event.message] = open_.get(event.message, b"") + b"<gap %d>" % event.octets
        elif isinstance(event, Finished):
            found.append((event.message, open_.pop(event.message, b"")))
    assert open_ == {}, "whatever begins is finished"
    return found

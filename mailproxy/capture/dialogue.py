"""A conversation as a dialogue for people: lines in the order in which they were said.

Lines come out as the octets go in; of messages nothing is held but the beginning of their header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.remark_text import in_words
from mailproxy.capture.spoken import Line, Voice

__all__ = ["NOTE", "Dialogue", "Line", "introduction", "kind_of"]

NOTE = "note"


class Dialogue:
    """``full``: messages are not folded. ``secrets``: they are shown, and unread octets too."""

    def __init__(self, *, full: bool = False, secrets: bool = False) -> None:
        self._full = full
        self._secrets = secrets
        self._open: dict[int, Voice] = {}

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """What the items say. Raises what ``items`` raises."""
        for item in items:
            conversation = item.conversation
            if isinstance(item, Said):
                yield from self._open[conversation.number].said(item.part)
            elif isinstance(item, Began):
                self._open[conversation.number] = Voice(conversation, full=self._full, secrets=self._secrets)
                yield Line(conversation, item.time, None, "session", introduction(conversation))
            elif isinstance(item, Remarked):
                yield from self._remarked(item)
            else:
                yield from self._ended(item)

    def _remarked(self, item: Remarked) -> Iterator[Line]:
        text = in_words(item.remark)
        if not text:
            return
        kind = kind_of(item.remark)
        more = {"word": item.remark.word, **item.remark.fields}
        yield Line(item.conversation, item.time, None, kind, text, frame=item.frame, more=more)

    def _ended(self, item: Ended) -> Iterator[Line]:
        yield from self._open.pop(item.conversation.number).finish(item.time)
        yield Line(
            item.conversation, item.time, None, NOTE, _HOW.get(item.how, item.how), more={"how": item.how}
        )


def kind_of(remark: Remark) -> str:
    """The kind of the line with this remark."""
    return "verdict" if remark.word in ("verdict", "would_have") else NOTE


_HOW = {
    "fin": "the connection was closed",
    "rst": "the connection was reset",
    "cut": "the capture ends here",
}


def introduction(conversation: Conversation) -> str:
    """Number, protocol, time and ends of a conversation."""
    stream = conversation.stream
    words = [f"session {conversation.number}", conversation.protocol]
    if conversation.leg:
        words.append(f"the {conversation.leg}'s leg of {conversation.session}")
    words.append(_time(conversation.started))
    words.append(f"{stream.client} → {stream.server}")
    if conversation.tls:
        words.append("TLS from the start")
    return ", ".join(words)


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # anybody may have written the file
        return "at an impossible time"

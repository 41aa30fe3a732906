"""The conversations of a capture as text, one behind the other, however they were mixed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO

from mailproxy.capture.conversations import Began, Ended, Item, Said
from mailproxy.capture.described import moment
from mailproxy.capture.transcript import Transcript, escaped

_IN_MEMORY = 262_144  # octets of the text of a conversation that is not over
_PIECE = 65_536


def transcripts(items: Iterable[Item]) -> Iterator[str]:
    """Pieces of text, see :mod:`~mailproxy.capture.transcript`; a conversation comes when it is over.

    Raises what ``items`` raises, and OSError when there is no room for temporary files.
    """
    with ExitStack() as stack:
        open_: dict[int, tuple[IO[str], Transcript]] = {}
        stack.callback(_close, open_)
        for item in items:
            number = item.conversation.number
            if isinstance(item, Began):
                open_[number] = _spooled(), Transcript()
            elif isinstance(item, Said):
                text, transcript = open_[number]
                text.write(transcript.said(item.part))
            elif isinstance(item, Ended):
                text, transcript = open_.pop(number)
                with text:
                    text.write(transcript.finish())
                    text.seek(0)
                    yield _heading(item)
                    while piece := text.read(_PIECE):
                        yield piece
                    yield "\n"


def _heading(ended: Ended) -> str:
    conversation = ended.conversation
    of = conversation.stream
    words = [
        f"# session {conversation.number}: {conversation.protocol}, {of.client} to {of.server}",
        moment(conversation.started),
    ]
    if ended.user:
        words.append(f"user {escaped(ended.user.encode('utf-8', 'backslashreplace'))}")
    return ", ".join(words) + "\n"


def _spooled() -> IO[str]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="", prefix="mailproxy-")


def _close(open_: dict[int, tuple[IO[str], Transcript]]) -> None:
    for text, _ in open_.values():
        text.close()

"""The messages of a capture as files of their own, in one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Said
from mailproxy.capture.messages import (
    Finished,
    Message,
    MessageEvent,
    MessageReader,
    Piece,
    Started,
    message_reader,
)
from mailproxy.capture.new_file import NewFile

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Found:
    """Something about a message of this conversation."""

    conversation: Conversation
    event: MessageEvent


@dataclass(frozen=True, slots=True)
class Written:
    """A message that is in a file now."""

    conversation: Conversation
    message: Message
    file: str


def messages_in(items: Iterable[Item], partial: bool = False) -> Iterator[Found]:
    """All messages of these conversations; with ``partial`` also what is only a part of one.

    Raises what ``items`` raises.
    """
    readers: dict[int, MessageReader] = {}
    for item in items:
        conversation = item.conversation
        events: list[MessageEvent] = []
        if isinstance(item, Began):
            readers[conversation.number] = message_reader(conversation.protocol)
        elif isinstance(item, Said):
            events = readers[conversation.number].said(item.part)
        elif isinstance(item, Ended):
            events = readers.pop(conversation.number).ended()
        for event in events:
            if partial or not event.message.partial:
                yield Found(conversation, event)


def eml_name(conversation: Conversation, message: Message) -> str:
    """``0002-0003-retr-7.eml``: session, number in it, command, and its number or UID at the server.

    What is only a part of a message ends in ``.partial.eml``, what is not all there in ``.incomplete.eml``.
    """
    named = _UNSAFE.sub("_", f"uid{message.uid}" if message.uid else message.id)[:_LONGEST_ID]
    words = (f"{conversation.number:04}", f"{message.number:04}", message.verb.lower(), named)
    state = "" if message.whole else ".incomplete"
    return "-".join(word for word in words if word) + (".partial" if message.partial else "") + state + ".eml"


def write_files(found: Iterable[Found], folder: Path) -> Iterator[Written]:
    """Writes each message to a new file in ``folder``, its octets and no others; nothing is overwritten.

    Raises:
        OSError: a file is there already, or cannot be written. The files before it stay.
    """
    with ExitStack() as stack:
        files: dict[Message, NewFile] = {}
        stack.callback(_discard, files)
        for one in found:
            message = one.event.message
            if isinstance(one.event, Started):
                files[message] = NewFile(folder / f"{one.conversation.number:04}-{message.number:04}")
            elif isinstance(one.event, Piece):
                files[message].write(one.event.data)
            elif isinstance(one.event, Finished):
                name = eml_name(one.conversation, message)
                files[message].keep(folder / name)
                del files[message]
                yield Written(one.conversation, message, name)


def _discard(files: dict[Message, NewFile]) -> None:
    for file in files.values():
        file.discard()

"""Plays the session to a dialogue that archives: what a server says goes to its sinks in pieces."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mailproxy.guards.memory import MemoryFailed, Message, Writing
from mailproxy.session.guard import Answer, Ask, Do, Step

Value = TypeVar("Value")

Server = Callable[[bytes], tuple[list[bytes], bytes]]
"""Takes a line of ours; gives untagged responses (or a POP3 body) whole, and the status line without CRLF."""


@dataclass
class Driven(Generic[Value]):
    """``asked`` are our lines, ``passed`` the untagged responses that the client saw."""

    value: Value
    asked: list[bytes] = field(default_factory=list)
    passed: list[bytes] = field(default_factory=list)


def drive(
    dialogue: Generator[Step, Any, Value], server: Server, piece: int = 7, passed: list[bytes] | None = None
) -> Driven[Value]:
    """Until the dialogue has its value; what it raises is raised. ``piece``: octets in one piece.

    ``passed`` gets what the client saw, for dialogues that raise.
    """
    driven: Driven[Any] = Driven(None, passed=[] if passed is None else passed)
    value: Any = None
    error: MemoryFailed | None = None
    while True:
        try:
            step = dialogue.send(value) if error is None else dialogue.throw(error)
        except StopIteration as stop:
            driven.value = stop.value
            return driven
        error = None
        if isinstance(step, Do):
            try:
                value = step.call()
            except MemoryFailed as failed:
                error = failed
        else:
            assert isinstance(step, Ask)
            value = _answer(step, server, driven, piece)


def _answer(ask: Ask, server: Server, driven: Driven[Any], piece: int) -> Answer:
    driven.asked.append(ask.line)
    untagged, status = server(ask.line)
    data = b""
    for response in untagged:
        if response.startswith(b"* ") and not ask.mine(response.partition(b"\n")[0] + b"\n"):
            driven.passed.append(response)
        elif ask.sink is not None:
            for at in range(0, len(response), piece):
                ask.sink(response[at : at + piece])
        else:
            data += response
    word = status.lstrip(b"+-").split()[0].decode()
    return Answer(word, status + b"\r\n", data)


class FakeWriting:
    """Says what became of it."""

    def __init__(self, archive: FakeArchive, message: Message) -> None:
        self._archive = archive
        self._message = message
        self._octets = b""

    def write(self, data: bytes) -> None:
        self._octets += data

    def finish(self, now: float) -> None:
        if self._archive.full:
            raise MemoryFailed("the disk is full; buy another one")
        self._archive.kept[self._message] = self._octets

    def abandon(self) -> None:
        self._archive.open -= 1


class FakeArchive:
    """Messages by what they are. ``open`` counts writings nobody has let go of."""

    def __init__(self) -> None:
        self.kept: dict[Message, bytes] = {}
        self.full = False
        self.shut = False
        self.open = 0

    def begin(self, message: Message) -> Writing | None:
        if self.shut:
            raise MemoryFailed("no disk; look for it")
        if message in self.kept:
            return None
        self.open += 1
        return FakeWriting(self, message)

"""An archive of which nothing stays: messages are counted in, and forgotten."""

from __future__ import annotations

from mailproxy.guards.memory import Message, Writing


class PassingArchive:
    """It is :class:`mailproxy.guards.memory.Archive`, and writes nothing down but which messages it had."""

    def __init__(self) -> None:
        self._messages: set[Message] = set()

    def begin(self, message: Message) -> Writing | None:
        return None if message in self._messages else _Passing(self._messages, message)


class _Passing:
    def __init__(self, messages: set[Message], message: Message) -> None:
        self._messages = messages
        self._message = message

    def write(self, data: bytes) -> None:
        pass

    def finish(self, now: float) -> None:
        self._messages.add(self._message)

    def abandon(self) -> None:
        pass

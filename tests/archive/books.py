"""An index of the archive in this process alone."""

from __future__ import annotations

from mailproxy.guards.memory import MemoryFailed, Message


class Book:
    """Keeps its rows in a dictionary; ``broken`` names the methods that fail."""

    def __init__(self) -> None:
        self.rows: dict[Message, tuple[str, int, float]] = {}
        self.broken: set[str] = set()

    def has(self, message: Message) -> bool:
        if "has" in self.broken:
            raise MemoryFailed("no database")
        return message in self.rows

    def add(self, message: Message, file: str, octets: int, now: float) -> int:
        if "add" in self.broken:
            raise MemoryFailed("no database")
        self.rows[message] = (file, octets, now)
        return len(self.rows)

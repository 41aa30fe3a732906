"""Which recorded exchange answers a command."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Script(Generic[T]):
    """Recorded exchanges in order, found by what their commands mean (the key).

    The next one behind the last that was played comes first; else the last one of those that
    stand before it. So a client that says what the recorded one said hears what that one heard,
    and one that says the same in another order hears an answer to it all the same.
    """

    def __init__(self) -> None:
        self._items: list[T] = []
        self._places: dict[Hashable, list[int]] = {}
        self._at = -1

    def add(self, key: Hashable, item: T) -> None:
        """One more exchange, behind all others."""
        self._places.setdefault(key, []).append(len(self._items))
        self._items.append(item)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._places

    def take(self, key: Hashable, suits: Callable[[T], bool] = lambda item: True) -> T | None:
        """The exchange to play for this key, of those that ``suits`` accepts."""
        places = self._places.get(key, [])
        behind = bisect_right(places, self._at)
        for place in (*places[behind:], *reversed(places[:behind])):
            if suits(self._items[place]):
                self._at = max(self._at, place)
                return self._items[place]
        return None

"""A store in memory for the tests of what is written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailproxy.guards.memory import MemoryFailed

Box = tuple[str, str]


@dataclass
class Use:
    protocol: str
    client: str
    deleted: int
    last: float


@dataclass
class Sizes:
    messages: int | None = None
    octets: int | None = None
    used: int | None = None
    limit: int | None = None


@dataclass
class Books:
    """``calls`` are the names of all that was called; ``failing`` is the one that raises, and how often."""

    calls: list[str] = field(default_factory=list)
    rows: list[tuple[float, str, str, str, Mapping[str, object]]] = field(default_factory=list)
    failing: tuple[str, int] = ("", 0)
    error: Exception = field(default_factory=lambda: MemoryFailed("the disk is full"))
    kept_total: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._uses: dict[tuple[Box, str, str], Use] = {}
        self._told: dict[tuple[Box, str], float] = {}
        self._sizes: dict[Box, Sizes] = {}

    @property
    def usage(self) -> Books:
        return self

    kept = audit = usage

    def _call(self, name: str) -> None:
        self.calls.append(name)
        failing, times = self.failing
        if name == failing and times:
            self.failing = failing, times - 1
            raise self.error

    def used(self, upstream: str, user: str, protocol: str, client: str, deleted: int, now: float) -> None:
        self._call("used")
        use = self._uses.setdefault(((upstream, user), protocol, client), Use(protocol, client, 0, now))
        use.deleted += deleted
        use.last = now

    def uses(self, upstream: str, user: str, since: float) -> list[Use]:
        self._call("uses")
        return [use for (box, *_), use in self._uses.items() if box == (upstream, user) and use.last >= since]

    def told(self, upstream: str, user: str, kind: str, now: float, every: float) -> bool:
        self._call("told")
        key = (upstream, user), kind
        if now - self._told.get(key, float("-inf")) < every:
            return False
        self._told[key] = now
        return True

    def seen(self, upstream: str, user: str, now: float, **sizes: Any) -> None:
        self._call("seen")
        for name, value in sizes.items():
            setattr(self._sizes.setdefault((upstream, user), Sizes()), name, value)

    def sizes(self, upstream: str, user: str) -> Sizes | None:
        self._call("sizes")
        return self._sizes.get((upstream, user))

    def total(self, upstream: str, user: str) -> tuple[int, int]:
        self._call("total")
        return self.kept_total

    def write(self, at: float, kind: str, upstream: str, user: str, detail: Mapping[str, object]) -> None:
        self._call("write")
        self.rows.append((at, kind, upstream, user, detail))

"""Proxies that would lose mail if they were killed: what the test of a crash has to find."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from functools import partial
from typing import Any

from mailproxy.guards.keep import Keeper
from mailproxy.guards.memory import Mark, ViewKey
from mailproxy.session.guard import Ask, Step
from mailproxy.store.kept import KeptMailTable
from mailproxy.store.store import Store


def none() -> None:
    """The proxy as it is."""


def mark_by_mark() -> None:
    """Each mark has a transaction of its own."""
    whole = KeptMailTable.keep

    def keep(
        self: KeptMailTable,
        key: ViewKey,
        marks: Sequence[Mark],
        rule: str,
        now: float,
        missing: Collection[bytes] = (),
        found: Collection[bytes] = (),
    ) -> None:
        whole(self, key, (), rule, now, missing, found)
        for mark in marks:
            whole(self, key, [mark], rule, now)

    KeptMailTable.keep = keep  # type: ignore[method-assign]


def written_later() -> None:
    """The program hears that its mail is deleted before that is in the store."""
    waiting: list[partial[None]] = []
    whole, close = KeptMailTable.keep, Store.close

    def keep(self: KeptMailTable, *args: Any) -> None:
        waiting.append(partial(whole, self, *args))

    def write_and_close(self: Store) -> None:
        for call in waiting:
            call()
        close(self)

    KeptMailTable.keep = keep  # type: ignore[method-assign, assignment]
    Store.close = write_and_close  # type: ignore[method-assign]


def deleted_at_once() -> None:
    """What is only to be kept is deleted on the server, too."""
    delete_due = Keeper.delete_due

    def delete_all(self: Keeper, pipelining: bool) -> Generator[Step, Any, list[bytes]]:
        for message in self.maildrop.marks() if self.maildrop is not None else ():
            yield Ask(b"DELE %d" % message.number)
        return (yield from delete_due(self, pipelining))

    Keeper.delete_due = delete_all  # type: ignore[method-assign]


def forgotten_first() -> None:
    """What is due is no longer kept from the moment on at which the server hears of it."""
    delete_due = Keeper.delete_due

    def delete_and_forget(self: Keeper, pipelining: bool) -> Generator[Step, Any, list[bytes]]:
        uidls = yield from delete_due(self, pipelining)
        yield from self.deleted(uidls)
        return uidls

    Keeper.delete_due = delete_and_forget  # type: ignore[method-assign]


FAULTS = {
    each.__name__: each for each in (none, mark_by_mark, written_later, deleted_at_once, forgotten_first)
}

"""The commands of a session that are open, and what is said of those that were answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mailproxy.events import CommandDone, Event
from mailproxy.proto.dialect import GREETING, Dialect, Slot


class Ledger:
    """Books slots in and out, in the dialect's queue, and reports each command once.

    ``octets`` are those of the commands that are open, ``verdicts`` counts the reported ones.
    """

    __slots__ = ("_clock", "_dialect", "_emit", "octets", "verdicts")

    def __init__(self, dialect: Dialect, emit: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._dialect = dialect
        self._emit = emit
        self._clock = clock
        self.octets = 0
        self.verdicts: Counter[str] = Counter()

    def open(self, slot: Slot) -> None:
        """It waits for its answer, or for its turn."""
        self._dialect.slots.append(slot)
        self.octets += slot.octets

    def close(self, slot: Slot, status: str) -> None:
        """It was answered with ``status``. IMAP servers may answer out of order."""
        slots = self._dialect.slots
        if slots and slots[0] is slot:
            slots.popleft()
        elif slot in slots:
            slots.remove(slot)
        self.octets -= slot.octets
        slot.status = status

    def abandon(self) -> None:
        """None of them is ever answered: the server may have carried them out all the same."""
        for slot in self._dialect.slots:
            slot.status = "unanswered" if slot.answer is None else "unsent"
            self.report(slot)
        self._dialect.slots.clear()
        self.octets = 0

    def report(self, slot: Slot) -> None:
        """Say what became of a command. What it is about is shown without its secrets."""
        if slot.verb == GREETING:
            return
        self.verdicts[slot.verdict] += 1
        command, verb = slot.command, slot.verb
        if command.spec is None:  # whatever it is, it may be a password that went astray
            verb, text = "(unknown)", f"{len(command.line)} octets"
        else:
            text = self._dialect.shown(command).decode("utf-8", "backslashreplace") if command.args else ""
        seconds = self._clock() - slot.since
        self._emit(CommandDone(verb, text, slot.verdict, slot.status, seconds, slot.rule, slot.why))

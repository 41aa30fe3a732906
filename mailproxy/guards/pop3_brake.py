"""The brake of a POP3 session: counts what DELE marks, and what QUIT deletes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

from mailproxy.events import Anomaly
from mailproxy.guards.brake import NOT_RECORDED, Brake, Weighing, not_counted
from mailproxy.guards.memory import MemoryFailed
from mailproxy.session.guard import Ask, Situation, Step
from mailproxy.session.verdict import Decision

_UNTOLD = "The server does not tell how many messages there are, so none is deleted"


class Pop3Brake:
    """Numbers are those that the program knows.

    DELE only marks (RFC 1939 §5). So it is checked, to be refused early, and what is marked is
    counted at QUIT: there it is one step, whatever other sessions do.
    """

    def __init__(self, brake: Brake, situation: Situation) -> None:
        self._brake = brake
        self._situation = situation
        self._marked: dict[int, Decision] = {}
        self._size = -1  # messages in the maildrop, as far as the server was asked

    def mark(self, number: int, decision: Decision) -> None:
        """This message goes at QUIT; ``decision`` let it."""
        if not decision.lifted:
            self._marked[number] = decision

    def unmark(self, number: int) -> None:
        """It stays after all."""
        self._marked.pop(number, None)

    def reset(self) -> None:
        """Nothing is marked any more."""
        self._marked.clear()

    def one_more(self, decision: Decision, size: int) -> Weighing:
        """Why one more deletion is too much; empty when it is not.

        ``size`` is how many messages there are; below 0 the server is asked.
        """
        if decision.lifted:
            return ""
        if size < 0 and decision.settings.percent:
            size = yield from self._asked()
            if size < 0 and decision.enforced:
                return _UNTOLD
            if size < 0:
                self._situation.emit(Anomaly("deletions_not_counted", "server", _UNTOLD))
        try:
            count = len(self._marked) + 1
            return (yield from self._brake.check(self._situation, decision, count, size, "DELE"))
        except MemoryFailed:
            return NOT_RECORDED

    def _asked(self) -> Generator[Step, Any, int]:
        if self._size < 0:
            answer = yield Ask(b"STAT")
            words = answer.line.split()
            if answer.good and len(words) > 1 and words[1].isdigit():
                self._size = int(words[1])
        return self._size

    def leave(self) -> Generator[Step, Any, tuple[str, Decision | None]]:
        """QUIT: count all that is marked. Why nothing may be deleted, and whose word that is."""
        for decision, count in Counter(self._marked.values()).items():
            if not decision.enforced:
                yield from self._brake.note(self._situation, count)
                continue
            try:
                why = yield from self._brake.admit(self._situation, decision, count, 0, "QUIT")
            except MemoryFailed as error:
                self._situation.emit(not_counted("proxy", error))
                return NOT_RECORDED, decision
            if why:
                return why, decision
        return "", None

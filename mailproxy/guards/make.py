"""Which guard a session gets."""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.guards.imap import ImapGuard
from mailproxy.guards.memory import Memory
from mailproxy.guards.pop3 import Pop3Guard, concerns
from mailproxy.session.guard import Guard, GuardMaker, Situation


def guard_maker(memory: Memory, now: Callable[[], float]) -> GuardMaker:
    """Makes the guard of a session that has logged in; ``now`` is in seconds since 1970."""

    def make(situation: Situation) -> Guard | None:
        judge = situation.judge
        match situation.facts.protocol:
            case "pop3" if "QUIT" in judge.dialogues and concerns(situation):
                return Pop3Guard(situation, memory, now)
            case "imap" if judge.dialogues or judge.brakes:
                return ImapGuard(situation, memory, now)
            case _:
                return None

    return make

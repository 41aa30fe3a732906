"""Rules that an operator has lifted for a user, for a while.

Who has lifted what is known elsewhere and changes while sessions are open, so it is
asked for whenever such a rule has decided, and never before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mailproxy.proto.tokens import Command
from mailproxy.rules.rule import NOTES
from mailproxy.session.verdict import Decision, Facts, Judge

Active = Callable[[str, str], bool]
"""Whether the rule of this name is lifted now for this user. It must neither raise nor wait."""


def lifted(judge: Judge, active: Active) -> Judge:
    """The same judge, whose enforced decisions say so when their rule is lifted for the session's user.

    The session then forwards the command; no later rule is asked in place of the lifted one.
    A brake that is lifted says so, too, and holds nobody. While nobody is logged in nothing is lifted
    but for a login, which is judged by the name that asks.
    """

    def holds(decision: Decision | None, facts: Facts) -> bool:
        if decision is None or not decision.enforced or decision.action in NOTES or not facts.user:
            return False
        return active(decision.rule, facts.user)

    def decide(command: Command, facts: Facts) -> Decision | None:
        decision = judge.decide(command, facts)
        return replace(decision, lifted=True) if decision and holds(decision, facts) else decision

    def brake(command: Command, facts: Facts) -> Decision | None:
        decision = judge.brake(command, facts)
        return replace(decision, lifted=True) if decision and holds(decision, facts) else decision

    return replace(judge, decide=decide, brake=brake)

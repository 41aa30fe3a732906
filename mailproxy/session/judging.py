"""Asks the rules about a session's commands, and tells them what is known of the session."""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.events import CaptureWanted, Event, WouldHave
from mailproxy.proto.dialect import Dialect, Slot
from mailproxy.proto.tokens import Command
from mailproxy.session.screen import LOGINS
from mailproxy.session.verdict import Action, Decision, Facts, Judge


class Judging:
    """The rules in force for one session."""

    __slots__ = ("_captured", "_dialect", "_emit", "_observed", "facts", "judge")

    def __init__(self, judge: Judge, facts: Facts, dialect: Dialect, emit: Callable[[Event], None]) -> None:
        self.judge = judge
        self.facts = facts
        self._dialect = dialect
        self._emit = emit
        self._captured = False
        self._observed: set[str] = set()  # rules that would have had the session recorded

    def learn(self) -> None:
        """What the dialect knows of the session is what rules may ask for."""
        facts, dialect = self.facts, self._dialect
        facts.user, facts.mechanism, facts.client_name = dialect.user, dialect.mechanism, dialect.client_name
        facts.mailbox, facts.sender, facts.recipients = dialect.mailbox, dialect.sender, dialect.recipients

    def ruling(self, slot: Slot) -> Decision | None:
        """The decision that is in force for a new command; the slot then says whose it is.

        None where no rule matches, or only such as change nothing: these are told.
        """
        if slot.verb not in self.judge.verbs:
            return None
        decision = self._decide(slot.command)
        if decision is None or not self._in_force(slot.verb, decision):
            return None
        if decision.lifted:
            slot.rule, slot.why, slot.verdict = decision.rule, "the rule is lifted", Action.ALLOW.value
        elif decision.action is not Action.ALLOW:
            slot.rule, slot.why, slot.verdict = decision.rule, decision.why, decision.action.value
        return decision

    def late(self, slot: Slot | None) -> Decision | None:
        """Who logs in may be known only from a SASL response: then the rules are asked again.

        Returns a decision that refuses the login.
        """
        if slot is None or slot.verb not in LOGINS or slot.verb not in self.judge.verbs:
            return None
        decision = self._decide(slot.command)
        if decision is None or decision.action is Action.ALLOW or decision.lifted:
            return None
        if decision.rule == slot.rule and not decision.enforced:
            return None  # that was told when the login began
        if not self._in_force(slot.verb, decision):
            slot.rule = slot.rule or decision.rule
            return None
        slot.rule, slot.why, slot.verdict = decision.rule, decision.why, decision.action.value
        return decision

    def capture(self, command: Command, *, logged_in: bool = False) -> None:
        """Ask whether the session is to be recorded, until it is.

        ``logged_in``: the command was a login that succeeded, so who it was for is a fact.
        """
        if self._captured or command.verb not in self.judge.captures:
            return
        decision = self._asked(self.judge.capture, command, claimed=not logged_in)
        if decision is None or decision.rule in self._observed:
            return
        if self._in_force(command.verb, decision):
            self._captured = True
            self._emit(CaptureWanted(decision.rule))
        else:
            self._observed.add(decision.rule)  # once for a session, as it would have been recorded once

    def _in_force(self, verb: str, decision: Decision) -> bool:
        if decision.enforced and decision.action is not Action.OBSERVE:
            return True
        self._emit(WouldHave(verb, decision.rule, decision.action.value))
        return False

    def _decide(self, command: Command) -> Decision | None:
        return self._asked(self.judge.decide, command)

    def _asked(
        self, decide: Callable[[Command, Facts], Decision | None], command: Command, *, claimed: bool = True
    ) -> Decision | None:
        """The rules' decision; a login is judged by the name that asks to be let in, if it is ``claimed``."""
        self.learn()
        asked = self._dialect.claimant(command) if claimed and command.verb in LOGINS else None
        if asked:
            self.facts.user, self.facts.mechanism = asked
        decision = decide(command, self.facts)
        if asked:
            self.learn()
        return decision


def words(decision: Decision) -> str:
    """What the client is told of a refusal."""
    return decision.reply or f"Refused by the rule {decision.rule} of this proxy"

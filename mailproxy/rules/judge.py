"""Which rule decides about a command.

The order is that of the file: the first rule that matches wins. A rule that
changes nothing (``mode = "observe"`` or ``do = "observe"``) does not end the
search; its verdict is given when no later rule changes the command, so a rule
that is tried out cannot weaken one that is in force.

A rule that cannot be evaluated (arguments that do not follow the grammar, a
value of a wrong type) counts as a match, with BLOCK, if it would have changed
the command or if the command may remove mail; else it is passed over. One in
observe mode only says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mailproxy.proto.tokens import BadArguments, Command, Verb
from mailproxy.rules import fields
from mailproxy.rules.expression import NotEvaluated
from mailproxy.rules.rule import NOTES, Rule
from mailproxy.session.verdict import Action, Decision, Facts, Judge


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule said while a verdict was sought; ``decides`` marks the one whose verdict it is."""

    rule: Rule
    decision: Decision | None
    decides: bool
    reason: str

    @property
    def matched(self) -> bool:
        return self.decision is not None


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule as it is asked for one verb."""

    rule: Rule
    getters: tuple[tuple[str, fields.Getter], ...]
    removes: bool
    decision: Decision

    def weigh(self, command: Command, facts: Facts, known: dict[str, Any]) -> Decision | None:
        """The rule's verdict; ``known`` keeps the values of fields for the rules that follow."""
        condition = self.rule.condition
        if condition is None:
            return self.decision
        try:
            for name, get in self.getters:
                if name not in known:
                    known[name] = get(command, facts)
            matched = condition.holds({name: known[name] for name, _ in self.getters})
        except Exception as error:  # whatever it is: no flaw of ours may let the command through
            return self._unevaluated(error)
        return self.decision if matched else None

    def _unevaluated(self, error: Exception) -> Decision | None:
        rule = self.rule
        if rule.action in NOTES and not (self.removes and rule.stops):
            return None
        # Only these two say what is safe to show.
        cause = str(error) if isinstance(error, BadArguments | NotEvaluated) else type(error).__name__
        why = f"rule {rule.name} could not be evaluated: {cause}"
        return Decision(Action.BLOCK, rule.name, why, rule.reply, rule.enforce)


class RuleSet:
    """Rules in the order in which they are asked. It never changes; a reload makes a new one."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        found: dict[str, dict[str, list[_Bound]]] = {}
        for rule in self.rules:
            for protocol, verb in rule.verbs:
                found.setdefault(protocol, {}).setdefault(verb.name, []).append(_bind(rule, protocol, verb))
        self._index: Mapping[str, Mapping[str, tuple[_Bound, ...]]] = {
            protocol: {verb: tuple(bound) for verb, bound in table.items()}
            for protocol, table in found.items()
        }

    def judge(self, protocol: str) -> Judge:
        """The rules of one protocol, as a session asks them. Its ``decide`` raises nothing."""
        table = self._index.get(protocol, {})

        def decide(command: Command, facts: Facts) -> Decision | None:
            known: dict[str, Any] = {}
            noted: Decision | None = None
            for bound in table.get(command.verb, ()):
                decision = bound.weigh(command, facts, known)
                if decision is None:
                    continue
                if not _stops(decision):
                    noted = noted or decision
                elif noted is None or decision.action is not Action.ALLOW:
                    return decision
                else:
                    return noted  # both forward it, and only the note says anything
            return noted

        return Judge(frozenset(table), decide)

    def explain(self, protocol: str, command: Command, facts: Facts) -> list[Step]:
        """What each rule for this command says of it, in order, up to the one that ends the search."""
        known: dict[str, Any] = {}
        steps: list[tuple[Rule, Decision | None]] = []
        for bound in self._index.get(protocol, {}).get(command.verb, ()):
            decision = bound.weigh(command, facts, known)
            steps.append((bound.rule, decision))
            if decision is not None and _stops(decision):
                break
        verdict = self.judge(protocol).decide(command, facts)
        winner = next((rule.name for rule, said in steps if said is not None and said == verdict), "")
        return [Step(rule, said, rule.name == winner, _reason(rule, said)) for rule, said in steps]


def _bind(rule: Rule, protocol: str, verb: Verb) -> _Bound:
    needs = rule.condition.needs if rule.condition else ()
    getters = tuple((name, fields.getter(name, protocol, verb)) for name in needs)
    return _Bound(rule, getters, verb.removes, rule.decision())


def _stops(decision: Decision) -> bool:
    return decision.enforced and decision.action is not Action.OBSERVE


def _reason(rule: Rule, said: Decision | None) -> str:
    if said is None:
        return f"does not hold: {rule.condition.source}" if rule.condition else "does not hold"
    if said.why != rule.why:
        return said.why
    held = f"holds: {rule.condition.source}" if rule.condition else "has no condition"
    return held if said.enforced else f"{held} (observe: changes nothing)"

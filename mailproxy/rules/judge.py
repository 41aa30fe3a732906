"""Which rule decides about a command.

The order is that of the file: the first rule that matches wins. A rule that
changes nothing (``mode = "observe"`` or ``do = "observe"``) does not end the
search; its verdict is given when no later rule changes the command, so a rule
that is tried out cannot weaken one that is in force.

A rule that cannot be evaluated (arguments that do not follow the grammar, a
value of a wrong type) counts as a match, with BLOCK, if it would have changed
the command or if the command may remove mail; else it is passed over. One in
observe mode only says so. One that records the session changes no command, and is
always passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mailproxy.proto.tokens import BadArguments, Command, Verb
from mailproxy.rules import fields
from mailproxy.rules.expression import NotEvaluated
from mailproxy.rules.rule import NOTES, Rule
from mailproxy.session.verdict import GUARDED, Action, Decision, Facts, Judge

_AT_LOGIN = frozenset("protocol user client listener upstream tls tls_version mechanism".split())
_ASKS_THE_SERVER = frozenset({Action.TRASH, Action.ARCHIVE})


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
        if rule.action is Action.CAPTURE or (rule.action in NOTES and not (self.removes and rule.stops)):
            return None
        # Only these two say what is safe to show.
        cause = str(error) if isinstance(error, BadArguments | NotEvaluated) else type(error).__name__
        why = f"rule {rule.name} could not be evaluated: {cause}"
        return Decision(Action.BLOCK, rule.name, why, rule.reply, rule.enforce)


_Table = Mapping[str, tuple[_Bound, ...]]


class RuleSet:
    """Rules in the order in which they are asked. It never changes; a reload makes a new one."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._brakes = _index(rule for rule in self.rules if rule.action is Action.BRAKE)
        self._captures = _index(rule for rule in self.rules if rule.action is Action.CAPTURE)
        beside = (Action.BRAKE, Action.CAPTURE)
        self._others = _index(rule for rule in self.rules if rule.action not in beside)

    def judge(self, protocol: str) -> Judge:
        """The rules of one protocol, as a session asks them. None of its functions raises."""
        table, brakes = self._others.get(protocol, {}), self._brakes.get(protocol, {})
        captures = self._captures.get(protocol, {})
        verbs = frozenset((*table, *brakes))
        dialogues = {verb for verb in table if _talks(table[verb])}
        if protocol == "imap":
            # How many messages an EXPUNGE would remove is known to the server alone.
            dialogues.update(verb for verb in brakes if any(bound.rule.enforce for bound in brakes[verb]))
        elif protocol == "pop3" and any(
            bound.rule.stops for bound in (*table.get("DELE", ()), *brakes.get("DELE", ()))
        ):
            dialogues.add("QUIT")  # there it is that marked messages go, or stay
        return Judge(
            verbs,
            _search(table),
            frozenset(dialogues),
            frozenset(brakes),
            _search(brakes),
            frozenset(verb for verb in verbs if _settled((*table.get(verb, ()), *brakes.get(verb, ())))),
            frozenset(captures),
            _search(captures),
        )

    def explain(self, protocol: str, command: Command, facts: Facts) -> list[Step]:
        """What each rule for this command says of it, in order, up to the one that ends the search.

        Rules that record the session stand first, and change nothing. Then come brakes: where one
        holds, the other rules do not matter. If the others refuse or rewrite the command, no brake
        is asked, and none stands there.
        """
        verdict = self.judge(protocol).decide(command, facts)
        steps = _steps(self._others.get(protocol, {}).get(command.verb, ()), command, facts)
        if _leaves_to_brakes(verdict):
            steps = _steps(self._brakes.get(protocol, {}).get(command.verb, ()), command, facts) + steps
        return _steps(self._captures.get(protocol, {}).get(command.verb, ()), command, facts) + steps


def verdicts(judge: Judge, command: Command, facts: Facts) -> tuple[Decision, ...]:
    """All that a judge says of a command: a recording, a brake, then the other rules; each may be missing."""
    decision = judge.decide(command, facts) if command.verb in judge.verbs else None
    asked = command.verb in judge.brakes and _leaves_to_brakes(decision)
    brake = judge.brake(command, facts) if asked else None
    capture = judge.capture(command, facts) if command.verb in judge.captures else None
    return tuple(each for each in (capture, brake, decision) if each is not None)


def _leaves_to_brakes(verdict: Decision | None) -> bool:
    """Whether a brake is asked beside this verdict: the command would go upstream, or a guard sees it."""
    return verdict is None or not verdict.enforced or verdict.action in NOTES | GUARDED


def _index(rules: Iterable[Rule]) -> Mapping[str, _Table]:
    """By protocol and verb."""
    found: dict[str, dict[str, list[_Bound]]] = {}
    for rule in rules:
        for protocol, verb in rule.verbs:
            found.setdefault(protocol, {}).setdefault(verb.name, []).append(_bind(rule, protocol, verb))
    return {
        protocol: {verb: tuple(bound) for verb, bound in table.items()} for protocol, table in found.items()
    }


def _settled(rules: Iterable[_Bound]) -> bool:
    """Whether these rules ask for nothing but what is known at the login."""
    conditions = (bound.rule.condition for bound in rules)
    return all(_AT_LOGIN.issuperset(condition.needs) for condition in conditions if condition is not None)


def _talks(rules: Iterable[_Bound]) -> bool:
    return any(bound.rule.enforce and bound.rule.action in _ASKS_THE_SERVER for bound in rules)


def _search(table: _Table) -> Callable[[Command, Facts], Decision | None]:
    return lambda command, facts: _verdict(table.get(command.verb, ()), command, facts)


def _verdict(rules: Iterable[_Bound], command: Command, facts: Facts) -> Decision | None:
    known: dict[str, Any] = {}
    noted: Decision | None = None
    for bound in rules:
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


def _steps(rules: tuple[_Bound, ...], command: Command, facts: Facts) -> list[Step]:
    known: dict[str, Any] = {}
    said: list[tuple[Rule, Decision | None]] = []
    for bound in rules:
        decision = bound.weigh(command, facts, known)
        said.append((bound.rule, decision))
        if decision is not None and _stops(decision):
            break
    verdict = _verdict(rules, command, facts)
    winner = next((rule.name for rule, each in said if each is not None and each == verdict), "")
    return [Step(rule, each, rule.name == winner, _reason(rule, each)) for rule, each in said]


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

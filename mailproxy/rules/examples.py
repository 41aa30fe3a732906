"""Tries a rule file with its own examples.

An example is played against the rules of its file alone: a file proves itself,
whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.rules.errors import RuleError
from mailproxy.rules.judge import RuleSet, verdicts
from mailproxy.rules.lines import BadLine, command_from_line
from mailproxy.rules.rule import Example, Given, Rule
from mailproxy.session.verdict import Action, Facts, Judge

FORWARD = "forward"
# Where an example says no time: else a file with a rule about the night would load by day alone.
_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
_REFUSALS = frozenset({Action.BLOCK, Action.CLOSE})

Run = Callable[[str, Given, tuple[str, ...], Judge], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one example. ``actual`` is the word for its last line; two, if a brake is asked too."""

    rule: Rule
    example: Example
    actual: str
    error: RuleError | None


def play(protocol: str, given: Given, lines: tuple[str, ...], judge: Judge) -> tuple[str, ...]:
    """What ``judge`` says of the last line; earlier ones count as accepted by the server.

    The answer is ``forward`` when no rule matched, else the word of the action,
    whether the rule is enforced or observed. If a brake is asked, its word stands
    first, and that of another rule behind it, if there is one. So does that of a rule which
    records the session.

    Raises:
        BadLine: a line is no command.
    """
    facts = facts_of(given)
    words: tuple[str, ...] = (FORWARD,)
    for line in lines:
        command = command_from_line(protocol, line.encode())
        said = verdicts(judge, command, facts)
        words = tuple(decision.action.value for decision in said) or (FORWARD,)
        if not any(decision.enforced and decision.action in _REFUSALS for decision in said):
            _accepted(command, facts)
    return words


def try_examples(ruleset: RuleSet, run: Run = play) -> list[Outcome]:
    """The outcome of every example, in order. Nothing is raised for one that fails."""
    judges: dict[str, Judge] = {}
    return [
        _try(
            rule,
            example,
            judges.setdefault(example.given.protocol, ruleset.judge(example.given.protocol)),
            run,
        )
        for rule in ruleset.rules
        for example in rule.examples
    ]


def run_examples(ruleset: RuleSet, run: Run = play) -> None:
    """Play every example.

    Raises:
        RuleError: the first one that does not come out as expected.
    """
    for outcome in try_examples(ruleset, run):
        if outcome.error is not None:
            raise outcome.error


def _try(rule: Rule, example: Example, judge: Judge, run: Run) -> Outcome:
    given = example.given if example.given.now is not None else replace(example.given, now=_NOON)
    try:
        actual = run(given.protocol, given, example.send, judge)
    except BadLine as error:
        cause = f"example of {rule.name}: {error}"
        return Outcome(rule, example, "", RuleError(rule.file, example.line, cause, error.hint))
    # Who expects the command to be forwarded does not mind a rule that allows or records it.
    shown = " and ".join(actual)
    if example.expect in actual or (example.expect == FORWARD and {"allow", "capture"}.issuperset(actual)):
        return Outcome(rule, example, shown, None)
    cause = f'example of {rule.name}: "{example.send[-1][:80]}" gives {shown}, expected {example.expect}'
    hint = "mailproxy rules explain shows which rule decides; correct the rule or the example"
    return Outcome(rule, example, shown, RuleError(rule.file, example.line, cause, hint))


def facts_of(given: Given) -> Facts:
    """The session that is given; in TLS 1.3 unless it says otherwise."""
    facts = Facts(
        protocol=given.protocol,
        listener=given.listener,
        upstream=given.upstream,
        client_ip=given.client_ip,
        client_name=given.client_name,
        tls=given.tls,
        tls_version=given.tls_version or ("TLSv1.3" if given.tls else ""),
        user=given.user,
        mechanism=given.mechanism,
        mailbox=given.mailbox,
        sender=given.sender,
        recipients=given.recipients,
    )
    if given.now is not None:
        moment = given.now if given.now.tzinfo else given.now.replace(tzinfo=UTC)
        facts.now = lambda: moment
    return facts


def _accepted(command: Command, facts: Facts) -> None:
    try:
        if facts.protocol == "imap" and command.verb in ("SELECT", "EXAMINE"):
            facts.mailbox = str(command.fields.get("mailbox", ""))
        elif facts.protocol == "smtp" and command.verb == "MAIL":
            facts.sender, facts.recipients = str(command.fields.get("sender", "")), 0
        elif facts.protocol == "smtp" and command.verb == "RCPT":
            facts.recipients += 1
    except BadArguments:
        return

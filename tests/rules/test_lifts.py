"""A lifted rule says so in its decision, for its user alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.rules.judge import RuleSet
from mailproxy.rules.lifts import lifted
from mailproxy.rules.lines import command_from_line
from mailproxy.rules.load import parse
from mailproxy.session.verdict import Action, Decision, Facts, Judge

RULES = """
[[rule]]
name = "let-root"
on = ["imap EXPUNGE"]
when = 'user == "root"'
do = "allow"
[[rule]]
name = "to-trash"
on = ["imap EXPUNGE"]
do = "trash"
[[rule]]
name = "stay"
on = ["imap DELETE"]
do = "block"
[[rule]]
name = "tried-out"
on = ["imap RENAME"]
do = "block"
mode = "observe"
[[rule]]
name = "strict"
on = ["imap UID EXPUNGE"]
when = 'set == "1"'
do = "block"
[[rule]]
name = "slow"
on = ["imap EXPUNGE", "imap MOVE"]
do = "brake"
limit = 3
[[rule]]
name = "slow-tried-out"
on = ["imap UID MOVE"]
do = "brake"
limit = 3
mode = "observe"
[[rule]]
name = "login"
on = ["imap LOGIN"]
do = "block"
"""
JUDGE = RuleSet(parse(RULES.encode(), Path("r.toml"))).judge("imap")


class Lifts:
    """Which rules are lifted for whom, and what was asked."""

    def __init__(self, *active: tuple[str, str]) -> None:
        self.active = set(active)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, rule: str, user: str) -> bool:
        self.asked.append((rule, user))
        return (rule, user) in self.active


def decide(judge: Judge, line: str, user: str = "aiko") -> Decision | None:
    return judge.decide(command_from_line("imap", line.encode()), Facts("imap", user=user))


def brake(judge: Judge, line: str, user: str = "aiko") -> Decision | None:
    return judge.brake(command_from_line("imap", line.encode()), Facts("imap", user=user))


@pytest.mark.parametrize(
    ("rule", "line", "action"),
    [
        ("to-trash", "a EXPUNGE", Action.TRASH),
        ("stay", "a DELETE x", Action.BLOCK),
        ("strict", "a UID EXPUNGE x", Action.BLOCK),  # one that could not be evaluated
    ],
)
def test_a_lifted_rule_keeps_its_action_and_says_that_it_is_lifted(
    rule: str, line: str, action: Action
) -> None:
    before = decide(JUDGE, line)
    after = decide(lifted(JUDGE, Lifts((rule, "aiko"))), line)
    assert before is not None
    assert after is not None
    assert (after.action, after.rule, after.lifted, before.lifted) == (action, rule, True, False)
    assert (after.why, after.settings, after.enforced) == (before.why, before.settings, True)


def test_for_another_user_and_another_rule_nothing_changes() -> None:
    judge = lifted(JUDGE, Lifts(("to-trash", "aiko")))
    assert decide(judge, "a EXPUNGE", "bruno") == decide(JUDGE, "a EXPUNGE", "bruno")
    assert decide(judge, "a DELETE x") == decide(JUDGE, "a DELETE x")


def test_the_end_of_a_lift_is_noticed_at_once() -> None:
    lifts = Lifts(("stay", "aiko"))
    judge = lifted(JUDGE, lifts)
    assert decide(judge, "a DELETE x").lifted  # type: ignore[union-attr]
    lifts.active.clear()
    assert not decide(judge, "a DELETE x").lifted  # type: ignore[union-attr]


def test_a_lifted_brake_says_so() -> None:
    judge = lifted(JUDGE, Lifts(("slow", "aiko")))
    decision = brake(judge, "a EXPUNGE")
    assert decision is not None
    assert decision.lifted
    assert brake(judge, "a EXPUNGE", "bruno") == brake(JUDGE, "a EXPUNGE", "bruno") is not None


def test_only_what_a_rule_forbids_is_asked_for() -> None:
    lifts = Lifts()
    judge = lifted(JUDGE, lifts)
    assert decide(judge, "a NOOP") is None
    assert decide(judge, "a EXPUNGE", "root").action is Action.ALLOW  # type: ignore[union-attr]
    assert not decide(judge, "a RENAME x y").enforced  # type: ignore[union-attr]
    assert not brake(judge, "a UID MOVE 1 x").enforced  # type: ignore[union-attr]
    assert decide(judge, "a DELETE x", user="") == decide(JUDGE, "a DELETE x", user="")
    assert lifts.asked == []


def test_a_login_is_lifted_for_the_name_that_asks() -> None:
    assert decide(lifted(JUDGE, Lifts(("login", "aiko"))), "a LOGIN x y", "aiko").lifted  # type: ignore[union-attr]


def test_the_commands_stay_the_same() -> None:
    judge = lifted(JUDGE, Lifts())
    assert (judge.verbs, judge.dialogues, judge.brakes) == (JUDGE.verbs, JUDGE.dialogues, JUDGE.brakes)

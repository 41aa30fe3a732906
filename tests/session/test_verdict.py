"""What a rule says, and what it is told."""

from __future__ import annotations

from datetime import UTC, datetime

from mailproxy.proto.tokens import Command
from mailproxy.session.verdict import GUARDED, NO_RULES, Action, Decision, Facts, Judge


def test_actions_are_the_words_of_a_rule_file() -> None:
    words = {action.value for action in Action}
    unguarded = {"allow", "observe", "block", "close", "examine", "unselect", "capture"}
    assert words == unguarded | {"keep", "delay", "trash", "archive", "brake"}
    assert {action.value for action in GUARDED} == words - unguarded


def test_a_decision_is_enforced_unless_told() -> None:
    decision = Decision(Action.BLOCK, "my-rule")
    assert (decision.enforced, decision.why, decision.reply) == (True, "", "")


def test_nobody_is_logged_in_and_nothing_is_encrypted_at_first() -> None:
    facts = Facts("pop3")
    assert (facts.user, facts.tls, facts.mailbox, facts.sender, facts.recipients) == ("", False, "", "", 0)


def test_now_is_in_utc() -> None:
    before = datetime.now(UTC)
    now = Facts("pop3").now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_without_rules_nothing_is_decided() -> None:
    assert NO_RULES.verbs == frozenset()
    assert NO_RULES.decide(Command("DELE", b"DELE 1\r\n"), Facts("pop3")) is None
    assert Judge() == NO_RULES

"""One rule: what it decides, and whether the search ends with it."""

from __future__ import annotations

import pytest

from mailproxy.rules.rule import NOTES, Given, Rule
from mailproxy.session.verdict import Action, Decision, Settings


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("enforce", [True, False])
def test_what_is_only_noted_does_not_end_the_search(action: Action, enforce: bool) -> None:
    assert Rule("r", action, (), enforce=enforce).stops is (enforce and action is not Action.OBSERVE)


def test_a_decision_has_the_words_of_its_rule() -> None:
    settings = Settings(view="listener")
    rule = Rule("r", Action.BLOCK, (), why="because", reply="No", enforce=False, settings=settings)
    assert rule.decision() == Decision(Action.BLOCK, "r", "because", "No", False, settings)


def test_what_leaves_a_command_as_it_is() -> None:
    assert {Action.ALLOW, Action.OBSERVE, Action.CAPTURE} == NOTES


def test_an_example_begins_with_nobody_logged_in_and_tls() -> None:
    given = Given("pop3")
    assert (given.user, given.tls, given.client_ip, given.now) == ("", True, "192.0.2.1", None)

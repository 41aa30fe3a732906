"""Every example in the shipped rule files is a test."""

from __future__ import annotations

import pytest

from mailproxy.rules.examples import Outcome, try_examples
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import load, read
from mailproxy.rules.shipped import shipped

OUTCOMES = [outcome for path in shipped() for outcome in try_examples(RuleSet(read(path)))]


@pytest.mark.parametrize(
    "outcome", OUTCOMES, ids=[f"{outcome.rule.file.stem}:{outcome.example.line}" for outcome in OUTCOMES]
)
def test_example(outcome: Outcome) -> None:
    assert outcome.error is None, str(outcome.error)


def test_the_files_load_together() -> None:
    assert [path.name for path in shipped()] == [
        "imap-no-deletion.toml",
        "imap-read-only.toml",
        "login-needs-tls.toml",
        "pop3-block-dele.toml",
        "smtp-listed-domains.toml",
        "smtp-recipient-limit.toml",
    ]
    rules = load(shipped()).rules
    assert all(rule.why and rule.enforce for rule in rules)


def test_each_file_says_for_whom_it_is_and_shows_both_sides() -> None:
    for path in shipped():
        assert path.read_text().startswith("# For ")
        expected = {example.expect for rule in read(path) for example in rule.examples}
        assert "forward" in expected
        assert len(expected) > 1

"""Every example in the shipped rule files is a test."""

from __future__ import annotations

import re

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
        "archive.toml",
        "brake.toml",
        "imap-no-deletion.toml",
        "imap-organise.toml",
        "imap-read-only.toml",
        "imap-trash.toml",
        "login-needs-tls.toml",
        "pop3-block-dele.toml",
        "pop3-delay.toml",
        "pop3-keep-30-days.toml",
        "pop3-keep.toml",
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


def test_the_trash_has_the_same_names_in_every_rule() -> None:
    names = re.compile(r'lowerAscii\(\)\.matches\((r".*")\)')
    found = {
        rule.name: names.findall(rule.condition.source)
        for path in shipped()
        for rule in read(path)
        if rule.condition and "trash|" in rule.condition.source
    }
    assert len(found) == 3
    assert len({tuple(each) for each in found.values()}) == 1


def test_the_settings_of_the_shipped_files() -> None:
    settings = {rule.name: rule.settings for rule in load(shipped()).rules}
    assert settings["imap-trash"].empty
    assert not settings["imap-organise-to-trash"].empty
    assert settings["pop3-keep"].keep_for is None
    assert settings["pop3-keep-30-days"].keep_for == 30 * 86_400
    assert (settings["pop3-delay"].keep_for, settings["pop3-delay"].view) == (14 * 86_400, "client.ip")
    assert (settings["brake-imap"].limit, settings["brake-imap"].percent) == (200, 50)
    assert settings["brake-imap"].within == 3600

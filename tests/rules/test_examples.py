from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailproxy.rules.errors import RuleError
from mailproxy.rules.examples import play, run_examples, try_examples
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import parse
from mailproxy.rules.rule import Given
from mailproxy.session.verdict import Judge


def ruleset(text: str) -> RuleSet:
    return RuleSet(parse(text.encode(), Path("r.toml")))


def rule(on: str, when: str, do: str = "block", mode: str = "enforce") -> str:
    return f'[[rule]]\nname = "a"\non = [\'{on}\']\nwhen = \'{when}\'\ndo = "{do}"\nmode = "{mode}"\n'


@pytest.mark.parametrize(
    ("text", "given", "lines", "expected"),
    [
        (rule("imap CLOSE", 'mailbox == "INBOX"'), Given("imap"), ("a SELECT inbox", "b CLOSE"), "block"),
        (rule("imap CLOSE", 'mailbox == "INBOX"'), Given("imap"), ("a SELECT x", "b CLOSE"), "forward"),
        (
            rule("smtp RCPT", 'sender == "a@b.c"'),
            Given("smtp"),
            ("MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>"),
            "block",
        ),
        (rule("smtp RCPT", "recipients == 1"), Given("smtp", recipients=1), ("RCPT TO:<d@e.f>",), "block"),
        (rule("smtp RCPT", "true"), Given("smtp", recipients=5), ("RCPT TO:<d@e.f>", "NOOP"), "forward"),
        (rule("pop3 DELE", "true", mode="observe"), Given("pop3"), ("DELE 1",), "block"),
        (rule("pop3 DELE", "true", do="allow"), Given("pop3"), ("DELE 1",), "allow"),
        (
            rule("pop3 DELE", "now.getHours() == 3"),
            Given("pop3", now=datetime(2026, 1, 1, 3)),
            ("DELE 1",),
            "block",
        ),
        (
            rule("pop3 DELE", "now.getHours() == 3"),
            Given("pop3", now=datetime(2026, 1, 1, 4, tzinfo=UTC)),
            ("DELE 1",),
            "forward",
        ),
        (rule("pop3 DELE", 'tls_version == "TLSv1.3"'), Given("pop3"), ("DELE 1",), "block"),
        (rule("pop3 DELE", 'tls_version == ""'), Given("pop3", tls=False), ("DELE 1",), "block"),
    ],
)
def test_play(text: str, given: Given, lines: tuple[str, ...], expected: str) -> None:
    assert play(given.protocol, given, lines, ruleset(text).judge(given.protocol)) == (expected,)


def test_a_refused_recipient_does_not_count() -> None:
    judge = ruleset(rule("smtp RCPT", 'recipients >= 1 || domain == "x.example"')).judge("smtp")
    assert play("smtp", Given("smtp"), ("RCPT TO:<a@x.example>", "RCPT TO:<a@y.example>"), judge) == (
        "forward",
    )


def test_another_runner() -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []

    def run(protocol: str, given: Given, lines: tuple[str, ...], judge: Judge) -> tuple[str, ...]:
        seen.append((protocol, lines))
        return ("close",)

    text = rule("pop3 DELE", "true") + '[[rule.example]]\nsend = ["DELE 1"]\nexpect = "block"\n'
    outcomes = try_examples(ruleset(text), run)
    assert [(outcome.actual, outcome.error is None) for outcome in outcomes] == [("close", False)]
    assert seen == [("pop3", ("DELE 1",))]
    with pytest.raises(RuleError, match="gives close, expected block"):
        run_examples(ruleset(text), run)


def test_who_expects_forward_does_not_mind_an_allowing_rule() -> None:
    text = rule("pop3 DELE", "true", do="allow") + '[[rule.example]]\nsend = ["DELE 1"]\nexpect = "forward"\n'
    run_examples(ruleset(text))


BRAKE = '[[rule]]\nname = "b"\non = ["imap EXPUNGE"]\ndo = "brake"\nlimit = 3\n'


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (BRAKE, "a EXPUNGE", ("brake",)),
        (BRAKE, "a CLOSE", ("forward",)),
        (BRAKE + 'mode = "observe"\n', "a EXPUNGE", ("brake",)),
        (BRAKE + rule("imap EXPUNGE", "true", do="trash"), "a EXPUNGE", ("brake", "trash")),
        (rule("imap EXPUNGE", "true", do="archive") + BRAKE, "a EXPUNGE", ("brake", "archive")),
        (BRAKE + rule("imap EXPUNGE", "true", do="allow"), "a EXPUNGE", ("brake", "allow")),
        # what is refused anyhow is not counted
        (BRAKE + rule("imap EXPUNGE", "true"), "a EXPUNGE", ("block",)),
        (BRAKE + rule("imap EXPUNGE", "true", mode="observe"), "a EXPUNGE", ("brake", "block")),
    ],
)
def test_a_brake_is_asked_beside_the_other_rules(text: str, line: str, expected: tuple[str, ...]) -> None:
    assert play("imap", Given("imap"), (line,), ruleset(text).judge("imap")) == expected


@pytest.mark.parametrize(
    ("expect", "passes"), [("brake", True), ("archive", True), ("forward", False), ("block", False)]
)
def test_an_example_may_expect_the_brake_or_the_other_rule(expect: str, passes: bool) -> None:
    example = f'[[rule.example]]\nsend = ["a EXPUNGE"]\nexpect = "{expect}"\n'
    (outcome,) = try_examples(ruleset(BRAKE + rule("imap EXPUNGE", "true", do="archive") + example))
    assert (outcome.error is None) is passes
    assert outcome.actual == "brake and archive"


def test_a_brake_beside_an_allowing_rule_is_no_plain_forwarding() -> None:
    example = '[[rule.example]]\nsend = ["a EXPUNGE"]\nexpect = "forward"\n'
    (outcome,) = try_examples(ruleset(BRAKE + rule("imap EXPUNGE", "true", do="allow") + example))
    assert "gives brake and allow, expected forward" in str(outcome.error)


@pytest.mark.parametrize(
    ("on", "line", "do", "more"),
    [
        ("pop3 DELE", "DELE 1", "keep", ""),
        ("pop3 DELE", "DELE 1", "delay", 'keep_for = "1d"\n'),
        ("imap CLOSE", "a CLOSE", "trash", ""),
        ("imap CLOSE", "a CLOSE", "archive", ""),
    ],
)
def test_every_guarded_action_is_a_word(on: str, line: str, do: str, more: str) -> None:
    protocol = on.split()[0]
    judge = ruleset(rule(on, "true", do=do) + more).judge(protocol)
    assert play(protocol, Given(protocol), (line,), judge) == (do,)


@pytest.mark.parametrize(
    ("expect", "do", "passes"),
    [
        ("capture", "capture", True),
        ("forward", "capture", True),
        ("allow", "capture", False),
        ("block", "capture", False),
    ],
)
def test_a_rule_that_records_the_session(expect: str, do: str, passes: bool) -> None:
    text = rule("pop3 DELE", "true", do=do)
    text += f'[[rule.example]]\ngiven = {{}}\nsend = ["DELE 1"]\nexpect = "{expect}"\n'
    (outcome,) = try_examples(ruleset(text))
    assert (outcome.error is None) is passes


def test_what_is_recorded_may_be_refused_all_the_same() -> None:
    text = rule("pop3 DELE", "true", do="capture") + rule("pop3 DELE", "true").replace('"a"', '"b"')
    assert play("pop3", Given("pop3"), ("DELE 1",), ruleset(text).judge("pop3")) == ("capture", "block")


def test_an_example_comes_out_alike_at_any_hour() -> None:
    """Else a file with a rule about the night would load by day alone."""
    text = rule("pop3 DELE", 'now == timestamp("2026-01-05T12:00:00Z")')
    for given, expected in (("", "block"), ("given = { now = 2026-01-05T23:00:00Z }\n", "forward")):
        text += f'[[rule.example]]\n{given}send = ["DELE 1"]\nexpect = "{expected}"\n'
    run_examples(ruleset(text))

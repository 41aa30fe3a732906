"""Which rule decides; and that one which cannot be evaluated lets nothing through."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.rules.judge import RuleSet, verdicts
from mailproxy.rules.lines import command_from_line
from mailproxy.rules.load import parse
from mailproxy.session.verdict import Action, Decision, Facts

NEEDED = {
    "brake": 'do = "brake"\nlimit = 3',
    "delay": 'do = "delay"\nkeep_for = "1d"',
}


def rules(*texts: str) -> RuleSet:
    """Each text: do, mode, on, condition, parted by semicolons; the names are r0, r1, …"""
    lines = []
    for number, text in enumerate(texts):
        do, mode, on, when = (part.strip() for part in text.split(";"))
        do = NEEDED.get(do, f'do = "{do}"')
        lines.append(f'[[rule]]\nname = "r{number}"\n{do}\nmode = "{mode}"\non = ["{on}"]')
        if when:
            lines.append(f"when = '{when}'")
    return RuleSet(parse("\n".join(lines).encode(), Path("r.toml")))


def decide(
    ruleset: RuleSet, line: str = "DELE 1", protocol: str = "pop3", **facts: object
) -> Decision | None:
    command = command_from_line(protocol, line.encode())
    return ruleset.judge(protocol).decide(command, Facts(protocol, **facts))  # type: ignore[arg-type]


ALLOW = 'allow; enforce; pop3 DELE; user == "x"'
BLOCK = "block; enforce; pop3 DELE;"


@pytest.mark.parametrize(
    ("texts", "user", "rule", "action", "enforced"),
    [
        ([ALLOW, BLOCK], "x", "r0", "allow", True),
        ([ALLOW, BLOCK], "y", "r1", "block", True),
        ([BLOCK, ALLOW], "x", "r0", "block", True),
        (["close; enforce; pop3 DELE;", BLOCK], "x", "r0", "close", True),
        # what only notes does not stop the search …
        (["block; observe; pop3 DELE;", BLOCK], "x", "r1", "block", True),
        (["observe; enforce; pop3 DELE;", BLOCK], "x", "r1", "block", True),
        (["allow; observe; pop3 DELE;", BLOCK], "x", "r1", "block", True),
        # … and is told when nothing changes the command
        (["block; observe; pop3 DELE;"], "x", "r0", "block", False),
        (["observe; enforce; pop3 DELE;"], "x", "r0", "observe", True),
        (["block; observe; pop3 DELE;", ALLOW, BLOCK], "x", "r0", "block", False),
        (["block; observe; pop3 DELE;", "close; observe; pop3 DELE;"], "x", "r0", "block", False),
        (['block; observe; pop3 DELE; user == "z"', "close; observe; pop3 DELE;"], "x", "r1", "close", False),
    ],
)
def test_order(texts: list[str], user: str, rule: str, action: str, enforced: bool) -> None:
    ruleset = rules(*texts)
    decision = decide(ruleset, user=user)
    assert decision is not None
    assert (decision.rule, decision.action.value, decision.enforced) == (rule, action, enforced)
    command = command_from_line("pop3", b"DELE 1")
    decides = [step for step in ruleset.explain("pop3", command, Facts("pop3", user=user)) if step.decides]
    assert [step.decision for step in decides] == [decision]


def test_nothing_matches() -> None:
    assert decide(rules(ALLOW), user="y") is None


def test_a_judge_names_its_verbs() -> None:
    ruleset = rules(BLOCK, "block; enforce; imap removes;", "block; enforce; login; !tls")
    assert ruleset.judge("pop3").verbs == {"DELE", "PASS", "APOP", "AUTH"}
    assert "UID EXPUNGE" in ruleset.judge("imap").verbs
    assert "FETCH" not in ruleset.judge("imap").verbs
    assert ruleset.judge("smtp").verbs == {"AUTH"}
    assert RuleSet().judge("pop3").verbs == frozenset()


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        # the arguments of DELE are bad, and DELE removes mail
        ('block; enforce; pop3 DELE; set == "1"', "DELE one", Action.BLOCK),
        ('close; enforce; pop3 DELE; set == "1"', "DELE one", Action.BLOCK),
        ('allow; enforce; pop3 DELE; set == "1"', "DELE one", Action.BLOCK),
        ('observe; enforce; pop3 DELE; set == "1"', "DELE one", None),
        # RETR removes nothing
        ('block; enforce; pop3 RETR; set == "1"', "RETR one", Action.BLOCK),
        ('allow; enforce; pop3 RETR; set == "1"', "RETR one", None),
        # an error of the evaluation itself
        ("block; enforce; pop3 RETR; int(user) > 1", "RETR 1", Action.BLOCK),
        ("allow; enforce; pop3 RETR; int(user) > 1", "RETR 1", None),
        ("allow; enforce; pop3 DELE; int(user) > 1", "DELE 1", Action.BLOCK),
    ],
)
def test_fails_closed(text: str, line: str, expected: Action | None) -> None:
    decision = decide(rules(text), line)
    assert (decision.action if decision else None) is expected
    if decision:
        assert decision.enforced
        assert decision.why.startswith("rule r0 could not be evaluated: ")


def test_observed_rules_fail_without_effect() -> None:
    decision = decide(rules('block; observe; pop3 DELE; set == "1"'), "DELE one")
    assert decision is not None
    assert not decision.enforced
    assert decide(rules("block; observe; pop3 DELE; int(user) > 1", BLOCK)).rule == "r1"  # type: ignore[union-attr]


@pytest.mark.parametrize("error", [BadArguments("no set"), ZeroDivisionError("hunter2"), RecursionError()])
def test_no_exception_leaves_it_and_no_unknown_text_is_shown(error: Exception) -> None:
    def fail(command: Command) -> dict[str, object]:
        raise error

    good = command_from_line("pop3", b"DELE 1")
    command = Command("DELE", good.line, good.args, good.spec, parse=fail)
    ruleset = rules('block; enforce; pop3 DELE; set == "1"')
    decision = ruleset.judge("pop3").decide(command, Facts("pop3"))
    assert decision is not None
    assert decision.action is Action.BLOCK
    assert "hunter2" not in decision.why


def test_bad_encoding_of_the_user_fails_closed() -> None:
    decision = decide(rules('block; enforce; pop3 DELE; user == "x"'), user="\udcff")
    assert decision is not None
    assert decision.action is Action.BLOCK


def test_arguments_are_parsed_once_and_only_if_asked_for() -> None:
    calls = []

    def count(command: Command) -> dict[str, object]:
        calls.append(command.verb)
        return {"set": "1"}

    good = command_from_line("pop3", b"DELE 1")
    command = Command("DELE", good.line, good.args, good.spec, parse=count)
    rules('block; enforce; pop3 DELE; user == "x"', BLOCK).judge("pop3").decide(command, Facts("pop3"))
    assert calls == []
    two = rules('block; enforce; pop3 DELE; set == "7"', 'close; enforce; pop3 DELE; set == "8"')
    assert two.judge("pop3").decide(command, Facts("pop3")) is None
    assert calls == ["DELE"]


def test_rules_for_other_verbs_are_not_asked() -> None:
    ruleset = rules(*["block; enforce; pop3 RETR; int(user) > 1"] * 1, BLOCK)
    steps = ruleset.explain("pop3", command_from_line("pop3", b"DELE 1"), Facts("pop3"))
    assert [step.rule.name for step in steps] == ["r1"]


def test_explain_says_why() -> None:
    ruleset = rules(
        ALLOW,
        "block; observe; pop3 DELE;",
        'block; enforce; pop3 DELE; set == "1"',
        "close; enforce; pop3 DELE;",
    )
    command = command_from_line("pop3", b"DELE one")
    steps = ruleset.explain("pop3", command, Facts("pop3", user="y"))
    assert [(step.rule.name, step.matched, step.decides) for step in steps] == [
        ("r0", False, False),
        ("r1", True, False),
        ("r2", True, True),
    ]
    assert steps[0].reason == 'does not hold: user == "x"'
    assert "observe" in steps[1].reason
    assert "could not be evaluated" in steps[2].reason


BRAKE = "brake; enforce; imap EXPUNGE;"


def brake(
    ruleset: RuleSet, line: str = "a EXPUNGE", protocol: str = "imap", user: str = ""
) -> Decision | None:
    return ruleset.judge(protocol).brake(
        command_from_line(protocol, line.encode()), Facts(protocol, user=user)
    )


@pytest.mark.parametrize(
    ("texts", "rule", "action", "enforced"),
    [
        ([BRAKE, BRAKE], "r0", Action.BRAKE, True),
        (['brake; enforce; imap EXPUNGE; user == "y"', BRAKE], "r1", Action.BRAKE, True),
        (["brake; observe; imap EXPUNGE;"], "r0", Action.BRAKE, False),
        # one that is tried out cannot weaken one that is in force
        (["brake; observe; imap EXPUNGE;", BRAKE], "r1", Action.BRAKE, True),
        (["brake; enforce; imap EXPUNGE; int(user) > 1", BRAKE], "r0", Action.BLOCK, True),
        (["brake; observe; imap EXPUNGE; int(user) > 1"], "r0", Action.BLOCK, False),
        # other rules are not asked
        (["block; enforce; imap EXPUNGE;", BRAKE], "r1", Action.BRAKE, True),
    ],
)
def test_brakes_are_asked_among_themselves(
    texts: list[str], rule: str, action: Action, enforced: bool
) -> None:
    decision = brake(rules(*texts), user="x")
    assert decision is not None
    assert (decision.rule, decision.action, decision.enforced) == (rule, action, enforced)


def test_a_brake_is_no_part_of_the_search() -> None:
    ruleset = rules(BRAKE, "archive; enforce; imap EXPUNGE;")
    decision = decide(ruleset, "a EXPUNGE", "imap")
    assert decision is not None
    assert (decision.rule, decision.action) == ("r1", Action.ARCHIVE)
    assert decide(rules(BRAKE), "a EXPUNGE", "imap") is None
    assert brake(rules("archive; enforce; imap EXPUNGE;")) is None
    assert brake(rules(BRAKE), "a CLOSE") is None


def test_a_brake_has_its_settings() -> None:
    decision = brake(rules(BRAKE))
    assert decision is not None
    assert (decision.settings.limit, decision.settings.within) == (3, 3600)


@pytest.mark.parametrize(
    ("protocol", "texts", "verbs", "dialogues", "brakes"),
    [
        ("pop3", ["block; enforce; pop3 RETR;"], {"RETR"}, set(), set()),
        ("pop3", ["block; enforce; pop3 DELE;"], {"DELE"}, {"QUIT"}, set()),
        ("pop3", ["keep; enforce; pop3 DELE;"], {"DELE"}, {"QUIT"}, set()),
        ("pop3", ["delay; observe; pop3 DELE;"], {"DELE"}, set(), set()),
        ("pop3", ["archive; enforce; pop3 DELE;"], {"DELE"}, {"DELE", "QUIT"}, set()),
        ("pop3", ["archive; observe; pop3 DELE;"], {"DELE"}, set(), set()),
        ("pop3", ["brake; enforce; pop3 DELE;"], {"DELE"}, {"QUIT"}, {"DELE"}),
        ("imap", ["trash; enforce; imap CLOSE;"], {"CLOSE"}, {"CLOSE"}, set()),
        ("imap", ["trash; observe; imap CLOSE;"], {"CLOSE"}, set(), set()),
        ("imap", ["archive; enforce; imap EXPUNGE;"], {"EXPUNGE"}, {"EXPUNGE"}, set()),
        ("imap", ["block; enforce; imap EXPUNGE;"], {"EXPUNGE"}, set(), set()),
        (
            "imap",
            ["block; enforce; imap STORE;", "trash; enforce; imap CLOSE;"],
            {"STORE", "CLOSE"},
            {"CLOSE"},
            set(),
        ),
        ("imap", ["brake; enforce; imap MOVE;"], {"MOVE"}, {"MOVE"}, {"MOVE"}),
        ("imap", ["brake; observe; imap MOVE;"], {"MOVE"}, set(), {"MOVE"}),
        ("imap", ["keep; enforce; pop3 DELE;"], set(), set(), set()),
        ("smtp", ["block; enforce; smtp RCPT;"], {"RCPT"}, set(), set()),
    ],
)
def test_which_commands_may_take_a_dialogue(
    protocol: str, texts: list[str], verbs: set[str], dialogues: set[str], brakes: set[str]
) -> None:
    judge = rules(*texts).judge(protocol)
    assert (judge.verbs, judge.dialogues, judge.brakes) == (verbs, dialogues, brakes)


@pytest.mark.parametrize(
    ("texts", "said", "names"),
    [
        ([BRAKE], ["r0"], ["r0"]),
        (["archive; enforce; imap EXPUNGE;", BRAKE], ["r1", "r0"], ["r1", "r0"]),
        (["block; enforce; imap EXPUNGE;", BRAKE], ["r0"], ["r0"]),
        (["block; observe; imap EXPUNGE;", BRAKE], ["r1", "r0"], ["r1", "r0"]),
        (
            ['brake; enforce; imap EXPUNGE; user == "y"', "trash; enforce; imap EXPUNGE;"],
            ["r0", "r1"],
            ["r1"],
        ),
    ],
)
def test_explain_puts_brakes_first_where_they_are_asked(
    texts: list[str], said: list[str], names: list[str]
) -> None:
    ruleset, command, facts = rules(*texts), command_from_line("imap", b"a EXPUNGE"), Facts("imap", user="x")
    steps = ruleset.explain("imap", command, facts)
    assert [step.rule.name for step in steps] == said
    assert [step.rule.name for step in steps if step.decides] == names
    assert [each.rule for each in verdicts(ruleset.judge("imap"), command, facts)] == names


@pytest.mark.parametrize(
    ("condition", "settled"),
    [
        ("", True),
        ('user == "ann"', True),
        ('client.ip.inside("192.0.2.0/24") && tls && listener == "door"', True),
        ('set == "1"', False),
        ('user == "ann" || text == "1"', False),
        ("now.getHours() < 8", False),
    ],
)
def test_what_is_settled_at_the_login(condition: str, settled: bool) -> None:
    assert ("DELE" in rules(f"block; enforce; pop3 DELE; {condition}").judge("pop3").settled) is settled


def test_a_brake_is_settled_with_the_others() -> None:
    brake = "brake; enforce; pop3 DELE;"
    assert "DELE" in rules(brake, "block; enforce; pop3 DELE;").judge("pop3").settled
    both = rules(brake, 'block; enforce; pop3 DELE; set == "1"')
    assert "DELE" not in both.judge("pop3").settled


CAPTURE = "capture; enforce; pop3 DELE;"


def test_a_rule_that_records_stands_beside_the_others() -> None:
    ruleset = rules(CAPTURE, BLOCK, "brake; enforce; pop3 DELE;")
    judge = ruleset.judge("pop3")
    assert (judge.captures, ruleset.judge("imap").captures) == ({"DELE"}, frozenset())
    command = command_from_line("pop3", b"DELE 1")
    decided = judge.decide(command, Facts("pop3"))
    recorded = judge.capture(command, Facts("pop3"))
    assert decided is not None
    assert recorded is not None
    assert (decided.rule, recorded.rule) == ("r1", "r0")
    assert [each.rule for each in verdicts(judge, command, Facts("pop3"))] == ["r0", "r1"]


def test_alone_it_makes_no_verb_judged() -> None:
    judge = rules(CAPTURE).judge("pop3")
    assert judge.verbs == frozenset()
    assert judge.dialogues == frozenset()
    assert [each.action for each in verdicts(judge, command_from_line("pop3", b"DELE 1"), Facts("pop3"))] == [
        Action.CAPTURE
    ]


@pytest.mark.parametrize(
    ("texts", "rule", "enforced"),
    [
        (["capture; observe; pop3 DELE;", CAPTURE], "r1", True),
        (["capture; observe; pop3 DELE;"], "r0", False),
        (['capture; enforce; pop3 DELE; user == "x"', CAPTURE], "r1", True),
    ],
)
def test_such_rules_are_asked_among_themselves(texts: list[str], rule: str, enforced: bool) -> None:
    found = rules(*texts).judge("pop3").capture(command_from_line("pop3", b"DELE 1"), Facts("pop3"))
    assert found is not None
    assert (found.rule, found.enforced) == (rule, enforced)


def test_one_that_cannot_be_evaluated_blocks_nothing() -> None:
    ruleset = rules('capture; enforce; pop3 DELE; set == "1"')
    command = command_from_line("pop3", b"DELE one")
    assert ruleset.judge("pop3").capture(command, Facts("pop3")) is None
    assert verdicts(ruleset.judge("pop3"), command, Facts("pop3")) == ()
    assert [step.matched for step in ruleset.explain("pop3", command, Facts("pop3"))] == [False]


def test_explain_puts_it_first() -> None:
    ruleset = rules(BLOCK, "brake; enforce; pop3 DELE;", CAPTURE)
    steps = ruleset.explain("pop3", command_from_line("pop3", b"DELE 1"), Facts("pop3"))
    assert [(step.rule.name, step.decides) for step in steps] == [("r2", True), ("r0", True)]

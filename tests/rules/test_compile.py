"""From a table to a rule: what TOML cannot check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailproxy.rules.compile import LONGEST_REPLY, LONGEST_WHY, Compiler
from mailproxy.rules.errors import RuleError
from mailproxy.rules.places import Places
from mailproxy.rules.rule import Rule
from mailproxy.rules.schema import RuleTable
from mailproxy.session.verdict import Action

FILE = Path("r.toml")
TEXT = """\
[[rule]]
name = ""
on = ""
do = ""
when = \"\"\"
tls
\"\"\"
why = ""
reply = ""
mode = ""
[[rule.example]]
given = ""
send = ""
expect = ""
"""
LINE = {key.split(" =")[0]: line for line, key in enumerate(TEXT.splitlines(), 1) if " =" in key}
EXAMPLE = {"send": ["DELE 1"], "expect": "block"}


def compiled(**changed: Any) -> Rule:
    raw = {"name": "a", "on": ["pop3 DELE"], "do": "block", **changed}
    return Compiler(FILE, Places(TEXT)).rule(0, msgspec.convert(raw, RuleTable))


def test_a_rule_has_all_that_its_table_says() -> None:
    rule = compiled(why="w", reply="No [x]", mode="observe", when="tls", example=[EXAMPLE])
    assert (rule.name, rule.action, rule.enforce, rule.why, rule.reply) == (
        *("a", Action.BLOCK, False, "w", "No [x]"),
    )
    assert [(protocol, verb.name) for protocol, verb in rule.verbs] == [("pop3", "DELE")]
    assert rule.condition is not None
    assert rule.condition.holds({"tls": True})
    assert (rule.file, rule.line, rule.on) == (FILE, 1, ("pop3 DELE",))
    (example,) = rule.examples
    assert (example.given.protocol, example.send, example.expect, example.line) == (
        *("pop3", ("DELE 1",), "block", 11),
    )


def test_a_rule_of_few_words() -> None:
    rule = compiled()
    assert (rule.condition, rule.enforce, rule.examples, rule.why) == (None, True, (), "")


def test_a_verb_that_is_named_twice_is_there_once() -> None:
    rule = compiled(on=["pop3 DELE", "pop3 removes", "pop3 DELE"])
    assert [verb.name for _, verb in rule.verbs] == ["DELE", "QUIT"]


@pytest.mark.parametrize(
    ("action", "on"),
    [("examine", ["imap SELECT"]), ("unselect", ["imap CLOSE"]), ("close", ["imap CLOSE", "pop3 DELE"])],
)
def test_actions_that_fit(action: str, on: list[str]) -> None:
    assert compiled(do=action, on=on).action.value == action


@pytest.mark.parametrize(
    ("changed", "key", "cause", "hint"),
    [
        ({"name": ""}, "name", '"" is no name', "letters"),
        ({"name": "a\x1bb"}, "name", '"a?b" is no name', "64"),
        ({"name": "a" * 65}, "name", "is no name", ""),
        ({"do": "keep"}, "do", "this version cannot keep yet", 'use do = "block"'),
        ({"do": "bl\nk"}, "do", 'unknown action "bl?k"', 'did you mean "block"?'),
        ({"do": "examine"}, "do", "not for pop3 DELE", '"imap SELECT" alone'),
        ({"do": "unselect", "on": ["imap removes"]}, "do", "is not for imap", '"imap CLOSE" alone'),
        ({"on": []}, "on", "on is empty", "name a command"),
        ({"on": ["pop3 D\n"]}, "on", "on: pop3 has no command", ""),
        ({"why": "x" * (LONGEST_WHY + 1)}, "why", "not one short line", str(LONGEST_WHY)),
        ({"why": "a\nb"}, "why", "not one short line", ""),
        ({"reply": "x" * (LONGEST_REPLY + 1)}, "reply", "cannot stand in a protocol's answer", "200"),
        ({"reply": "a\r\nb"}, "reply", "cannot stand", "no line ends"),
        ({"reply": "größer"}, "reply", "cannot stand", "ASCII"),
        ({"reply": " [ALERT] x"}, "reply", "begins with a response code", "write words"),
        ({"reply": "x", "do": "allow"}, "reply", 'do = "allow" answers nothing', "leave reply out"),
        ({"mode": "off"}, "mode", 'unknown mode "off"', "enforce, observe"),
        ({"when": "zork"}, "when", 'unknown field "zork" (column 1 of the condition)', ""),
        ({"when": ""}, "when", "the condition is empty", "leave the key out"),
        ({"when": "mailbox == 'x'"}, "when", 'pop3 DELE has no field "mailbox" (column 1', "its fields: set"),
        ({"when": "set == '1'", "on": ["pop3 NOOP"]}, "when", "no field", "none but those of the session"),
    ],
)
def test_what_cannot_be_used(changed: dict[str, Any], key: str, cause: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        compiled(**changed)
    assert caught.value.line == LINE[key]
    assert cause in caught.value.cause
    assert hint in caught.value.hint
    assert str(caught.value).isprintable()


def test_a_condition_of_many_lines_names_the_right_one() -> None:
    with pytest.raises(RuleError) as caught:
        compiled(when="tls &&\nzork")
    assert caught.value.line == LINE["when"] + 1


@pytest.mark.parametrize(
    ("changed", "key", "cause", "hint"),
    [
        ({"expect": "blocked"}, "expect", 'unknown word "blocked"', 'did you mean "block"?'),
        ({"send": []}, "send", "send needs lines", "DELE 1"),
        ({"send": [""]}, "send", "send needs lines", ""),
        ({"send": ["a\r\nb"]}, "send", "send needs lines", "without line ends"),
        ({"given": {"protocol": "nntp"}}, "given", "the protocol is not known", 'protocol = "pop3"'),
        ({"given": {"client": {"ip": "x"}}}, "given", "no address", ""),
    ],
)
def test_examples_that_cannot_be_used(changed: dict[str, Any], key: str, cause: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        compiled(example=[EXAMPLE | changed])
    assert caught.value.line == LINE[key]
    assert cause in caught.value.cause
    assert hint in caught.value.hint


def test_an_example_says_its_protocol_where_there_are_more() -> None:
    on = ["pop3 QUIT", "smtp QUIT"]
    with pytest.raises(RuleError, match="the protocol is not known"):
        compiled(on=on, example=[EXAMPLE])
    rule = compiled(on=on, example=[EXAMPLE | {"given": {"protocol": "smtp"}, "expect": "forward"}])
    assert [example.given.protocol for example in rule.examples] == ["smtp"]

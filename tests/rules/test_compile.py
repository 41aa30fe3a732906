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
from mailproxy.session.verdict import Action, Settings

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
keep_for = ""
view = ""
trash = ""
limit = ""
percent = ""
within = ""
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
        *("pop3", ("DELE 1",), "block", 17),
    )


def test_a_rule_of_few_words() -> None:
    rule = compiled()
    assert (rule.condition, rule.enforce, rule.examples, rule.why) == (None, True, (), "")


def test_a_verb_that_is_named_twice_is_there_once() -> None:
    rule = compiled(on=["pop3 DELE", "pop3 removes", "pop3 DELE"])
    assert [verb.name for _, verb in rule.verbs] == ["DELE", "QUIT"]


@pytest.mark.parametrize(
    ("action", "on"),
    [
        ("examine", ["imap SELECT"]),
        ("unselect", ["imap CLOSE"]),
        ("close", ["imap CLOSE", "pop3 DELE"]),
        ("keep", ["pop3 DELE"]),
        ("delay", ["pop3 DELE"]),
        (
            "trash",
            ["imap EXPUNGE", "imap UID EXPUNGE", "imap CLOSE", "imap REPLACE", "imap UID REPLACE"],
        ),
        ("archive", ["pop3 DELE", "imap EXPUNGE", "imap UID EXPUNGE", "imap CLOSE"]),
        (
            "brake",
            [
                *("pop3 DELE", "imap EXPUNGE", "imap UID EXPUNGE"),
                *("imap CLOSE", "imap MOVE", "imap UID MOVE"),
            ],
        ),
    ],
)
def test_actions_that_fit(action: str, on: list[str]) -> None:
    needed = {"delay": {"keep_for": "1d"}, "brake": {"limit": 1}}.get(action, {})
    assert compiled(do=action, on=on, **needed).action.value == action


@pytest.mark.parametrize(
    ("action", "on"),
    [
        ("keep", "pop3 QUIT"),
        ("keep", "imap EXPUNGE"),
        ("delay", "pop3 RETR"),
        ("trash", "pop3 DELE"),
        ("trash", "imap MOVE"),
        ("trash", "imap UID MOVE"),
        ("trash", "imap STORE"),
        ("trash", "imap DELETE"),
        ("archive", "imap REPLACE"),
        ("archive", "imap MOVE"),
        ("archive", "pop3 QUIT"),
        ("brake", "imap DELETE"),
        ("brake", "imap REPLACE"),
        ("brake", "pop3 QUIT"),
        ("brake", "smtp RCPT"),
    ],
)
def test_actions_that_do_not_fit(action: str, on: str) -> None:
    needed = {"delay": {"keep_for": "1d"}, "brake": {"limit": 1}}.get(action, {})
    with pytest.raises(RuleError) as caught:
        compiled(do=action, on=[on], **needed)
    assert (caught.value.line, caught.value.cause) == (LINE["do"], f'do = "{action}" is not for {on}')
    assert caught.value.hint.startswith("it is for ")


def test_settings_are_those_of_the_decision() -> None:
    rule = compiled(do="keep", keep_for="2w", view="listener")
    assert rule.settings == Settings(keep_for=1_209_600, view="listener")
    assert rule.decision().settings is rule.settings


@pytest.mark.parametrize(
    ("changed", "key", "cause", "hint"),
    [
        ({"do": "block", "keep_for": "30d"}, "keep_for", 'do = "block" has no keep_for', 'do = "keep"'),
        ({"do": "keep", "trash": "x"}, "trash", 'do = "keep" has no trash', 'do = "trash"'),
        ({"do": "keep", "keep_for": "x"}, "keep_for", "no length of time", "as in 30d"),
        ({"do": "keep", "view": "x"}, "view", 'unknown view "x"', "client.ip, listener, user"),
        ({"do": "delay"}, "do", 'do = "delay" needs keep_for', "14d"),
        ({"do": "brake"}, "do", "needs limit or percent", "limit = 100"),
        ({"do": "brake", "limit": 0}, "limit", "limit is 0", "from 1"),
        ({"do": "brake", "percent": 101}, "percent", "percent is 101", "below 100"),
        ({"do": "brake", "limit": 1, "within": "1"}, "within", "within: ", "as in 30d"),
        ({"do": "trash", "on": ["imap CLOSE"], "trash": "*"}, "trash", "cannot be the trash", "ASCII"),
        ({"do": "keep", "reply": "x"}, "reply", 'do = "keep" answers nothing', "leave reply out"),
    ],
)
def test_settings_that_cannot_be_used(changed: dict[str, Any], key: str, cause: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        compiled(**changed)
    assert caught.value.line == LINE[key]
    assert cause in caught.value.cause
    assert hint in caught.value.hint


@pytest.mark.parametrize("action", ["keep", "delay"])
@pytest.mark.parametrize("when", ['user == "x" && set == "1"', 'user == "x" && text.contains("1")'])
def test_what_is_decided_once_cannot_ask_for_one_message(action: str, when: str) -> None:
    needed = {"delay": {"keep_for": "1d"}}.get(action, {})
    with pytest.raises(RuleError) as caught:
        compiled(do=action, when=when, **needed)
    assert caught.value.line == LINE["when"]
    assert f'do = "{action}" cannot ask for "' in caught.value.cause
    assert "column 16" in caught.value.cause
    assert "once for the whole session" in caught.value.hint
    assert compiled(do=action, when='user == "x"', **needed).condition is not None
    assert compiled(do="block", when=when).condition is not None


@pytest.mark.parametrize(
    ("changed", "key", "cause", "hint"),
    [
        ({"name": ""}, "name", '"" is no name', "letters"),
        ({"name": "a\x1bb"}, "name", '"a?b" is no name', "64"),
        ({"name": "a" * 65}, "name", "is no name", ""),
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

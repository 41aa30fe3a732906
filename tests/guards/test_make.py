"""Which sessions are guarded."""

from __future__ import annotations

import pytest

from mailproxy.guards.imap import ImapGuard
from mailproxy.guards.make import guard_maker
from mailproxy.guards.pop3 import Pop3Guard
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import parse
from mailproxy.session.guard import Situation
from mailproxy.session.verdict import Facts
from tests.guards.remembering import NOW, memory

RULE = """
[[rule]]
name = "r"
on = ["{on}"]
do = "{do}"
mode = "{mode}"
"""


@pytest.mark.parametrize(
    ("protocol", "on", "do", "mode", "kind"),
    [
        ("pop3", "pop3 DELE", "keep", "enforce", Pop3Guard),
        ("pop3", "pop3 DELE", "block", "enforce", Pop3Guard),
        ("pop3", "pop3 DELE", "keep", "observe", None),
        ("pop3", "pop3 RETR", "block", "enforce", None),
        ("pop3", "imap EXPUNGE", "trash", "enforce", None),
        ("imap", "imap EXPUNGE", "trash", "enforce", ImapGuard),
        ("imap", "imap EXPUNGE", "block", "enforce", None),
        ("imap", "pop3 DELE", "keep", "enforce", None),
        ("smtp", "smtp RCPT", "block", "enforce", None),
    ],
)
def test_guards(tmp_path, protocol: str, on: str, do: str, mode: str, kind: type | None) -> None:
    rules = RuleSet(parse(RULE.format(on=on, do=do, mode=mode).encode(), tmp_path / "r.toml"))
    situation = Situation(Facts(protocol, user="ann"), rules.judge(protocol), lambda event: None)
    guard = guard_maker(memory(), lambda: NOW)(situation)
    assert type(guard) is (kind or type(None))


@pytest.mark.parametrize(
    ("condition", "guarded"),
    [
        ('user == "ann"', True),
        ('user == "bob"', False),
        ('user == "bob" || set == "1"', True),  # it depends on the command
        ('client.ip.inside("10.0.0.0/8")', False),
    ],
)
def test_a_rule_for_another_user_guards_nothing(tmp_path, condition: str, guarded: bool) -> None:
    text = RULE.format(on="pop3 DELE", do="block", mode="enforce") + f"when = '{condition}'\n"
    judge = RuleSet(parse(text.encode(), tmp_path / "r.toml")).judge("pop3")
    situation = Situation(Facts("pop3", user="ann", client_ip="192.0.2.7"), judge, lambda event: None)
    assert (guard_maker(memory(), lambda: NOW)(situation) is not None) is guarded

"""What a condition may say, and what it costs."""

from __future__ import annotations

import pytest

from mailproxy.rules.expression import NotEvaluated, compile_condition
from mailproxy.rules.words import FUNCTIONS, METHODS, BadExpression

CLIENT = {"ip": "10.1.2.3", "name": "desk"}


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("tls", {"tls": True}, True),
        ("!tls", {"tls": True}, False),
        ('user.endsWith("@example.com")', {"user": "reader@example.com"}, True),
        ('user.lowerAscii() == "a\u00c9"', {"user": "A\u00c9"}, True),
        ('client.ip.inside("10.0.0.0/8")', {"client": CLIENT}, True),
        ('client.ip.inside("192.0.2.0/24") || client.name == "desk"', {"client": CLIENT}, True),
        ('client.ip.inside("10.0.0.0/8")', {"client": {"ip": "::ffff:10.1.2.3", "name": ""}}, True),
        ('client.ip.inside("2001:db8::/32")', {"client": {"ip": "2001:db8::1", "name": ""}}, True),
        ('client.ip.inside("2001:db8::/32")', {"client": CLIENT}, False),
        ('"\\\\Deleted" in flags', {"flags": ["\\Deleted"]}, True),
        ('flags.exists(f, f.startsWith("$")) && size(flags) == 1', {"flags": ["$Junk"]}, True),
        ("size(text) > size", {"text": "abc", "size": 2}, True),
        ('r"a\\d" == text // "quoted', {"text": "a\\d"}, True),
        ("domain in ['a', 'b']", {"domain": "b"}, True),
        ("size > 1000000", {"size": 10**20 - 1}, True),
        ('text.matches("^(a+)+$")', {"text": "a" * 65536 + "b"}, False),
        ('text.matches("(.*a){30}")', {"text": "a" * 65536}, True),
    ],
)
def test_holds(source: str, values: dict[str, object], expected: bool) -> None:
    condition = compile_condition(source)
    assert condition.holds(values) is expected
    assert set(condition.needs) == set(values)


@pytest.mark.parametrize(
    ("source", "cause", "column"),
    [
        ("nope == 1", 'unknown field "nope"', 1),
        ("tls && client.port == 1", "client is no value by itself", 8),
        ('client["ip"] == ""', "client is no value by itself", 1),
        ("user.name == 1", 'nothing has a part "name"', 6),
        ('{"a": 1}.a == 1', 'nothing has a part "a"', 10),
        ('.user == ""', 'nothing has a part "user"', 2),
        ('Some{a: 1} == ""', 'unknown field "Some"', 1),
        ('tls && zork("x")', 'unknown function "zork"', 8),
        ('user.zork("x")', 'unknown function "zork"', 6),
        ('matches(user, "x")', 'unknown function "matches"', 1),
        ("text.matches(user)", "takes one string literal", 6),
        ('text.matches("a" + user)', "takes one string literal", 6),
        ("client.ip.inside(user)", "takes one string literal", 11),
        ('user.inside("10.0.0.0/8")', "only client.ip can be inside", 6),
        ("flags.exists(f, true) && f == 1", 'unknown field "f"', 26),
        ("flags.exists(user, true)", '"user" is a field already', 14),
        ("flags.exists(f, flags.exists(g, f == g))", "inside another", 23),
        ("tls &&", "it ends too early", 7),
    ],
)
def test_refused_with_its_place(source: str, cause: str, column: int) -> None:
    with pytest.raises(BadExpression, match=cause.replace("[", r"\[")) as caught:
        compile_condition(source)
    assert (caught.value.row, caught.value.column) == (1, column)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (" ", "empty"),
        ("user", "not a question"),
        ("size > 'x'", "cannot be evaluated"),
        ('now.getHours("Asia/Tokyo") == 1', "cannot be evaluated"),
        ('text.matches("(")', "no valid pattern"),
        ('text.matches("(?=a)")', "no valid pattern"),
        ('text.matches("a{1000}{1000}")', "more than 100 times"),
        (r'text.matches(r"\w{3,500}")', "more than 100 times"),
        ('text.matches("((a{90}){90}){90}{90}")', "no valid pattern"),
        ('client.ip.inside("10.0.0.1/8")', "needs a network"),
        ("tls" + " || tls" * 2000, "longer than"),
        ("tls" + "||tls" * 600, "more than 1000 signs"),
        ("1" + "+1" * 4000 + " == 1", "more than 1000 signs"),
        ("!" * 3000 + "tls", "more than 1000 signs"),
        ("(" * 3000 + "tls" + ")" * 3000, "not CEL"),
        ("[" * 3000 + "]" * 3000, "not CEL"),
    ],
)
def test_refused(source: str, cause: str) -> None:
    with pytest.raises(BadExpression, match=cause):
        compile_condition(source)


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("int(text) > 5", {"text": "x"}),
        ('flags[0] == "x"', {"flags": []}),
        ("10 / size > 1", {"size": 0}),
        ('user == "x"', {"user": "\udcff"}),
        ('client.ip.inside("10.0.0.0/8")', {"client": {"ip": "desk", "name": ""}}),
    ],
)
def test_what_cannot_be_evaluated_says_so(source: str, values: dict[str, object]) -> None:
    condition = compile_condition(source)
    with pytest.raises(NotEvaluated) as caught:
        condition.holds(values)
    assert len(str(caught.value)) <= 120


USES = {
    "size": "flags.size() == 0 || size(text) > 0",
    "has": "has(client.ip)",
    "int": 'int("5") == 5',
    "double": 'double("1.5") > 1.0',
    "string": 'string(5) == "5"',
    "timestamp": 'now > timestamp("1999-01-31T00:00:00Z")',
    "duration": 'duration("1h30m") > duration("1m")',
    "contains": 'text.contains("a") || true',
    "startsWith": 'mailbox.startsWith("a") || true',
    "endsWith": 'user.endsWith("a") || true',
    "matches": 'text.matches("a*")',
    "lowerAscii": 'text.lowerAscii() != "A"',
    "inside": 'client.ip.inside("192.0.2.0/24") || true',
    "exists": "flags.exists(f, true) || true",
    "all": 'flags.all(f, f != "x")',
    "exists_one": 'flags.exists_one(f, f == "a") || true',
    "filter": 'flags.filter(f, f != "a").size() == 0',
    "map": 'flags.map(f, f.lowerAscii()) != ["A"]',
    "getFullYear": "now.getFullYear() == 2000",
    "getMonth": "now.getMonth() == 0",
    "getDayOfMonth": "now.getDayOfMonth() == 0",
    "getDayOfWeek": "now.getDayOfWeek() == 6",
    "getHours": "now.getHours() == 0",
    "getMinutes": "now.getMinutes() == 0",
}


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_every_documented_function_exists(name: str) -> None:
    from mailproxy.rules.fields import sample

    condition = compile_condition(USES[name])
    assert condition.holds({need: sample(need, True) for need in condition.needs})

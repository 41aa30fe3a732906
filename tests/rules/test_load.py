"""Every way a rule file can be wrong: file, line, cause and the next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.rules.errors import RuleError
from mailproxy.rules.examples import run_examples
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import expand_patterns, load, parse

GOOD = '[[rule]]\nname = "a"\non = ["pop3 DELE"]\ndo = "block"\n'


def rule(**changed: str) -> str:
    """A rule, one key a line, in this order; a value is TOML."""
    keys = {"name": '"a"', "on": '["pop3 DELE"]', "do": '"block"'} | changed
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def example(**keys: str) -> str:
    return rule() + "[[rule.example]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


CASES = [
    # text, line, part of the cause, part of the hint
    ("", 0, "has no rule", "add a [[rule]]"),
    ("# nothing\n", 0, "has no rule", "add a [[rule]]"),
    ("rule = []\n", 0, "has no rule", "add a [[rule]]"),
    ("\ufeff" + GOOD, 1, "byte order mark", "without BOM"),
    ("[[rule]\n", 1, "not TOML", "quotes"),
    ("a = 1\nb = tru\n", 2, "not TOML", "column"),
    ('a = "\n', 1, "not TOML", "quotes"),
    ("a = " + "[" * 5000, 0, "nested too deeply", "no nesting"),
    ("rules = 1\n", 1, 'unknown key "rules"', 'did you mean "rule"?'),
    ("rule = 1\n", 1, "expected array, got int", "correct the value"),
    (rule().replace("do =", "actoin ="), 4, 'unknown key "actoin"', "known: "),
    (rule(whne='"tls"'), 5, 'unknown key "whne"', 'did you mean "when"?'),
    (rule(name="7"), 2, "name: expected str, got int", "correct the value"),
    (rule(on='"pop3 DELE"'), 3, "on: expected array, got str", "correct the value"),
    (rule(on="[1]"), 3, "on: expected str, got int", "correct the value"),
    (rule(when="true"), 5, "when: expected str", "correct the value"),
    ('[[rule]]\nname = "a"\ndo = "block"\n', 1, '"on" is missing', "name, on and do"),
    (rule(name='""'), 2, "no name for a rule", "letters"),
    (rule(name='"a b"'), 2, "no name for a rule", "letters"),
    (rule(name=r'"a\nb"'), 2, '"a?b"', "letters"),
    (rule(on="[]"), 3, "on is empty", "name a command"),
    (rule(on='[""]'), 3, "does not begin with a protocol", "pop3 DELE"),
    (rule(on='["DELE"]'), 3, "does not begin with a protocol", "pop3 DELE"),
    (rule(on='["nntp POST"]'), 3, "does not begin with a protocol", "protocols: pop3, imap, smtp"),
    (rule(on='["pop3 DELETE"]'), 3, 'pop3 has no command "DELETE"', 'did you mean "DELE"?'),
    (rule(on='["imap UID EXPUNG"]'), 3, "imap has no command", 'did you mean "UID EXPUNGE"?'),
    (rule(on='["smtp removes"]'), 3, "no command of smtp removes mail", "name the commands"),
    (rule(do='"blok"'), 4, 'unknown action "blok"', 'did you mean "block"?'),
    (rule(do='"trash"'), 4, "not for pop3 DELE", '"imap EXPUNGE", "imap UID EXPUNGE"'),
    (rule(do='"archive"', on='["imap MOVE"]'), 4, "not for imap MOVE", '"pop3 DELE", "imap EXPUNGE"'),
    (rule(do='"delay"'), 4, "needs keep_for", '"14d"'),
    (rule(do='"keep"', keep_for="30"), 5, "keep_for: expected str, got int", 'write it as "30d"'),
    (rule(do='"keep"', keep_for='"30"'), 5, 'keep_for: "30" is no length of time', "as in 30d"),
    (rule(do='"keep"', keepfor='"30d"'), 5, 'unknown key "keepfor"', 'did you mean "keep_for"?'),
    (rule(do='"keep"', limit="3"), 5, 'do = "keep" has no limit', 'do = "brake"; leave it out'),
    (rule(do='"keep"', when="'set == \"1\"'"), 5, 'cannot ask for "set" (column 1 ', "the whole session"),
    (rule(do='"brake"', limit='"3"'), 5, "limit: expected int, got str", "correct the value"),
    (rule(do='"brake"', percent="true"), 5, "percent: expected float, got bool", "correct the value"),
    (rule(do='"examine"'), 4, "not for pop3 DELE", '"imap SELECT" alone'),
    (rule(do='"unselect"', on='["imap CLOSE", "imap EXPUNGE"]'), 4, "not for imap EXPUNGE", '"imap CLOSE"'),
    (rule(mode='"off"'), 5, 'unknown mode "off"', "known: enforce, observe"),
    (rule(why=r'"a\nb"'), 5, "why is not one short line", "500"),
    (rule(reply=r'"a\r\n+OK"'), 5, "reply cannot stand", "no line ends"),
    (rule(reply='"größer"'), 5, "reply cannot stand", "ASCII"),
    (rule(reply=f'"{"x" * 201}"'), 5, "reply cannot stand", "200"),
    (rule(reply='"[READ-ONLY] no"'), 5, "begins with a response code", "words"),
    (rule(do='"allow"', reply='"no"'), 5, 'do = "allow" answers nothing', "leave reply out"),
    (rule(when='"size >"'), 5, "not CEL: it ends too early (column 7", ""),
    (rule(when="'''\ntls &&\n  ||'''"), 6, "not CEL", ""),
    (rule(when='""'), 5, "the condition is empty", "leave the key out"),
    (rule(when="'usr == \"x\"'"), 5, 'unknown field "usr" (column 1 ', 'did you mean "user"?'),
    (rule(when="'tls && user.endWith(\"x\")'"), 5, 'unknown function "endWith"', 'did you mean "endsWith"?'),
    (rule(when="'sise(user) > 1'"), 5, 'unknown function "sise"', 'did you mean "size"?'),
    (
        rule(when="'tls && mailbox == \"x\"'"),
        5,
        'pop3 DELE has no field "mailbox" (column 8',
        "its fields: set",
    ),
    (rule(on='["login"]', when="'set == \"1\"'"), 5, 'pop3 PASS has no field "set"', "those of the session"),
    (
        rule(on='["imap APPEND"]', when="'operation == \"\"'"),
        5,
        'no field "operation"',
        "mailbox, flags, size",
    ),
    (rule(when="'user'"), 5, "not a question", "compare it"),
    (rule(when="'user > 3'"), 5, "cannot be evaluated", "rules fields"),
    (example(send="[]", expect='"block"'), 6, "send needs lines", "DELE 1"),
    (example(send=r'["DELE 1\r\nQUIT"]', expect='"block"'), 6, "send needs lines", "line ends"),
    (example(send='["DELE 1"]'), 5, '"expect" is missing', "send and expect"),
    (example(send='["DELE 1"]', expect='"blocked"'), 7, 'unknown word "blocked"', 'did you mean "block"?'),
    (example(send='["DELE 1"]', expect='"block"', given="{ usr = 1 }"), 8, 'unknown key "usr"', '"user"?'),
    (example(send='["DELE 1"]', expect='"block"', given="{ client.ip = 'x' }"), 8, "no address", "192.0.2.7"),
    (example(send='["DELE 1"]', expect='"block"', given="{ recipients = -1 }"), 8, "negative", "from 0"),
    (example(send='["DELE 1"]', expect='"block"', given="{ client.i = 'x' }"), 8, 'unknown key "i"', '"ip"?'),
    (example(send='["DLEE 1"]', expect='"block"'), 5, "pop3 has no command 'DLEE'", 'did you mean "DELE"?'),
    (example(send='["DELE 1"]', expect='"forward"'), 5, "gives block, expected forward", "explain"),
]


@pytest.mark.parametrize(("text", "line", "cause", "hint"), CASES)
def test_says_what_is_wrong(text: str, line: int, cause: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        run_examples(RuleSet(parse(text.encode(), Path("r.toml"))))
    error = caught.value
    assert (error.file, error.line) == ("r.toml", line), str(error)
    assert cause in error.cause
    assert hint in f"{error.hint} {error.cause}"
    assert str(error).startswith(f"r.toml:{line}: " if line else "r.toml: ")
    assert "\n" not in str(error)


def test_octets_that_are_no_utf8() -> None:
    with pytest.raises(RuleError, match=r"^r.toml:2: the file is not UTF-8"):
        parse(b"# a\n# \xff\n", Path("r.toml"))


@pytest.mark.parametrize("start", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16(start: bytes) -> None:
    with pytest.raises(RuleError, match="byte order mark"):
        parse(start + GOOD.encode("utf-16-le"), Path("r.toml"))


def test_tabs_and_crlf_are_read() -> None:
    text = GOOD.replace("name =", "\tname\t=\t").replace("\n", "\r\n")
    assert [each.name for each in parse(text.encode(), Path("r.toml"))] == ["a"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"no\.toml: cannot be read: No such file.*check the path"):
        load([tmp_path / "no.toml"])
    with pytest.raises(RuleError, match="this is no file"):
        load([tmp_path])


def test_files_are_asked_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("20-b", "10-a"):
        (tmp_path / f"{name}.toml").write_text(GOOD.replace('"a"', f'"{name}"'))
    ruleset = load([tmp_path / "20-b.toml", tmp_path / "10-a.toml"])
    assert [each.name for each in ruleset.rules] == ["10-a", "20-b"]


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "1.toml").write_text("# first\n" + GOOD)
    (tmp_path / "2.toml").write_text(GOOD)
    with pytest.raises(RuleError, match=r'2\.toml:1: the name "a" is taken by .*1\.toml:2; .*choose another'):
        load([tmp_path / "1.toml", tmp_path / "2.toml"])
    (tmp_path / "3.toml").write_text(GOOD.replace('"a"', '"b"') * 2)
    with pytest.raises(RuleError, match="is taken by"):
        load([tmp_path / "3.toml"])


def test_an_example_sees_its_own_file_alone(tmp_path: Path) -> None:
    (tmp_path / "1.toml").write_text(GOOD)
    quiet = rule(name='"b"', do='"observe"') + '[[rule.example]]\nsend = ["DELE 1"]\nexpect = "observe"\n'
    (tmp_path / "2.toml").write_text(quiet)
    assert len(load([tmp_path / "1.toml", tmp_path / "2.toml"]).rules) == 2


def test_one_failing_example_keeps_everything_out(tmp_path: Path) -> None:
    (tmp_path / "1.toml").write_text(GOOD)
    (tmp_path / "2.toml").write_text(
        rule(name='"b"') + '[[rule.example]]\nsend = ["DELE 1"]\nexpect = "close"\n'
    )
    with pytest.raises(RuleError, match=r'2\.toml:5: example of b: "DELE 1" gives block, expected close'):
        load([tmp_path / "1.toml", tmp_path / "2.toml"])


def test_patterns(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text(GOOD)
    found = expand_patterns([f"{tmp_path}/*.toml", f"{tmp_path}/a.toml"])
    assert [path.name for path in found] == ["a.toml", "b.toml"]
    with pytest.raises(RuleError, match=r"no such rule file; correct rules\.files"):
        expand_patterns([f"{tmp_path}/*.tml"])


WORDS = st.sampled_from(
    [
        *"()[]{}.,\"'\\!&|?:+-<>= \n",
        *("user", "client", "ip", "flags", "size", "exists", "f", "matches", "inside", "has", "now"),
        *("tls", "true", "in", "1", "0x", "1e", '"a"', 'r"', '"""', "é", "\x00", "&&", "=="),
    ]
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=25).map("".join) | st.text(max_size=60))
def test_any_condition_loads_or_is_a_rule_error(source: str) -> None:
    quoted = "".join(f"\\U{ord(letter):08x}" for letter in source if not 0xD800 <= ord(letter) < 0xE000)
    text = f'[[rule]]\nname = "a"\non = ["imap UID STORE"]\ndo = "block"\nwhen = "{quoted}"\n'
    try:
        parse(text.encode(), Path("r.toml"))
    except RuleError as error:
        problem = error
    else:
        return
    assert problem.line <= 5 + source.count("\n")
    assert "\n" not in str(problem)


LINES = st.sampled_from(
    [
        *(
            "[[rule]]",
            "[[rule.example]]",
            "[rule]",
            'name = "a"',
            'on = ["imap *"]',
            'do = "block"',
            "do = 1",
        ),
        *("when = '''", "'''", 'when = "tls"', 'given = {client.ip="1"}'),
        *('send = ["a NOOP"]', "send = []"),
        *('expect = "block"', "rule.x = 1", "given.now = 2026-01-01", "given.now = 99:99", "a" * 30, "= 1"),
    ]
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=12).map("\n".join).map(str.encode) | st.binary(max_size=60))
def test_any_octets_load_or_are_a_rule_error(data: bytes) -> None:
    try:
        run_examples(RuleSet(parse(data, Path("r.toml"))))
    except RuleError as error:
        problem = error
    else:
        return
    assert problem.cause
    assert "\n" not in str(problem)

"""``mailproxy rules`` in a pipe: lines with tabs, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mailproxy.cli.rules import app

RULES = """
[[rule]]
name = "only-desk"
on = ["pop3 DELE"]
when = 'client.ip.inside("10.0.0.0/8")'
do = "allow"
[[rule]]
name = "no-dele"
on = ["pop3 DELE"]
do = "block"
[[rule.example]]
send = ["DELE 1"]
expect = "{expect}"
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "r.toml"
    path.write_text(RULES.replace("{expect}", "block"))
    return path


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_list(rules: Path) -> None:
    first, second = run("list", rules).stdout.splitlines()
    assert first.split("\t") == [
        *("r.toml", "only-desk", "pop3 DELE", 'client.ip.inside("10.0.0.0/8")', "allow", "enforce")
    ]
    assert second.split("\t") == ["r.toml", "no-dele", "pop3 DELE", "always", "block", "enforce"]


def test_list_json(rules: Path) -> None:
    described = json.loads(run("list", rules, "--json").stdout)
    assert [(each["name"], each["do"], each["when"], each["examples"]) for each in described] == [
        ("only-desk", "allow", 'client.ip.inside("10.0.0.0/8")', 0),
        ("no-dele", "block", None, 1),
    ]
    assert described[0]["verbs"] == ["pop3 DELE"]
    assert described[0]["line"] == 2


def test_list_of_the_shipped_ones() -> None:
    assert "pop3-block-dele" in run("list").stdout


def test_files_of_a_configuration(rules: Path) -> None:
    config = rules.parent / "mailproxy.toml"
    config.write_text(
        '[rules]\nfiles = ["r.toml"]\n[upstream.main]\nhost = "127.0.0.1"\n'
        'pop3 = { port = 995, tls = "implicit" }\n'
        '[[listener]]\nprotocol = "pop3"\naddress = "127.0.0.1:1995"\ntls = "implicit"\nupstream = "main"\n'
    )
    assert "no-dele" in run("list", "--config", config).stdout
    rules.unlink()
    assert "mailproxy: " in run("list", "--config", config, code=1).stderr


def test_examples_pass(rules: Path) -> None:
    first, last = run("test", rules).stdout.splitlines()
    assert first.split("\t") == ["passed", "r.toml:11", "no-dele", "DELE 1", "block", "block"]
    assert last == "1 passed, 0 failed"
    (described,) = json.loads(run("test", rules, "--json").stdout)
    assert described["passed"] is True


def test_examples_fail(rules: Path) -> None:
    rules.write_text(RULES.replace("{expect}", "forward"))
    result = run("test", rules, code=1)
    assert result.stdout.startswith("FAILED\tr.toml:11\t")
    assert "gives block, expected forward" in result.stderr
    (described,) = json.loads(run("test", rules, "--json", code=1).stdout)
    assert (described["passed"], described["actual"]) == (False, "block")


@pytest.mark.parametrize("command", ["list", "test"])
def test_a_file_that_cannot_be_used(rules: Path, command: str) -> None:
    rules.write_text("[[rule]]\nnmae = 1\n")
    assert f'{rules}:2: unknown key "nmae"; did you mean "name"?' in run(command, rules, code=1).stderr


def test_fields() -> None:
    everything = run("fields").stdout
    assert "flags\tlist(string)\t" in everything
    assert "inside\t" in everything
    store = run("fields", "imap uid store").stdout
    assert "operation\tstring\timap UID STORE\t" in store
    assert "recipients\t" not in store
    described = json.loads(run("fields", "smtp", "--json").stdout)
    commands = {field["name"]: field["commands"] for field in described["fields"]}
    assert commands["recipients"] == "smtp RCPT, smtp DATA, smtp BDAT"
    assert commands["user"] == "every command"
    assert "matches" in described["functions"]


def test_fields_of_nothing() -> None:
    assert 'did you mean "DELETE"?' in run("fields", "DELETES", code=1).stderr


def explain(rules: Path, *given: str, code: int = 0, on: str = "pop3 DELE", line: str = "dele 1") -> Result:
    words = [part for word in given for part in ("--given", word)]
    return run("explain", rules, "--on", on, "--line", line, *words, code=code)


def test_explain(rules: Path) -> None:
    lines = explain(rules, "user=x").stdout.splitlines()
    assert lines[0].startswith("no\tonly-desk\tr.toml:2\tdoes not hold: client.ip")
    assert lines[1] == "decides\tno-dele\tr.toml:7\thas no condition"
    assert lines[2] == "verdict: block"
    assert explain(rules, "client.ip=10.1.1.1").stdout.splitlines()[-1] == "verdict: allow"


def test_explain_json(rules: Path) -> None:
    result = run("explain", rules, "--on", "pop3 DELE", "--line", "DELE 1", "--json")
    described = json.loads(result.stdout)
    assert described["verdict"] == "block"
    assert [step["decides"] for step in described["steps"]] == [False, True]


def test_explain_in_observe_mode(rules: Path) -> None:
    rules.write_text('[[rule]]\nname = "a"\non = ["pop3 DELE"]\ndo = "block"\nmode = "observe"\n')
    assert "verdict: forward (in observe mode; it would be: block)" in explain(rules).stdout


@pytest.mark.parametrize(
    ("given", "on", "line", "message"),
    [
        ((), "pop3 DELE", "RETR 1", "the line is pop3 RETR, not pop3 DELE"),
        ((), "pop3 DLEE", "DELE 1", 'did you mean "DELE"?'),
        ((), "pop3 DELE", "DLEE 1", 'did you mean "DELE"?'),
        (("usr=x",), "pop3 DELE", "DELE 1", 'did you mean "user"?'),
    ],
)
def test_explain_of_nonsense(rules: Path, given: tuple[str, ...], on: str, line: str, message: str) -> None:
    assert message in explain(rules, *given, code=1, on=on, line=line).stderr


def test_explain_without_a_rule(rules: Path) -> None:
    result = explain(rules, on="imap NOOP", line="a NOOP")
    assert result.stdout.splitlines() == ["No rule is about imap NOOP.", "verdict: forward"]


GUARDED = """
[[rule]]
name = "slow"
on = ["imap EXPUNGE", "imap CLOSE"]
do = "brake"
limit = 3
mode = "{mode}"
[[rule]]
name = "to-archive"
on = ["imap EXPUNGE"]
do = "archive"
"""


@pytest.mark.parametrize(
    ("mode", "line", "verdict"),
    [
        ("enforce", "a EXPUNGE", "brake (archive, until there are too many)"),
        ("enforce", "a CLOSE", "brake (forward, until there are too many)"),
        ("observe", "a EXPUNGE", "archive (in observe mode; it would be: brake)"),
        ("observe", "a CLOSE", "forward (in observe mode; it would be: brake)"),
    ],
)
def test_explain_a_brake(rules: Path, mode: str, line: str, verdict: str) -> None:
    rules.write_text(GUARDED.replace("{mode}", mode))
    lines = explain(rules, on=f"imap {line[2:]}", line=line).stdout.splitlines()
    assert lines[0].startswith("decides\tslow\t")
    assert lines[-1] == f"verdict: {verdict}"


def test_explain_a_brake_beside_an_observed_rule(rules: Path) -> None:
    rules.write_text(GUARDED.replace("{mode}", "enforce") + 'mode = "observe"\n')
    result = run("explain", rules, "--on", "imap EXPUNGE", "--line", "a EXPUNGE", "--json")
    described = json.loads(result.stdout)
    assert (described["verdict"], described["otherwise"]) == ("brake", "forward")


RECORDED = """
[[rule]]
name = "see"
on = ["pop3 DELE"]
do = "capture"
mode = "{mode}"
"""
REFUSED = """
[[rule]]
name = "no"
on = ["pop3 DELE"]
do = "block"
"""


@pytest.mark.parametrize(
    ("text", "mode", "verdict", "described"),
    [
        (RECORDED, "enforce", "forward, and the session is recorded", {"recorded_by": "see"}),
        (REFUSED + RECORDED, "enforce", "block, and the session is recorded", {"recorded_by": "see"}),
        (
            RECORDED,
            "observe",
            "forward, and the session would be recorded (in observe mode)",
            {"would_be_recorded_by": "see"},
        ),
    ],
)
def test_explain_a_rule_that_records(
    rules: Path, text: str, mode: str, verdict: str, described: dict[str, str]
) -> None:
    rules.write_text(text.replace("{mode}", mode))
    lines = explain(rules).stdout.splitlines()
    assert lines[0].startswith("decides\tsee\t")
    assert lines[-1] == f"verdict: {verdict}"
    told = json.loads(run("explain", rules, "--on", "pop3 DELE", "--line", "DELE 1", "--json").stdout)
    assert told["verdict"] == verdict.partition(",")[0]
    assert {name: told[name] for name in told if "recorded" in name} == described


def test_list_json_has_the_settings(rules: Path) -> None:
    rules.write_text(GUARDED.replace("{mode}", "enforce"))
    slow, archive = json.loads(run("list", rules, "--json").stdout)
    assert slow["settings"] == {"limit": 3, "percent": 0.0, "within": 3600.0}
    assert archive["settings"] == {}

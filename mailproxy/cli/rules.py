"""``mailproxy rules``: which rules there are, whether they do what they say, and which one decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mailproxy.cli.tables import print_table

if TYPE_CHECKING:
    from mailproxy.rules.judge import RuleSet
    from mailproxy.rules.rule import Rule
    from mailproxy.session.verdict import Decision

app = typer.Typer(help="The rules: list them, test them, ask which one decides.", no_args_is_help=True)

Files = Annotated[
    list[Path] | None, typer.Argument(help="Rule files. None: those of --config, else the shipped ones.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Take the rule files of this configuration file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_rules(files: Files = None, config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Print every rule in the order in which it is asked."""
    rules = _load(files, config).rules
    if as_json:
        typer.echo(json.dumps([_described(rule) for rule in rules], indent=2))
        return
    rows = [
        (rule.file.name, rule.name, ", ".join(rule.on), _condition(rule), rule.action.value, _mode(rule))
        for rule in rules
    ]
    print_table(("file", "rule", "on", "when", "do", "mode"), rows)


@app.command("test")
def run_tests(files: Files = None, config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Play the examples in the rule files. The exit code is 1 if one comes out otherwise."""
    from mailproxy.rules.examples import try_examples
    from mailproxy.rules.judge import RuleSet
    from mailproxy.rules.load import read

    _load(files, config, examples=False)  # whatever else is wrong is said first
    # File by file, as when they are loaded: each proves itself.
    outcomes = [each for path in _paths(files, config) for each in try_examples(RuleSet(read(path)))]
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        described = [
            {
                "file": str(outcome.rule.file),
                "line": outcome.example.line,
                "rule": outcome.rule.name,
                "send": list(outcome.example.send),
                "expected": outcome.example.expect,
                "actual": outcome.actual,
                "passed": outcome.error is None,
                "error": str(outcome.error or ""),
            }
            for outcome in outcomes
        ]
        typer.echo(json.dumps(described, indent=2))
    else:
        rows = [
            (
                "FAILED" if outcome.error else "passed",
                f"{outcome.rule.file.name}:{outcome.example.line}",
                outcome.rule.name,
                " / ".join(outcome.example.send),
                outcome.example.expect,
                outcome.actual or "no command",
            )
            for outcome in outcomes
        ]
        print_table(("result", "where", "rule", "send", "expected", "actual"), rows)
        for outcome in failed:
            typer.echo(str(outcome.error), err=True)
        typer.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("fields")
def show_fields(
    of: Annotated[
        str | None, typer.Argument(metavar="[PROTOCOL|VERB]", help="pop3, STORE or 'imap UID STORE'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the fields that a condition may name, and which commands have them."""
    from mailproxy.rules import fields
    from mailproxy.rules.errors import did_you_mean
    from mailproxy.rules.verbs import TABLES
    from mailproxy.rules.words import FUNCTIONS, METHODS

    wanted = (of or "").upper()
    chosen = [
        (protocol, verb)
        for protocol, table in TABLES.items()
        for verb in table.values()
        if wanted in ("", protocol.upper(), verb.name, f"{protocol.upper()} {verb.name}")
    ]
    if not chosen:
        known = [*TABLES, *(name for table in TABLES.values() for name in table)]
        _fail(f"no protocol or command is called {(of or '')[:60]!r}; {did_you_mean(wanted, known)}")
    rows = [
        (field.name, field.type, "every command" if field.name in fields.SESSION else having, field.meaning)
        for field in fields.FIELDS.values()
        if (
            having := ", ".join(
                f"{protocol} {verb.name}" for protocol, verb in chosen if field.name in fields.names(verb)
            )
        )
        or field.name in fields.SESSION
    ]
    functions = [(name, text) for name, text in {**FUNCTIONS, **METHODS}.items()]
    if as_json:
        keys = ("name", "type", "commands", "meaning")
        described = [dict(zip(keys, row, strict=True)) for row in rows]
        typer.echo(json.dumps({"fields": described, "functions": dict(functions)}, indent=2))
        return
    print_table(("field", "type", "commands", "meaning"), rows)
    typer.echo()
    print_table(("function", "use"), functions)


@app.command()
def explain(
    on: Annotated[str, typer.Option("--on", help='The command: "pop3 DELE".')],
    line: Annotated[str, typer.Option("--line", help='The line a client sends: "DELE 1".')],
    files: Files = None,
    given: Annotated[
        list[str] | None, typer.Option("--given", help="What else is known: user=NAME, client.ip=ADDRESS.")
    ] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Print which rule decides about a line, and why the earlier ones did not."""
    from mailproxy.rules.examples import facts_of
    from mailproxy.rules.given import BadGiven, given_from_words
    from mailproxy.rules.lines import BadLine, command_from_line
    from mailproxy.rules.verbs import UnknownVerb, expand

    ruleset = _load(files, config)
    try:
        verbs = expand(on)
        protocol = verbs[0][0]
        command = command_from_line(protocol, line.encode("utf-8", "surrogateescape"))
        facts = facts_of(given_from_words(protocol, given or []))
    except (UnknownVerb, BadLine, BadGiven) as error:
        _fail(f"{error}; {error.hint}")
    if (protocol, command.spec) not in verbs:
        _fail(f"the line is {protocol} {command.verb}, not {on}; correct --on or --line")
    steps = ruleset.explain(protocol, command, facts)
    said = [step.decision for step in steps if step.decides and step.decision]
    if as_json:
        described = [
            {
                "rule": step.rule.name,
                "file": str(step.rule.file),
                "line": step.rule.line,
                "matched": step.matched,
                "decides": step.decides,
                "reason": step.reason,
            }
            for step in steps
        ]
        typer.echo(json.dumps({**_verdict(said), "steps": described}, indent=2))
        return
    if steps:
        rows = [
            (
                "decides" if step.decides else "matches" if step.matched else "no",
                step.rule.name,
                f"{step.rule.file.name}:{step.rule.line}",
                step.reason,
            )
            for step in steps
        ]
        print_table(("", "rule", "where", "reason"), rows)
    else:
        typer.echo(f"No rule is about {protocol} {command.verb}.")
    typer.echo(f"verdict: {_verdict_in_words(said)}")


def _verdict(said: Sequence[Decision]) -> dict[str, str]:
    """The word of the first; behind a brake also ``otherwise``: what happens until there are too many."""
    words = [decision.action.value for decision in said]
    if words[:1] == ["capture"]:
        by = "recorded_by" if said[0].enforced else "would_be_recorded_by"
        return {**_verdict(said[1:]), by: said[0].rule}
    if words[:1] == ["brake"]:
        beside = words[1] if len(said) > 1 and said[1].enforced else "forward"
        return {"verdict": "brake", "otherwise": beside}
    return {"verdict": words[0] if words else "forward"}


def _verdict_in_words(said: Sequence[Decision]) -> str:
    if said and said[0].action.value == "capture":
        recorded = "is recorded" if said[0].enforced else "would be recorded (in observe mode)"
        return f"{_verdict_in_words(said[1:])}, and the session {recorded}"
    verdict = _verdict(said)
    word, otherwise = verdict["verdict"], verdict.get("otherwise", "forward")
    if said and not said[0].enforced:
        return f"{otherwise} (in observe mode; it would be: {word})"
    return f"{word} ({otherwise}, until there are too many)" if "otherwise" in verdict else word


def _paths(files: list[Path] | None, config: Path | None) -> list[Path]:
    from mailproxy.rules.errors import RuleError
    from mailproxy.rules.load import expand_patterns
    from mailproxy.rules.shipped import shipped

    if files:
        return sorted(files, key=lambda path: (path.name, str(path)))
    if config is None:
        return shipped()
    from mailproxy.config import ConfigError, load

    try:
        return expand_patterns(load(config).rules.files)
    except (ConfigError, RuleError) as error:
        _fail(str(error))


def _load(files: list[Path] | None, config: Path | None, examples: bool = True) -> RuleSet:
    from mailproxy.rules.errors import RuleError
    from mailproxy.rules.examples import run_examples
    from mailproxy.rules.load import load

    try:
        return load(_paths(files, config), run_examples if examples else None)
    except RuleError as error:
        _fail(str(error))


def _described(rule: Rule) -> dict[str, object]:
    from mailproxy.rules.settings import described

    return {
        "file": str(rule.file),
        "line": rule.line,
        "name": rule.name,
        "on": list(rule.on),
        "verbs": [f"{protocol} {verb.name}" for protocol, verb in rule.verbs],
        "when": rule.condition.source if rule.condition else None,
        "do": rule.action.value,
        "settings": described(rule.action, rule.settings),
        "mode": _mode(rule),
        "why": rule.why,
        "examples": len(rule.examples),
    }


def _condition(rule: Rule) -> str:
    return " ".join(rule.condition.source.split()) if rule.condition else "always"


def _mode(rule: Rule) -> str:
    return "enforce" if rule.enforce else "observe"


def _fail(message: str) -> NoReturn:
    typer.echo(f"mailproxy: {message}", err=True)
    raise typer.Exit(1)

"""The reference pages name all that there is, and nothing that there is not."""

from __future__ import annotations

import ast
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from msgspec.structs import FieldInfo, fields

from mailproxy.config import model
from mailproxy.rules import fields as rule_fields
from mailproxy.rules.schema import KEYS
from mailproxy.rules.words import FUNCTIONS, METHODS
from mailproxy.session.verdict import Action
from tests.docs.commands import all_commands
from tests.docs.pages import REFERENCE, ROOT, rows, sections, spans

CONFIGURATION = {
    "Config": "Top level",
    "Log": "[log]",
    "Store": "[store]",
    "Tls": "[tls]",
    "Rules": "[rules]",
    "Upstream": "[upstream.NAME]",
    "Endpoint": "Endpoint",
    "Listener": "[[listener]]",
    "Limits": "[limits]",
    "Capture": "[capture]",
}
# What the loader fills in; the page says it in words.
FILLED_IN = {
    ("Config", "state"),
    ("Capture", "folder"),
    ("Store", "url"),
    ("Listener", "name"),
    ("Listener", "require_tls"),
}


def structs() -> dict[str, type[msgspec.Struct]]:
    return {
        name: kind
        for name, kind in vars(model).items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct
    }


def said_default(field: FieldInfo) -> str:
    """The default as the page has to say it."""
    if _struct_in(field.type):
        return "required" if field.required else "none" if field.default is None else "see below"
    if field.required:
        return "required"
    value = field.default
    if value in (None, ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _struct_in(kind: Any) -> bool:
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return any(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in parts)


def test_every_table_of_the_configuration_has_a_section() -> None:
    assert structs().keys() == CONFIGURATION.keys()


@pytest.mark.parametrize("name", CONFIGURATION)
def test_keys_of_the_configuration(name: str) -> None:
    table = rows(sections(REFERENCE / "configuration.md")[CONFIGURATION[name]])
    told = {row[0].strip("`"): row[2] for row in table}
    known = {field.name: field for field in fields(structs()[name])}
    assert told.keys() == known.keys()
    for key, field in known.items():
        if (name, key) not in FILLED_IN:
            assert told[key] == said_default(field), f"the default of {key}"


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Fields of every command", rule_fields.SESSION),
        ("Fields of some commands", rule_fields.COMMAND),
    ],
)
def test_fields_of_rules(heading: str, known: dict[str, rule_fields.Field]) -> None:
    table = rows(sections(REFERENCE / "rules.md")[heading])
    told = {row[0].strip("`"): row[1] for row in table}
    assert told == {field.name: field.type for field in known.values()}


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Keys of a rule", set(KEYS["RuleTable"])),
        ("Examples", set(KEYS["ExampleTable"])),
        ("do", {action.value for action in Action}),
        ("Functions", {*FUNCTIONS, *METHODS}),
    ],
)
def test_words_of_rules(heading: str, known: set[str]) -> None:
    table = rows(sections(REFERENCE / "rules.md")[heading])
    assert {word for row in table for word in spans(row[0])} == known


def test_what_an_example_may_give() -> None:
    told = set(spans(sections(REFERENCE / "rules.md")["Examples"]))
    given = {*KEYS["GivenTable"], *(f"client.{part}" for part in KEYS["ClientTable"])} - {"client"}
    assert given <= told


LOGGING = (
    "record/log.py",
    "record/guard_lines.py",
    "record/usage_lines.py",
    "app.py",
    "capture/capturing.py",
    "guardian.py",
    "net/listener.py",
)
SAYING = {"debug", "info", "warning", "error", "say", "_say", "_complain"}


def logged(source: str) -> dict[str, set[str]]:
    """The events that a module says, with their fields."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in SAYING and isinstance(node.args[0].value, str):
                names = {keyword.arg for keyword in node.keywords if keyword.arg}
                found.setdefault(node.args[0].value, set()).update(names)
    return found


def all_logged() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in LOGGING:
        for event, names in logged((ROOT / "mailproxy" / name).read_text(encoding="utf-8")).items():
            found.setdefault(event, set()).update(names)
    return found


def test_events_of_the_log() -> None:
    groups = {"The log", "Events of a session", "Events of a mailbox", "Events of the proxy"}
    assert sections(REFERENCE / "log.md").keys() - groups == all_logged().keys()


@pytest.mark.parametrize("event", sorted(all_logged()))
def test_fields_of_an_event(event: str) -> None:
    assert all_logged()[event] <= set(spans(sections(REFERENCE / "log.md")[event]))


def anomalies() -> set[str]:
    files = [ROOT / "mailproxy" / "session" / "session.py", *(ROOT / "mailproxy" / "guards").glob("*.py")]
    found: set[str] = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Anomaly":
            found |= _texts(node.args[:1])
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_ALERTS":
            assert isinstance(node.value, ast.Dict)
            found |= _texts(node.value.values)
    return found


def _texts(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_names_of_anomalies() -> None:
    table = rows(sections(REFERENCE / "log.md")["anomaly"])
    told = {row[0].strip("`") for row in table} - {"name", "side", "detail"}
    assert told == anomalies()


def test_every_command_has_a_section() -> None:
    told = {
        heading for heading in sections(REFERENCE / "command-line.md") if heading.startswith("mailproxy ")
    }
    assert told == {f"mailproxy {name}" for name in all_commands()}


@pytest.mark.parametrize("name", sorted(all_commands()))
def test_options_of_a_command(name: str) -> None:
    section = sections(REFERENCE / "command-line.md")[f"mailproxy {name}"]
    told = {word for row in rows(section) for word in spans(row[0]) if word.startswith("-")}
    assert told == all_commands()[name] - {"-h", "--help"}


def test_every_guide_and_page_is_linked_in_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT) for path in sorted(ROOT.glob("docs/**/*.md"))]
    assert pages
    assert [page for page in pages if f"({page})" not in text] == []


def test_the_test_itself() -> None:
    assert logged('log.info("a", x=1)\nself.say("b", "error", y=2)\nother("c")') == {"a": {"x"}, "b": {"y"}}
    assert rows("| a | b |\n|---|---|\n| `c` | d\\|e |\n") == [["`c`", "d\\|e"]]
    assert Path(REFERENCE / "log.md").exists()

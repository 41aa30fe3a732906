"""Who may import whom. A part that knows less can be understood, tested and replaced alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mailproxy"

# What a part may import of mailproxy, itself always included; and may it import third parties?
MAY = {
    "events": (set(), False),
    "proto": (set(), False),
    "session": ({"proto", "events"}, False),
    "guards": ({"proto", "session", "events"}, False),
    "rules": ({"proto", "events", "session.verdict"}, True),
    "config": (set(), True),
    "tls": ({"events"}, True),
    "net": ({"session", "tls", "events", "proto.tokens"}, True),
    "record": ({"events", "guards.memory"}, True),
    "store": ({"guards.memory"}, True),
    "archive": ({"guards.memory"}, True),
    "capture": ({"proto", "session", "events"}, True),
    "whatif": ({"capture", "player", "proto", "session", "events", "guards.memory"}, False),
    "player": ({"capture", "proto", "session", "events", "tls"}, True),  # no net: it never connects
    "replay": ({"capture", "proto", "session", "events", "net", "tls"}, True),
}
FREE = {"__init__", "__main__", "app", "cli", "demo", "guardian"}


def imported(source: str) -> set[str]:
    """The dotted names that a module imports, those inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def forbidden(part: str, source: str) -> set[str]:
    """The imports of a module of this part that its layer does not allow."""
    ours, third_parties = MAY[part]
    wrong = set()
    for name in imported(source):
        top, _, rest = name.partition(".")
        if top == "mailproxy":
            within = any(f"{rest}.".startswith(f"{allowed}.") for allowed in (*ours, part))
        else:
            within = third_parties or top in sys.stdlib_module_names
        if not within:
            wrong.add(name)
    return wrong


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("name", FILES)
def test_imports(name):
    part = part_of(FILES[name])
    assert part in MAY or part in FREE, "a new part needs its row above"
    if part in MAY:
        assert forbidden(part, FILES[name].read_text()) == set()


@pytest.mark.parametrize(
    ("part", "source", "wrong"),
    [
        ("proto", "import re, trio", {"trio"}),
        ("proto", "from mailproxy.proto.inbox import Inbox", set()),
        ("session", "def f():\n  from mailproxy import net", {"mailproxy.net"}),
        ("rules", "from mailproxy.session.verdict import Judge", set()),
        ("rules", "from mailproxy.session.session import Session", {"mailproxy.session.session.Session"}),
        ("record", "import mailproxy.events_more", {"mailproxy.events_more"}),
    ],
)
def test_the_test_itself(part, source, wrong):
    assert forbidden(part, source) == wrong

"""Every module has a test file of its own, in the same place and with the same name."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent

# Modules without a test file of their own, and why that is right.
EXCEPTIONS = {
    "__init__.py": "the version alone; hatch reads it",
    "__main__.py": "two lines; every test that starts a process runs them",
    "archive/__init__.py": "a docstring",
    "capture/__init__.py": "a docstring",
    "capture/model.py": "what is read out of a file, as data: tests/capture/test_reading.py makes all of it",
    "capture/parts.py": "what was said, as data alone: tests/capture/test_follower.py makes all of it",
    "cli/capture.py": "the table of its commands: tests/docs/test_reference.py asks for each of them",
    "cli/replay.py": "the table of its commands: tests/docs/test_reference.py asks for each of them",
    "cli/__init__.py": "the table of commands: tests/cli/test_cli.py tests it through processes",
    "config/__init__.py": "names of other modules",
    "config/model.py": "tables and defaults: tests/config/test_loading.py reads every one of them",
    "demo/__init__.py": "a docstring",
    "guards/memory.py": "what guards ask of a store: its classes have tests, and the guards too",
    "player/__init__.py": "a docstring",
    "rules/__init__.py": "names of other modules",
    "rules/schema.py": "the keys of a rule file: tests/rules/test_load.py reads every one of them",
    "session/guard.py": "what a session and its guards say to each other: tests/session/test_dialogues.py",
    "session/options.py": "settings and their defaults alone",
}


def modules() -> set[str]:
    """All modules with at least one line in them."""
    package = ROOT / "mailproxy"
    return {
        str(file.relative_to(package)) for file in package.rglob("*.py") if file.read_text(encoding="utf-8")
    }


def test_file_of(module: str) -> Path:
    path = Path(module)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


test_file_of.__test__ = False  # type: ignore[attr-defined]


def test_every_module_has_its_own_test_file() -> None:
    missing = {module for module in modules() if not test_file_of(module).is_file()}
    assert missing - EXCEPTIONS.keys() == set()


def test_every_exception_is_still_one() -> None:
    assert EXCEPTIONS.keys() - modules() == set()
    assert {module for module in EXCEPTIONS if test_file_of(module).is_file()} == set()

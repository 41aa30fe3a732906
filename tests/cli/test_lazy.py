"""Commands whose modules are imported when they are used."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mailproxy.cli.lazy import LazyCommand, group_of

NAMES = ("lazy_one", "lazy_many")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[typer.Typer]:
    """Two commands in modules of their own: a function, and a group."""
    (tmp_path / "lazy_one.py").write_text(
        textwrap.dedent('''
        def greet(name: str) -> None:
            """Says hello."""
            print("hello", name)
        ''')
    )
    (tmp_path / "lazy_many.py").write_text(
        textwrap.dedent("""
        import typer
        app = typer.Typer()
        @app.command()
        def one() -> None:
            print("one")
        @app.command()
        def two() -> None:
            print("two")
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    commands = (
        LazyCommand("greet", "lazy_one", "greet", "Greets."),
        LazyCommand("many", "lazy_many", "app", "Does more."),
        LazyCommand("gone", "lazy_missing", "app", "Is not there."),
    )
    made = typer.Typer(cls=group_of(commands), rich_markup_mode=None)
    made.callback()(lambda: None)
    yield made
    for name in NAMES:
        sys.modules.pop(name, None)


def imported() -> list[str]:
    return [name for name in NAMES if name in sys.modules]


def test_help_lists_all_and_imports_nothing(app: typer.Typer) -> None:
    said = CliRunner().invoke(app, ["--help"])
    assert said.exit_code == 0
    for words in ("greet", "Greets.", "many", "Does more.", "gone"):
        assert words in said.output
    assert imported() == []


@pytest.mark.parametrize(
    ("arguments", "output", "modules"),
    [
        (["greet", "you"], "hello you\n", ["lazy_one"]),
        (["many", "two"], "two\n", ["lazy_many"]),
    ],
)
def test_only_what_is_used_is_imported(
    app: typer.Typer, arguments: list[str], output: str, modules: list[str]
) -> None:
    said = CliRunner().invoke(app, arguments)
    assert (said.exit_code, said.output) == (0, output)
    assert imported() == modules


def test_its_own_help_names_it(app: typer.Typer) -> None:
    said = CliRunner().invoke(app, ["greet", "--help"])
    assert "greet" in said.output
    assert "Says hello." in said.output


def test_an_unknown_command_imports_nothing(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2
    assert imported() == []


def test_a_module_that_is_not_there(app: typer.Typer) -> None:
    assert isinstance(CliRunner().invoke(app, ["gone"]).exception, ImportError)

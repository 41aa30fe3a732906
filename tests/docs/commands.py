"""The commands of the command line, asked from the Typer app itself."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from mailproxy.cli import app

_BEFORE = re.compile(r"\s*(?:Exec\w+=|sudo (?:-u \S+ )?)")
_SHELL_ENDS = {"|", ">", "&&", "||", ";", "<"}


class NoSuchCommand(ValueError):
    """The text names a command or an option that there is not."""


@cache
def root() -> Any:
    return get_command(app)


def resolve(words: list[str]) -> tuple[str, Any, list[str]]:
    """The name of the command, the command, and the words behind it.

    Raises:
        NoSuchCommand: there is none.
    """
    names: list[str] = []
    command: Any = root()
    context = command.make_context("mailproxy", [], resilient_parsing=True)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        if words[0] not in command.list_commands(context):
            raise NoSuchCommand(f"mailproxy {' '.join([*names, words[0]])}")
        _, command, rest = command.resolve_command(context, words)
        names.append(words[0])
        context = command.make_context(names[-1], [], parent=context, resilient_parsing=True)
        words = rest
    return " ".join(names), command, words


def options_of(command: Any) -> set[str]:
    """All options, long and short."""
    found = {"-h", "--help"}
    for parameter in command.params:
        if parameter.param_type_name == "option":
            found.update((*parameter.opts, *parameter.secondary_opts))
    return found


@cache
def all_commands() -> dict[str, set[str]]:
    """Every command that is no group, with its options."""
    found: dict[str, set[str]] = {}
    context = root().make_context("mailproxy", [], resilient_parsing=True)
    for first in root().list_commands(context):
        _, command, _ = resolve([first])
        if isinstance(command, TyperGroup):
            for second in command.list_commands(context):
                found[f"{first} {second}"] = options_of(resolve([first, second])[1])
        else:
            found[first] = options_of(command)
    return found


def mentioned(line: str) -> list[str] | None:
    """The words behind ``mailproxy`` in a line of shell or of a unit, None when it does not call it."""
    try:
        words = shlex.split(_BEFORE.sub("", line), comments=True)
    except ValueError:
        return None
    if not words or not re.fullmatch(r"(?:[\w.-]*/|/)*mailproxy", words[0]):
        return None
    end = next((at for at, word in enumerate(words) if word in _SHELL_ENDS), len(words))
    return words[1:end]


def check_mention(words: list[str]) -> None:
    """Every name of a command and every option exists; what is required may be missing.

    Raises:
        NoSuchCommand: one does not.
    """
    name, command, rest = resolve(words)
    if rest and isinstance(command, TyperGroup) and not rest[0].startswith("-"):
        raise NoSuchCommand(f"mailproxy {name} {rest[0]}")
    known = options_of(command)
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in known:
            raise NoSuchCommand(f"mailproxy {name} {word}")


def check_call(words: list[str]) -> None:
    """The whole line would be accepted: nothing unknown, nothing missing.

    Raises:
        NoSuchCommand: it would not; the text says why.
    """
    check_mention(words)
    name, command, rest = resolve(words)
    if isinstance(command, TyperGroup):
        raise NoSuchCommand(f"mailproxy {name}: a command is missing")
    try:
        command.make_context(name, rest)
    except Exception as error:  # of the library that Typer carries inside
        raise NoSuchCommand(f"mailproxy {' '.join(words)}: {error or type(error).__name__}") from error

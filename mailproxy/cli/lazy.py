"""Commands whose modules are imported when they are used, not when they are listed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """``attribute`` of ``module`` is a Typer app (a group) or a function (one command)."""

    name: str
    module: str
    attribute: str
    help: str

    def load(self) -> Any:
        """The real command. Raises ImportError."""
        target = getattr(importlib.import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            target.rich_markup_mode = None  # all pages of help look alike
            loaded: Any = get_group(target)
        else:
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command()(target)
            loaded = get_command(single)
        loaded.name = self.name
        return loaded


def group_of(commands: tuple[LazyCommand, ...]) -> type[TyperGroup]:
    """A group class for ``typer.Typer(cls=…)`` that lists these, and loads the one that is named."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            for command in commands:
                self.add_command(TyperCommand(command.name, callback=None, help=command.help))

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            for command in commands:
                if args and command.name == args[0]:
                    self.add_command(command.load())
            return super().resolve_command(ctx, args)

    return LazyGroup

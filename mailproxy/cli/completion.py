"""What a shell offers behind ``--user`` and ``--rule``: names of the configuration that ``--config`` tells.

A shell asks in the middle of typing. Whatever is wrong then, nothing is offered and nothing is said.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mailproxy.config import Config


def complete_user(ctx: typer.Context, incomplete: str) -> list[str]:
    """Users that the store knows."""
    from mailproxy.cli.opened import opened, users_of

    config = _config(ctx)
    if config is None:
        return []
    try:
        with redirect_stderr(io.StringIO()), opened(config) as store:
            return _offered(users_of(store), incomplete)
    except typer.Exit:
        return []


def complete_rule(ctx: typer.Context, incomplete: str) -> list[str]:
    """Rules of the configuration's rule files."""
    from mailproxy.rules import RuleError
    from mailproxy.rules.load import expand_patterns, load

    config = _config(ctx)
    if config is None:
        return []
    try:
        rules = load(expand_patterns(config.rules.files), None).rules
    except RuleError:
        return []
    return _offered((rule.name for rule in rules), incomplete)


def _config(ctx: typer.Context) -> Config | None:
    from mailproxy.config import ConfigError, load

    file = ctx.params.get("config")
    try:
        return load(Path(file)) if file else None
    except ConfigError:
        return None


def _offered(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in set(names) if name.startswith(incomplete) and name.isprintable())

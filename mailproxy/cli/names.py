"""Names of users, rules and upstreams as they stand on a command line."""

from __future__ import annotations

from typing import Annotated

import typer

from mailproxy.cli.completion import complete_user
from mailproxy.config.errors import printable


def utf8_name(name: str | None) -> str | None:
    """The name as it is: the callback of an option.

    Raises:
        typer.BadParameter: it was given in octets that are not UTF-8; the store has no such names.
    """
    try:
        (name or "").encode()
    except UnicodeEncodeError:
        hint = "write it as the commands with list print it"
        raise typer.BadParameter(f'"{printable(name or "")}" is not UTF-8; {hint}') from None
    return name


OnlyUser = Annotated[
    str | None,
    typer.Option("--user", help="Only this user's.", autocompletion=complete_user, callback=utf8_name),
]

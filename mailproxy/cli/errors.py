"""How a command says that it failed: one plain line each, on standard error."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from mailproxy.config.errors import ConfigError, printable

# Their modules are slow to import.
_BY_NAME = ("TlsError", "RuleError", "StoreError", "MemoryFailed")


def complain(error: Exception) -> bool:
    """Prints an error that a user can mend; False when it is a mistake of ours, with nothing printed."""
    if isinstance(error, ConfigError):
        for one in (error, *error.others):
            say_error(str(one))
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        say_error(f"{place}{error.strerror or error}")
    elif isinstance(error, ImportError):
        say_error(f"{error}: the installation is incomplete. Install mailproxyd anew")
    elif type(error).__name__ in _BY_NAME:
        say_error(str(error))
    else:
        return False
    return True


def say_error(text: str) -> None:
    """``mailproxy: error: …`` on standard error; nothing in the text can command the terminal."""
    print(f"mailproxy: error: {printable(text)}", file=sys.stderr)


def fail(text: str) -> NoReturn:
    """Says why the command failed, and ends it with exit code 1.

    Raises:
        typer.Exit: always.
    """
    say_error(text)
    raise typer.Exit(1)

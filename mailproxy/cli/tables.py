"""How rows are printed: a table for people, lines with tabs for a pipe, JSON for programs.

Whatever a mail program or server made up (names, UIDLs) may stand in them: nothing in it
can command the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import typer

from mailproxy.config.errors import printable


def on_terminal() -> bool:
    """Does a person read standard output?"""
    return sys.stdout.isatty()


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; in a pipe one line for each row, with tabs between the columns."""
    if not on_terminal():
        lines = ["\t".join([printable(cell) for cell in row]) for row in rows]
        if lines:
            typer.echo("\n".join(lines))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in head:
        table.add_column(name, overflow="fold")  # what is cut off may be what matters: the end of a UIDL
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def print_json(value: object) -> None:
    """JSON in ASCII. Even DEL is escaped, which the library leaves as it is."""
    typer.echo(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def time_of(seconds: float) -> str:
    """A point in time, in seconds since 1970: the local time on a terminal, in a pipe as :func:`utc`."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}" if on_terminal() else utc(seconds)


def utc(seconds: float) -> str:
    """A point in time, in seconds since 1970, as ISO 8601 in UTC to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def size_of(octets: int) -> str:
    """A size: ``1.2 MB`` on a terminal, the number of octets in a pipe."""
    if not on_terminal():
        return str(octets)
    from rich.filesize import decimal

    return decimal(octets)


def counted(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

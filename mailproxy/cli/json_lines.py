"""JSON that is printed while it is made: a list or an object that need not be in memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable


def print_members(members: Iterable[tuple[str, object]]) -> None:
    """An object whose values may be iterators: those become lists, with one line for each of theirs."""
    write = sys.stdout.write
    write("{")
    between = "\n"
    for name, value in members:
        write(f"{between}  {_json(name)}: ")
        if hasattr(value, "__next__"):
            _print_list(value, "  ")  # type: ignore[arg-type]
        else:
            write(_json(value))
        between = ",\n"
    write("\n}\n")


def print_list(values: Iterable[object]) -> None:
    """A list, with one line for each value."""
    _print_list(values, "")
    sys.stdout.write("\n")


def _print_list(values: Iterable[object], indent: str) -> None:
    write = sys.stdout.write
    between = "["
    for value in values:
        write(f"{between}\n{indent}  {_json(value)}")
        between = ","
    write(f"\n{indent}]" if between == "," else "[]")


def _json(value: object) -> str:
    """ASCII; even DEL is escaped, which the library leaves as it is."""
    return json.dumps(value).replace("\x7f", "\\u007f")

"""Parsed TOML into the Structs of :mod:`mailproxy.config.model`, saying all that does not fit.

msgspec converts each value; the walk is ours, so that a problem names its key, and
so that one mistake does not hide the next.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

from mailproxy.config.errors import KeyPath, dotted, shown

Report = Callable[[KeyPath, str, str], None]
"""Takes the key path, the cause and the hint of a problem."""

S = TypeVar("S", bound=msgspec.Struct)


def build(kind: type[S], raw: object, at: KeyPath, base: Path, report: Report) -> S | None:
    """The Struct ``kind`` from a parsed table; None, and at least one report, when it does not fit.

    ``base`` is the folder that relative paths are resolved against.
    """
    if not isinstance(raw, dict):
        report(
            at, f"{shown(raw)} stands where a table is expected", f"Write [{dotted(at)}], its keys below it"
        )
        return None
    values: dict[str, Any] = {}
    sound = True
    known = {field.name: field for field in fields(kind)}
    for key in raw.keys() - known.keys():
        report((*at, key), "there is no such key", did_you_mean(key, known))
        sound = False
    for name, field in known.items():
        if name in raw:
            value = _value(field.type, raw[name], (*at, name), base, report)
            sound = sound and value is not _BAD
            values[name] = value
        elif field.required:
            report(at, f'"{name}" is missing', f"It is {describe(field.type)}")
            sound = False
    return kind(**values) if sound else None


class _Bad:
    """Stands for a value that was reported."""


_BAD = _Bad()


def _value(kind: Any, raw: object, at: KeyPath, base: Path, report: Report) -> Any:
    inner = _struct_in(kind)
    if inner is not None:
        return _or_bad(build(inner, raw, at, base, report))
    if get_origin(kind) is dict and isinstance(raw, dict):
        inner = get_args(kind)[1]
        tables = {name: build(inner, table, (*at, name), base, report) for name, table in raw.items()}
        return _BAD if None in tables.values() else tables
    if get_origin(kind) is tuple and _struct_in(get_args(kind)[0]) and isinstance(raw, list):
        inner = get_args(kind)[0]
        rows = tuple(build(inner, table, (*at, index), base, report) for index, table in enumerate(raw))
        return _BAD if None in rows else rows
    try:
        return msgspec.convert(raw, kind, dec_hook=lambda wanted, given: _path(wanted, given, base))
    except (msgspec.ValidationError, OverflowError):
        report(at, f"{shown(raw)} is not {describe(kind)}", _hint(kind, raw))
        return _BAD


def _or_bad(value: Any) -> Any:
    return _BAD if value is None else value


def _path(wanted: type, given: object, base: Path) -> Path:
    if wanted is not Path or not isinstance(given, str) or not given or not given.isprintable():
        raise ValueError
    return base / given


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    for part in get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,):
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part
    return None


def describe(kind: Any) -> str:
    """What a field takes, in words: ``a whole number from 1 to 65535``."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return describe(parts[0]) + _range(parts[1:])
    if origin is Literal:
        return "one of " + ", ".join(f'"{word}"' for word in parts)
    if origin in (Union, types.UnionType):
        return describe(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return "a list of tables" if _struct_in(parts[0]) else "a list of texts in quotes"
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
        Path: "a path in quotes",
    }
    return names.get(kind, "a table")


def _range(metas: Iterable[Any]) -> str:
    text = ""
    for meta in metas:
        if meta.min_length is not None:
            text += " that is not empty"
        if meta.ge is not None:
            text += f" from {meta.ge}"
        if meta.gt is not None:
            text += f" above {meta.gt}"
        if meta.le is not None:
            text += f" to {meta.le}" if meta.ge is not None else f" up to {meta.le}"
    return text


def _hint(kind: Any, raw: object) -> str:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal and isinstance(raw, str):
        return did_you_mean(raw, get_args(kind))
    if kind in (bool, int, float) and isinstance(raw, str):
        return "Write it without quotes"
    if get_origin(kind) is tuple and isinstance(raw, str):
        return "Put it into brackets"
    return ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the known word that is most like this one, or else all of them."""
    names = list(known)
    near = difflib.get_close_matches(word.lower()[:80], names, n=1)
    return f'Did you mean "{near[0]}"?' if near else "Known here: " + ", ".join(names)

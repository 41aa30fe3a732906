"""Reads rule files: TOML text to a :class:`RuleSet`, or one error that says what to do."""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from mailproxy.rules.compile import Compiler
from mailproxy.rules.errors import RuleError, did_you_mean
from mailproxy.rules.examples import run_examples
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.places import Places
from mailproxy.rules.rule import Rule
from mailproxy.rules.schema import KEYS, FileTable

LARGEST_FILE = 8 * 1024 * 1024  # octets

_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT_PATH = re.compile(r"(.*?) - at `\$([^`]*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")


def expand_patterns(patterns: Iterable[str]) -> list[Path]:
    """The files that shell patterns stand for, in name order, each once.

    Raises:
        RuleError: a pattern stands for no file: then nothing would be guarded.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        matches = [Path(name) for name in glob.glob(pattern)] or [Path(pattern)]
        if not matches[0].exists():
            raise RuleError(pattern, 0, "no such rule file", "correct rules.files, or remove the entry")
        found.update({path.resolve(): path for path in matches})
    return _in_order(found.values())


def load(files: Iterable[Path], examples: Callable[[RuleSet], None] | None = run_examples) -> RuleSet:
    """The rules of all files, in the order of the files' names, tried with their examples.

    Raises:
        RuleError: a file cannot be used. No rule of any file is then in force.
    """
    rules: list[Rule] = []
    names: dict[str, Rule] = {}
    for path in _in_order(files):
        loaded = read(path)
        for rule in loaded:
            other = names.setdefault(rule.name, rule)
            if other is not rule:
                cause = f'the name "{rule.name}" is taken by {other.file}:{other.line}'
                raise RuleError(path, rule.line, cause, "a name tells which rule decided; choose another")
        if examples is not None:
            examples(RuleSet(loaded))
        rules.extend(loaded)
    return RuleSet(rules)


def read(path: Path) -> list[Rule]:
    """The rules of one file; examples are not tried.

    Raises:
        RuleError: the file cannot be used.
    """
    try:
        if path.exists() and not path.is_file():
            raise RuleError(
                path,
                0,
                "this is no file",
                "name the rule files themselves, or a pattern such as rules/*.toml",
            )
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        cause = f"cannot be read: {error.strerror or 'error'}"
        raise RuleError(path, 0, cause, "check the path and the permissions") from error
    return parse(data, path)


def parse(data: bytes, path: Path) -> list[Rule]:
    """The rules in the octets of a file; ``path`` is named in errors.

    Raises:
        RuleError: they are not rules.
    """
    if len(data) > LARGEST_FILE:
        raise RuleError(path, 0, f"the file is larger than {LARGEST_FILE} octets", "split it")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise RuleError(path, 1, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RuleError(path, line, "the file is not UTF-8", "save it as UTF-8") from error
    places = Places(text)
    table = _toml(text, path)
    if not table or table.get("rule") == []:
        raise RuleError(
            path, 0, "the file has no rule", "add a [[rule]], or remove the file from rules.files"
        )
    try:
        file = msgspec.convert(table, FileTable)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), path, places) from error
    compiler = Compiler(path, places)
    return [compiler.rule(index, each) for index, each in enumerate(file.rule)]


def _in_order(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda path: (path.name, str(path)))


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise RuleError(path, 0, "the file is nested too deeply", "rules need no nesting") from error
    except ValueError as error:  # TOMLDecodeError, and what it leaves to int() and datetime()
        match = _AT_LINE.search(str(error))
        line = int(match[1]) if match else text.count("\n") + 1 if "end of document" in str(error) else 0
        cause = re.sub(r"\s*\(at [^)]*\)", "", str(error))[:200]
        where = f" (column {match[2]})" if match else ""
        raise RuleError(
            path, line, f"this is not TOML: {cause}{where}", "strings need quotes; see toml.io"
        ) from error


def _invalid(message: str, path: Path, places: Places) -> RuleError:
    match = _AT_PATH.match(message)
    cause, at = (match[1], _path(match[2])) if match else (message, ())
    if unknown := _UNKNOWN.match(cause):
        where = (*at, unknown[1])
        return RuleError(
            path, places.line(where), f'unknown key "{unknown[1]}"', did_you_mean(unknown[1], _keys(at))
        )
    if missing := _MISSING.match(cause):
        hint = (
            "each [[rule.example]] needs send and expect"
            if "example" in at
            else "each [[rule]] needs name, on and do"
        )
        return RuleError(path, places.line(at), f'the key "{missing[1]}" is missing', hint)
    key = ".".join(str(part) for part in at if isinstance(part, str) and part not in ("rule", "example"))
    cause = cause[:1].lower() + cause[1:].replace("`", "").replace(" | null", "")
    hint = 'write it as "30d"' if key in ("keep_for", "within") else "correct the value"
    return RuleError(path, places.line(at), f"{key or 'rule'}: {cause}", hint)


def _keys(at: tuple[str | int, ...]) -> tuple[str, ...]:
    last = next((part for part in reversed(at) if isinstance(part, str)), "")
    tables = {"": "FileTable", "rule": "RuleTable", "example": "ExampleTable", "given": "GivenTable"}
    return KEYS[tables.get(last, "ClientTable")]


def _path(text: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[A-Za-z_]+|\d+", text))

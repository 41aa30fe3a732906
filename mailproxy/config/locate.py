"""On which line of a TOML text a key stands.

The parser of the standard library does not say. The text has been parsed before,
so this scanner trusts its syntax, and a line that cannot be found is no failure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from mailproxy.config.errors import KeyPath

_TOKEN = re.compile(
    r'''(?P<skip>[ \t\r]+|\#[^\n]*)
      |(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
      |(?P<mark>[\[\]{}=,.\n])
      |(?P<word>[^\s\[\]{}=,."'\#]+)''',
    re.VERBOSE | re.DOTALL,
)


def line_of(text: str, path: KeyPath) -> int:
    """The line (from 1) of the key, or of the nearest table around it; 0 when none is found."""
    try:
        lines = _Scanner(text).lines()
    except (RecursionError, IndexError, ValueError):
        return 0
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


class _Scanner:
    """One pass over the tokens; ``found`` has the first line of each key path."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0
        self.found: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def lines(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.at < len(self.tokens):
            if self.peek() == "\n":
                self.at += 1
            elif self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.found

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def header(self) -> KeyPath:
        line = self.tokens[self.at][1]
        self.at += 1
        many = self.peek() == "["
        self.at += many
        keys = self.keys("]")
        self.at += 1 + many
        path: KeyPath = ()
        for position, key in enumerate(keys, 1):
            path = (*path, key)
            self.note(path, line)
            if path in self.counts and not (many and position == len(keys)):
                path = (*path, self.counts[path])
        if many:
            self.counts[path] = self.counts.get(path, -1) + 1
            path = (*path, self.counts[path])
        self.note(path, line)
        return path

    def keys(self, end: str) -> list[str]:
        parts = []
        while self.peek() not in (end, ""):
            if self.peek() != ".":
                parts.append(_unquoted(self.peek()))
            self.at += 1
        return parts

    def pair(self, table: KeyPath) -> None:
        line = self.tokens[self.at][1]
        path = table
        for key in self.keys("="):
            path = (*path, key)
            self.note(path, line)
        self.at += 1
        self.value(path)

    def value(self, path: KeyPath) -> None:
        opening = self.peek()
        if opening not in ("[", "{"):
            while self.peek() not in (",", "]", "}", "\n", ""):
                self.at += 1
            return
        self.at += 1
        index = 0
        while self.peek() not in ("]", "}", ""):
            if self.peek() in (",", "\n"):
                self.at += 1
            elif opening == "{":
                self.pair(path)
            else:
                self.note((*path, index), self.tokens[self.at][1])
                self.value((*path, index))
                index += 1
        self.at += 1

    def note(self, path: KeyPath, line: int) -> None:
        self.found.setdefault(path, line)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield match.group(), line
        line += match.group().count("\n")


def _unquoted(token: str) -> str:
    if token[0] not in "\"'":
        return token
    return str(tomllib.loads(f"k = {token}")["k"])

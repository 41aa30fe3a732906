"""Where in a rule file a rule or a key stands.

The TOML reader of the standard library keeps no positions, and an error
without a line sends people searching.
"""

from __future__ import annotations

import re

_RULE = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_EXAMPLE = re.compile(r"\s*\[\[\s*rule\s*\.\s*example\s*\]\]")
_KEY = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*(?:\.|=)")

Path = tuple[str | int, ...]


class Places:
    """The lines of a rule file, by path: ``("rule", 0, "example", 1, "send")``."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        rules = examples = 0
        table: Path = ()
        quote = ""
        for number, line in enumerate(text.split("\n"), 1):
            if not quote:
                if _RULE.match(line):
                    table, rules, examples = ("rule", rules), rules + 1, 0
                    self._lines[table] = number
                elif _EXAMPLE.match(line):
                    table, examples = ("rule", max(rules - 1, 0), "example", examples), examples + 1
                    self._lines[table] = number
                elif match := _KEY.match(line):
                    self._lines.setdefault((*table, match[1]), number)
            quote = _open_quote(line, quote)

    def line(self, path: Path) -> int:
        """The line of the nearest thing on the way to ``path`` that is known; 0 if nothing is."""
        return next(
            (self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 0
        )


def _open_quote(line: str, quote: str) -> str:
    """The quotes of the string over several lines that is open behind this one, or nothing."""
    at = 0
    while at < len(line):
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return quote
            at, quote = end + 3, ""
            continue
        match = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#').search(line, at)
        if match is None or match[0] == "#":
            return ""
        if len(match[0]) == 3 and match[0] in ('"""', "'''"):
            quote = match[0]
        at = match.end()
    return quote

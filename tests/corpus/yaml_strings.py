"""The strings of one key in a YAML file, as far as they are in double quotes (YAML 1.2 §7.3.1)."""

from __future__ import annotations

import re

_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "e": "\x1b",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}
_ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\n[ \t]*|(.))")
_FOLD = re.compile(r"[ \t]*\n[ \t]*((?:\n[ \t]*)*)")


def quoted_strings(text: str, key: str) -> tuple[list[str], int]:
    """The values of ``key`` that stand in double quotes, and how often the key stands there at all."""
    lines = re.compile(
        rf'^\s*{re.escape(key)}:\s*(?:&\S+\s*)?(?:"((?:[^"\\]|\\.)*)")?', re.MULTILINE | re.DOTALL
    )
    found = list(lines.finditer(text))
    return [_value(match[1]) for match in found if match[1] is not None], len(found)


def _value(quoted: str) -> str:
    """A line break is a blank, several are one fewer, one behind a backslash is none."""
    joined = re.sub(r"(?<!\\)((?:\\\\)*)\\\n[ \t]*", r"\1", quoted)
    folded = _FOLD.sub(lambda match: "\n" * match[1].count("\n") or " ", joined)
    return _ESCAPED.sub(_character, folded)


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16))
    return _ESCAPES.get(match[4], match[4]) if match[4] else ""

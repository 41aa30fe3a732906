"""What is wrong with a configuration file, said so that it can be mended."""

from __future__ import annotations

import re
from pathlib import Path

KeyPath = tuple[str | int, ...]
"""Where a value stands: ``("listener", 0, "tls")``."""


class ConfigError(Exception):
    """One thing that is wrong: where it stands, why, and the likely fix.

    ``key`` is a dotted path such as ``listener[0].upstream``, empty when the whole
    file is meant; ``line`` counts from 1, and is 0 when no line can be named.
    ``others`` are further problems of the same file.
    """

    def __init__(self, file: Path, key: str, line: int, cause: str, hint: str = "") -> None:
        super().__init__(cause)
        self.file = file
        self.key = key
        self.line = line
        self.cause = cause
        self.hint = hint
        self.others: tuple[ConfigError, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        text = f"{place}: {self.key}: {self.cause}." if self.key else f"{place}: {self.cause}."
        stop = "" if self.hint.endswith("?") else "."
        return printable(f"{text} {self.hint}{stop}" if self.hint else text)


def dotted(path: KeyPath) -> str:
    """``("listener", 0, "tls")`` as ``listener[0].tls``; a key that is not bare is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else shown(part))
    return text


def shown(value: object) -> str:
    """A value of the file as it may stand in a message: short, and without control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        cut = value if len(value) <= 60 else value[:60] + "…"
        return '"' + printable(cut) + '"'
    # str() of an integer beyond 4300 digits raises; TOML may write one in hexadecimal
    if isinstance(value, int) and value.bit_length() > 64:
        return "a very large number"
    return printable(str(value)[:60])


def printable(text: str) -> str:
    """The text with everything that a terminal might obey written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

"""What is wrong with a rule file, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class RuleError(Exception):
    """A rule file cannot be used. The text names file, line, cause and the next step.

    ``line`` counts from 1; 0 stands for the file as a whole.
    """

    def __init__(self, file: Path | str, line: int, cause: str, hint: str = "") -> None:
        self.file = str(file)
        self.line = line
        self.cause = cause
        self.hint = hint
        where = f"{self.file}:{line}" if line else self.file
        super().__init__(f"{where}: {cause}" + (f"; {hint}" if hint else ""))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean "…"?`` for the nearest of ``known``, or the whole list when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word[:100], names, n=1) or [
        name for name in names if name.casefold() == word.casefold()
    ]
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(names)}"

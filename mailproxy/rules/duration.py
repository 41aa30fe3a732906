"""Lengths of time, as people write them: ``90s``, ``10m``, ``12h``, ``30d``, ``2w``."""

from __future__ import annotations

import re

LONGEST = 36_500 * 86_400  # seconds: a hundred years, so that a point in time can be had from each

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,12})([smhdw])")


class BadDuration(ValueError):
    """A text is no length of time. ``hint`` says how one is written; the text of the error holds both."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(f"{cause}; {hint}")
        self.cause = cause
        self.hint = hint


def parse_duration(text: str) -> float:
    """The length in seconds: a whole number and one of the units s, m, h, d, w.

    Raises:
        BadDuration: it is none, or it is not between one second and a hundred years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        shown = "".join(letter if letter.isprintable() else "?" for letter in text[:40])
        raise BadDuration(f'"{shown}" is no length of time', "write a number and s, m, h, d or w, as in 30d")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= LONGEST:
        raise BadDuration(f'"{text}" is too {"long" if seconds else "short"}', "from 1s to 36500d")
    return float(seconds)

"""What came of a captured session under other rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailproxy.capture.conversations import Conversation

FORWARD = "forward"
HARMLESS = frozenset({FORWARD, "allow", "answered"})
"""The verdicts with which the command has the effect that the mail program means."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one command.

    ``time`` is when it was captured, in seconds since 1970. ``verdict``, ``rule``, ``why`` and ``status`` are
    as in the log; ``text`` are the arguments without their secrets. ``would`` are rules in observe mode with
    what they would have done. ``then`` are the fields with which the proxy that recorded the session told
    its own verdict; None in captures of others, and where it told none.
    """

    time: float
    user: str
    verb: str
    text: str
    verdict: str
    rule: str = ""
    why: str = ""
    status: str = ""
    would: tuple[tuple[str, str], ...] = ()
    then: Mapping[str, Any] | None = None

    @property
    def changed(self) -> bool:
        """Is it another one than the live proxy gave, or by another rule?"""
        if self.then is None:
            return False
        return (self.verdict, self.rule) != (self.then.get("verdict", ""), self.then.get("rule", ""))

    @property
    def plain(self) -> bool:
        """Is there nothing to be said of it?"""
        return self.verdict == FORWARD and not self.would and not self.changed


@dataclass(slots=True)
class Outcome:
    """One session. ``counts`` are all its verdicts; ``verdicts`` those that say anything.

    ``compared`` commands have a verdict of the live proxy beside the new one. ``left`` commands of the
    capture were not run, because the session had ended before: ``ended`` says why. ``notes`` tell what
    the capture does not say, and what was taken to be so.
    """

    conversation: Conversation
    user: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    verdicts: list[Verdict] = field(default_factory=list)
    compared: int = 0
    recorded_by: str = ""
    left: int = 0
    ended: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def commands(self) -> int:
        return sum(self.counts.values())

    def add(self, verdict: Verdict) -> None:
        """One more command."""
        self.counts[verdict.verdict] += 1
        self.compared += verdict.then is not None
        if not verdict.plain:
            self.verdicts.append(verdict)

    def note(self, text: str) -> None:
        """Say this, once."""
        if text and text not in self.notes:
            self.notes.append(text)

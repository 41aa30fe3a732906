"""The brake: deletions go on until there are too many of them, then all of this user's stop.

It serves POP3 and IMAP alike, and knows neither. A session has one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from mailproxy.events import BrakeHeld, WouldHave
from mailproxy.guards.memory import Brakes, MemoryFailed
from mailproxy.session.guard import Do, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts

SMALLEST_MAILBOX = 20
"""Messages. In a smaller mailbox ``percent`` says nothing: it would hold who deletes two of three."""

_NOT_RECORDED = "deletions cannot be recorded now, so none is made; please try again later"

Weighing = Generator[Step, Any, str]
"""A part of a dialogue that finds out why messages may not be deleted; empty when they may."""


class Brake:
    """Counts what one user deletes, and holds who deletes too much."""

    def __init__(self, brakes: Brakes, now: Callable[[], float]) -> None:
        """``now`` gives seconds since 1970-01-01 UTC."""
        self._brakes = brakes
        self._now = now
        self._gone: dict[str, int] = {}  # messages, by mailbox: what this session has deleted so far

    def check(
        self, situation: Situation, decision: Decision, count: int, size: int, verb: str = "DELE"
    ) -> Weighing:
        """May ``count`` messages be deleted? Whoever wants too much is held until an operator releases him.

        ``size`` is how many messages the mailbox holds before that; 0 or less when it is not known.
        With a count of 0 only a user who is held already is refused. A decision that is not
        enforced holds nobody, and refuses nothing: it says of ``verb`` what would have happened.
        """
        try:
            return (yield from self._weighed(situation, decision, count, size, verb))
        except MemoryFailed:
            return _NOT_RECORDED

    def note(self, situation: Situation, count: int) -> Weighing:
        """So many messages are about to be deleted, unless it cannot be remembered."""
        try:
            yield Do(lambda: self._remember(situation.facts, count))
        except MemoryFailed:
            return _NOT_RECORDED
        return ""

    def admit(self, situation: Situation, decision: Decision, count: int, size: int, verb: str) -> Weighing:
        """:meth:`check`, and :meth:`note` when they may be deleted.

        Raises:
            MemoryFailed: it cannot be known, or not be remembered.
        """
        why = yield from self._weighed(situation, decision, count, size, verb)
        if not why:
            yield Do(lambda: self._remember(situation.facts, count))
        return why

    def _weighed(
        self, situation: Situation, decision: Decision, count: int, size: int, verb: str
    ) -> Weighing:
        if decision.lifted:
            return ""
        if decision.action is not Action.BRAKE:  # a rule that could not be evaluated
            why, alarm = decision.why, False
        else:
            why, alarm = yield Do(lambda: self._weigh(situation.facts, decision, count, size))
        if not why:
            return ""
        if not decision.enforced:
            situation.emit(WouldHave(verb, decision.rule, decision.action.value))
            return ""
        if alarm:
            situation.emit(BrakeHeld(situation.facts.user, decision.rule, why))
            return decision.reply or f"Deletions are held until the administrator releases them: {why}"
        return decision.reply or why

    def _weigh(self, facts: Facts, decision: Decision, count: int, size: int) -> tuple[str, bool]:
        """Why not, and whether the user is held from now on."""
        if decision.enforced and self._brakes.held(facts.upstream, facts.user):
            return "Deletions are held until the administrator releases them", False
        why = self._too_much(facts, decision, count, size) if count else ""
        if why and decision.enforced:
            self._brakes.hold(facts.upstream, facts.user, decision.rule, why, self._now())
        return why, bool(why)

    def _too_much(self, facts: Facts, decision: Decision, count: int, size: int) -> str:
        settings = decision.settings
        if settings.limit:
            since = self._now() - settings.within
            total = self._brakes.recent(facts.upstream, facts.user, since) + count
            if total > settings.limit:
                return f"{total} messages within {_span(settings.within)}, where {settings.limit} are allowed"
        # Of this mailbox alone: who tidies up a large one may still delete two messages of a small one.
        gone = self._gone.get(facts.mailbox, 0)
        before = size + gone
        if settings.percent and size > 0 and before >= SMALLEST_MAILBOX:
            share = (gone + count) * 100 / before
            if share > settings.percent:
                return f"{share:.0f} % of the mailbox, where {settings.percent:g} % are allowed"
        return ""

    def _remember(self, facts: Facts, count: int) -> None:
        if count > 0:
            self._brakes.deleted(facts.upstream, facts.user, count, self._now())
            self._gone[facts.mailbox] = self._gone.get(facts.mailbox, 0) + count


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        number, rest = divmod(seconds, size)
        if number and not rest:
            return f"{number:g} {unit}{'s' if number > 1 else ''}"
    return f"{seconds:g} seconds"

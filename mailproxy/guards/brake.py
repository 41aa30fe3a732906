"""The brake: deletions go on until there are too many of them, then all of this user's stop.

It serves POP3 and IMAP alike, and knows neither. A session has one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from mailproxy.events import Anomaly, BrakeHeld, WouldHave
from mailproxy.guards.memory import Brakes, Limit, MemoryFailed
from mailproxy.session.guard import Do, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts, Settings

SMALLEST_MAILBOX = 20
"""Messages. In a smaller mailbox ``percent`` says nothing: it would hold who deletes two of three."""

NOT_RECORDED = "deletions cannot be recorded now, so none is made; please try again later"

_HELD = "Deletions are held until the administrator releases them"

Weighing = Generator[Step, Any, str]
"""A part of a dialogue that finds out why messages may not be deleted; empty when they may."""


class Brake:
    """Counts what one user deletes, and holds who deletes too much.

    A decision that is not enforced holds nobody, and refuses nothing, even if nothing can be
    counted: it only says what would have happened.
    """

    def __init__(self, brakes: Brakes, now: Callable[[], float]) -> None:
        """``now`` gives seconds since 1970-01-01 UTC."""
        self._brakes = brakes
        self._now = now
        self._gone: dict[str, int] = {}  # messages, by mailbox: what this session has deleted so far

    def check(self, situation: Situation, decision: Decision, count: int, size: int, verb: str) -> Weighing:
        """Would ``count`` messages be too many? Then the user is held until an operator releases him.

        ``size`` is how many messages the mailbox holds before that; 0 or less when it is not known.
        Nothing is counted: other sessions may be granted the same messages at the same time.

        Raises:
            MemoryFailed: it cannot be known, and the decision is enforced.
        """
        return (yield from self._weighed(situation, decision, count, size, verb, self._looked))

    def admit(self, situation: Situation, decision: Decision, count: int, size: int, verb: str) -> Weighing:
        """:meth:`check`, and count them if they may be deleted; no other session comes between.

        What is then not deleted after all stays counted. With a count of 0 only a user who is held
        already is refused.

        Raises:
            MemoryFailed: it cannot be known or noted, and the decision is enforced.
        """
        return (yield from self._weighed(situation, decision, count, size, verb, self._taken))

    def note(self, situation: Situation, count: int) -> Generator[Step, Any, None]:
        """So many messages are about to be deleted, as far as it can be noted."""
        try:
            yield Do(lambda: self._count(situation.facts, count))
        except MemoryFailed as error:
            situation.emit(not_counted("proxy", error))

    def _weighed(
        self, situation: Situation, decision: Decision, count: int, size: int, verb: str, how: _How
    ) -> Weighing:
        if decision.lifted:
            return ""
        if decision.action is not Action.BRAKE:  # a rule that could not be evaluated
            why, alarm = decision.why, False
        else:
            try:
                why, alarm = yield Do(lambda: how(situation.facts, decision, count, size))
            except MemoryFailed as error:
                if decision.enforced:
                    raise
                situation.emit(not_counted("proxy", error))
                return ""
        if not why:
            return ""
        if not decision.enforced:
            situation.emit(WouldHave(verb, decision.rule, decision.action.value))
            return ""
        if alarm:
            situation.emit(BrakeHeld(situation.facts.user, decision.rule, why))
            return decision.reply or f"{_HELD}: {why}"
        return decision.reply or why

    # -- work that may wait for the database ------------------------------------------------
    # Each says why not, and whether the user is held from now on.

    def _looked(self, facts: Facts, decision: Decision, count: int, size: int) -> tuple[str, bool]:
        if decision.enforced and self._brakes.held(facts.upstream, facts.user):
            return _HELD, False
        if not count:
            return "", False
        why = self._share(facts, decision, count, size) or self._total(facts, decision, count)
        if why and decision.enforced:
            self._brakes.hold(facts.upstream, facts.user, decision.rule, why, self._now())
        return why, bool(why)

    def _taken(self, facts: Facts, decision: Decision, count: int, size: int) -> tuple[str, bool]:
        if not decision.enforced:
            found = self._looked(facts, decision, count, size)
            self._count(facts, count)
            return found
        if not count or self._share(facts, decision, count, size):
            return self._looked(facts, decision, count, size)
        limit = self._limit(decision)
        admission = self._brakes.admit(facts.upstream, facts.user, count, limit, self._now())
        if admission.granted:
            self._remember(facts, count)
            return "", False
        return (_HELD, False) if admission.held else (limit.why(admission.total), True)

    def _share(self, facts: Facts, decision: Decision, count: int, size: int) -> str:
        """Of this mailbox alone: who tidies up a large one may still delete two messages of a small one."""
        percent, gone = decision.settings.percent, self._gone.get(facts.mailbox, 0)
        before = size + gone
        if percent and size > 0 and before >= SMALLEST_MAILBOX:
            share = (gone + count) * 100 / before
            if share > percent:
                return f"{share:.0f} % of the mailbox, where {percent:g} % are allowed"
        return ""

    def _total(self, facts: Facts, decision: Decision, count: int) -> str:
        limit = self._limit(decision)
        if not limit.most:
            return ""
        total = self._brakes.recent(facts.upstream, facts.user, limit.since) + count
        return limit.why(total) if total > limit.most else ""

    def _limit(self, decision: Decision) -> Limit:
        settings = decision.settings
        since = self._now() - settings.within
        return Limit(decision.rule, settings.limit, since, lambda total: _too_many(total, settings))

    def _count(self, facts: Facts, count: int) -> None:
        if count > 0:
            self._brakes.deleted(facts.upstream, facts.user, count, self._now())
            self._remember(facts, count)

    def _remember(self, facts: Facts, count: int) -> None:
        self._gone[facts.mailbox] = self._gone.get(facts.mailbox, 0) + count


_How = Callable[[Facts, Decision, int, int], tuple[str, bool]]


def not_counted(side: str, error: Exception) -> Anomaly:
    """What is said where a brake that refuses nothing cannot count."""
    return Anomaly("deletions_not_counted", side, str(error))


def _too_many(total: int, settings: Settings) -> str:
    return f"{total} messages within {_span(settings.within)}, where {settings.limit} are allowed"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        number, rest = divmod(seconds, size)
        if number and not rest:
            return f"{number:g} {unit}{'s' if number > 1 else ''}"
    return f"{seconds:g} seconds"

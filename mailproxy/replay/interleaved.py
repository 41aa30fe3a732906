"""IMAP commands that were open at the same time, and the untagged responses that came for them.

A server may work on pipelined commands together (RFC 9051 §5.5), and then the responses of several stand
before the first of their tagged replies. With which of these commands a response came is chance:
what matters is that it came for one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mailproxy.replay.client_player import Outcome
from mailproxy.replay.compare_words import steady


def as_captured(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes of one play in the captured order, and each response where it was captured.

    Only among commands that were open together in the capture. What the capture has with none of
    them stays where it is.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.step.number)
    return [outcome for group in _groups(ordered) for outcome in _sorted_out(group)]


def _groups(outcomes: list[Outcome]) -> Iterator[list[Outcome]]:
    """Outcomes whose commands overlapped in the capture, as chains."""
    group: list[Outcome] = []
    end = 0.0
    for outcome in outcomes:
        exchange = outcome.step.exchange
        if group and exchange.began >= end:
            yield group
            group, end = [], 0.0
        group.append(outcome)
        end = max(end, exchange.ended)
    if group:
        yield group


def _sorted_out(group: list[Outcome]) -> list[Outcome]:
    heard = [list(outcome.answer.responses) if outcome.answer is not None else [] for outcome in group]
    if len(group) == 1:
        return group
    missing = []
    surplus: list[tuple[int, bytes]] = []
    for index, outcome in enumerate(group):
        owed = Counter(map(steady, outcome.step.captured.responses))
        stay = []
        for response in heard[index]:
            key = steady(response)
            owed[key] -= 1
            if owed[key] >= 0:
                stay.append(response)
            else:
                surplus.append((index, response))
        heard[index] = stay
        missing.append(+owed)
    for index, response in surplus:
        key = steady(response)
        takers = (at for at, owed in enumerate(missing) if owed[key] and group[at].answer is not None)
        taker = next(takers, index)
        missing[taker][key] -= 1
        heard[taker].append(response)
    return [
        outcome
        if outcome.answer is None
        else replace(outcome, answer=replace(outcome.answer, responses=responses))
        for outcome, responses in zip(group, heard, strict=True)
    ]

"""Which messages of two POP3 maildrops are the same ones."""

from __future__ import annotations

from collections.abc import Hashable

from mailproxy.capture.profile import Profile

Pairs = list[tuple[int, int]]


def matched(one: Profile, other: Profile) -> tuple[Pairs, list[int], list[int]]:
    """Pairs of message numbers, and the numbers without a partner in the first and in the second.

    The same message has the same UIDL; else the same Message-ID, or the same octets, where it was
    retrieved; else the same number and size. A key that two messages of one maildrop share says
    nothing.
    """
    left, right = _numbers(one), _numbers(other)
    pairs: Pairs = []
    for key in (_uidl, _message_id, _digest, _place):
        theirs = _unique({number: value for number, value in key(other).items() if number in right})
        for value, number in _unique({n: v for n, v in key(one).items() if n in left}).items():
            if value in theirs:
                pairs.append((number, theirs[value]))
                left.discard(number)
                right.discard(theirs[value])
    return sorted(pairs), sorted(left), sorted(right)


def _numbers(profile: Profile) -> set[int]:
    return set(profile.uidls) | set(profile.octets)


def _unique(keys: dict[int, Hashable]) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    twice: set[Hashable] = set()
    for number, value in keys.items():
        if value in found:
            twice.add(value)
        found[value] = number
    return {value: number for value, number in found.items() if value not in twice}


def _uidl(profile: Profile) -> dict[int, Hashable]:
    return dict(profile.uidls)


def _message_id(profile: Profile) -> dict[int, Hashable]:
    return {seen.number: seen.message_id for seen in profile.seen if seen.number and seen.message_id}


def _digest(profile: Profile) -> dict[int, Hashable]:
    return {seen.number: seen.digest for seen in profile.seen if seen.number and seen.digest}


def _place(profile: Profile) -> dict[int, Hashable]:
    return {number: (number, octets) for number, octets in profile.octets.items()}

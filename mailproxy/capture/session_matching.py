"""Which sessions of two captures are compared with each other."""

from __future__ import annotations

from collections.abc import Iterable

from mailproxy.capture.profile import Profile

Pairs = list[tuple[Profile, Profile]]


def by_user(profiles: Iterable[Profile]) -> dict[tuple[str, str], Profile]:
    """All sessions of a user with one protocol as one profile."""
    found: dict[tuple[str, str], Profile] = {}
    for profile in profiles:
        key = profile.protocol, profile.user
        if key in found:
            found[key].merge(profile)
        else:
            found[key] = profile
    return found


def paired(one: Iterable[Profile], other: Iterable[Profile]) -> tuple[Pairs, list[Profile], list[Profile]]:
    """Pairs of the same protocol and user; of the others, in order, pairs of the same protocol.

    Behind them those of the first and of the second that have no partner.
    """
    left, right = by_user(one), by_user(other)
    pairs = [(left.pop(key), right.pop(key)) for key in list(left) if key in right]
    for key in list(left):
        its = next((some for some in right if some[0] == key[0]), None)
        if its is not None:
            pairs.append((left.pop(key), right.pop(its)))
    return pairs, list(left.values()), list(right.values())

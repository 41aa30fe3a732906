"""Which messages of two maildrops are the same."""

from __future__ import annotations

import pytest

from mailproxy.capture.pop_matching import Pairs, matched
from mailproxy.capture.profile import Profile, Seen


def drop(uidls: dict[int, str], octets: dict[int, int] | None = None, *seen: Seen) -> Profile:
    return Profile("pop3", uidls=uidls, octets=octets or {}, seen=list(seen))


@pytest.mark.parametrize(
    ("one", "other", "pairs", "gone", "new"),
    [
        (drop({1: "a", 2: "b"}), drop({1: "b", 2: "c"}), [(2, 1)], [1], [2]),
        (drop({1: "a"}, {1: 5}), drop({1: "x"}, {1: 5}), [(1, 1)], [], []),
        (drop({1: "a"}, {1: 5}), drop({1: "x"}, {1: 6}), [], [1], [1]),
        (
            drop({1: "a"}, None, Seen(1, message_id="<m>")),
            drop({7: "x"}, None, Seen(7, message_id="<m>")),
            [(1, 7)],
            [],
            [],
        ),
        (
            drop({1: "a"}, None, Seen(1, digest="d")),
            drop({2: "x"}, None, Seen(2, digest="d")),
            [(1, 2)],
            [],
            [],
        ),
        (drop({1: "a", 2: "a"}), drop({1: "a", 2: "a"}), [], [1, 2], [1, 2]),
    ],
    ids=["UIDL", "place", "another size", "Message-ID", "digest", "doubled UIDLs say nothing"],
)
def test_matching(one: Profile, other: Profile, pairs: Pairs, gone: list[int], new: list[int]) -> None:
    assert matched(one, other) == (pairs, gone, new)


def test_a_doubled_message_id_says_nothing() -> None:
    twice = [Seen(number, message_id="<m>") for number in (1, 2)]
    pairs, _, _ = matched(drop({1: "a", 2: "b"}, None, *twice), drop({1: "x", 2: "y"}, None, *twice))
    assert pairs == []

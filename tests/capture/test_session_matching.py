"""Which sessions are compared."""

from __future__ import annotations

from mailproxy.capture.profile import Profile
from mailproxy.capture.session_matching import by_user, paired


def profile(protocol: str, user: str, number: int) -> Profile:
    return Profile(protocol, user, [number])


def test_sessions_of_a_user_are_one() -> None:
    found = by_user([profile("pop3", "a", 1), profile("imap", "a", 2), profile("pop3", "a", 3)])
    assert {key: one.sessions for key, one in found.items()} == {("pop3", "a"): [1, 3], ("imap", "a"): [2]}


def test_by_user_and_then_in_order() -> None:
    one = [profile("pop3", "a", 1), profile("pop3", "b", 2), profile("imap", "c", 3)]
    other = [profile("pop3", "b@new", 4), profile("smtp", "", 5), profile("pop3", "a", 6)]
    pairs, left, right = paired(one, other)
    assert [(x.user, y.user) for x, y in pairs] == [("a", "a"), ("b", "b@new")]
    assert [x.protocol for x in left] == ["imap"]
    assert [x.protocol for x in right] == ["smtp"]

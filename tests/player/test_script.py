"""Which recorded exchange answers a command."""

from __future__ import annotations

from mailproxy.player.script import Script


def script(*keys: str) -> Script[int]:
    made: Script[int] = Script()
    for number, key in enumerate(keys):
        made.add(key, number)
    return made


def test_in_the_recorded_order_each_is_played_once() -> None:
    made = script("a", "b", "a", "c", "a")
    assert [made.take(key) for key in "abaca"] == [0, 1, 2, 3, 4]


def test_the_last_one_repeats() -> None:
    made = script("a", "a", "b")
    assert [made.take(key) for key in "aaaba"] == [0, 1, 1, 2, 1]


def test_another_order_finds_what_stands_before() -> None:
    made = script("a", "b", "c")
    assert [made.take(key) for key in "cab"] == [2, 0, 1]


def test_what_is_not_there() -> None:
    made = script("a")
    assert made.take("b") is None
    assert "a" in made
    assert "b" not in made


def test_only_what_suits() -> None:
    made = script("a", "a", "a")
    assert made.take("a", lambda number: number > 1) == 2
    assert made.take("a", lambda number: number < 1) == 0
    assert made.take("a", lambda number: False) is None

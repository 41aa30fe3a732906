"""What was done lately, and when it is due again."""

from __future__ import annotations

from mailproxy.record.recent import Recent


def test_it_is_due_again_after_its_time() -> None:
    recent = Recent(10.0)
    assert recent.due("a", 100.0)
    recent.note("a", 100.0)
    assert not recent.due("a", 100.0)
    assert not recent.due("a", 109.9)
    assert recent.due("a", 110.0)
    assert recent.due("b", 100.0)


def test_asking_does_not_note() -> None:
    recent = Recent(10.0)
    assert recent.due("a", 1.0)
    assert recent.due("a", 1.0)


def test_another_value_is_due_at_once() -> None:
    recent = Recent(10.0)
    recent.note("a", 100.0, 1)
    assert not recent.due("a", 101.0, 1)
    assert recent.due("a", 101.0, 2)


def test_a_clock_that_was_set_back_puts_nothing_off() -> None:
    recent = Recent(10.0)
    recent.note("a", 1_000_000.0)
    assert recent.due("a", 5.0)


def test_it_forgets_what_was_noted_first() -> None:
    recent = Recent(10.0, limit=2)
    for key in ("a", "b", "a", "c"):
        recent.note(key, 1.0)
    assert len(recent) == 2
    assert [recent.due(key, 1.0) for key in ("a", "b", "c")] == [False, True, False]

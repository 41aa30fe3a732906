"""The face that all players share."""

from __future__ import annotations

from mailproxy.player.terms import Notes


def test_a_note_is_said_once() -> None:
    notes = Notes()
    for text in ("a", "b", "a"):
        notes.say(text)
    assert notes == ["a", "b"]


def test_there_are_not_too_many_notes() -> None:
    notes = Notes()
    for number in range(5000):
        notes.say(str(number))
    assert len(notes) == 1000

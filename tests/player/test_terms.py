"""The face that all players share."""

from __future__ import annotations

from mailproxy.player.terms import Notes, shown


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


def test_no_note_holds_what_may_be_a_secret() -> None:
    known = {"APPEND", "LIST"}
    assert shown("LIST", b"2", known) == "LIST 2"
    assert shown("LIST", b"", known) == "LIST"
    assert shown("APPEND", b"box {6}\r\nSecret", known) == "APPEND box {6}"
    assert shown("AGFPAS8AC2VZYW1L", b"x", known) == "(an unknown command)"
    assert len(shown("LIST", b"x" * 999, known)) < 100

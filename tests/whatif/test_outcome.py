"""What is said of a command, and counted."""

from __future__ import annotations

import pytest

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.model import Stream
from mailproxy.whatif.outcome import Outcome, Verdict

FORWARDED = {"verdict": "forward"}


@pytest.mark.parametrize(
    ("verdict", "rule", "then", "changed"),
    [
        ("keep", "r", None, False),
        ("keep", "r", {"verdict": "keep", "rule": "r"}, False),
        ("keep", "r", {"verdict": "keep", "rule": "other"}, True),
        ("keep", "r", FORWARDED, True),
        ("forward", "", FORWARDED, False),
        ("forward", "", {"verdict": "block", "rule": "r"}, True),
    ],
)
def test_changed(verdict: str, rule: str, then: dict[str, str] | None, changed: bool) -> None:
    told = Verdict(0.0, "", "DELE", "1", verdict, rule, then=then)
    assert told.changed is changed
    assert told.plain is (verdict == "forward" and not changed)


def test_counts() -> None:
    outcome = Outcome(Conversation(1, Stream(0, "a:1", "b:110"), "pop3", 0.0))
    outcome.add(Verdict(0.0, "", "NOOP", "", "forward", then=FORWARDED))
    outcome.add(Verdict(0.0, "", "DELE", "1", "keep"))
    outcome.add(Verdict(0.0, "", "DELE", "2", "forward", would=(("r", "block"),)))
    assert outcome.commands == 3
    assert outcome.counts == {"forward": 2, "keep": 1}
    assert outcome.compared == 1
    assert [one.text for one in outcome.verdicts] == ["1", "2"]


def test_notes_are_said_once() -> None:
    outcome = Outcome(Conversation(1, Stream(0, "a:1", "b:110"), "pop3", 0.0))
    for note in ("one", "", "two", "one"):
        outcome.note(note)
    assert outcome.notes == ["one", "two"]

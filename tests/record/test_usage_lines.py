"""A warning says what to do."""

from __future__ import annotations

import json

import pytest

from mailproxy.events import Conflict, ExpireZero, GmailPop, KeptMailGrows, MailboxNearlyFull, MailboxSeen
from mailproxy.record.lines import LONGEST, Clock
from mailproxy.record.log import Log
from mailproxy.record.usage_lines import USAGE


@pytest.fixture
def said(tmp_path):
    """The line that an event becomes, outside of any session."""

    def said(event, level="debug"):
        log = Log(str(tmp_path / "log"), level, Clock(lambda: 0.0))
        log.tell(event)
        log.close()
        lines = (tmp_path / "log").read_text().splitlines()
        return json.loads(lines[-1]) if lines else None

    return said


def example(kind):
    """An event of this kind; what stands in its fields does not matter."""
    values = {"int": 3, "float": 0.5, "str": "x"}
    return kind(**{name: values[field.type] for name, field in kind.__dataclass_fields__.items()})


@pytest.mark.parametrize("kind", USAGE, ids=lambda kind: kind.__name__)
def test_a_warning_has_a_hint_that_is_whole(kind, said):
    line = said(example(kind))
    assert (line["level"] == "warning") == ("hint" in line)
    if "hint" in line:
        assert len(line["hint"]) < LONGEST
        assert "{" not in line["hint"]


@pytest.mark.parametrize("kind", USAGE, ids=lambda kind: kind.__name__)
def test_every_field_is_said(kind, said):
    event = example(kind)
    line = said(event)
    assert {name: getattr(event, name) for name in kind.__dataclass_fields__}.items() <= line.items()


def test_sizes_of_each_session_are_not_in_the_usual_log(said):
    assert said(MailboxSeen(1, 2), "info") is None


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Conflict("main", "aiko", "a", "b", 2, 7, "pop3-keep.toml"), "pop3-keep.toml"),
        (GmailPop("main"), '"keep Gmail\'s copy in the Inbox"'),
        (ExpireZero("main"), "IMAP only"),
        (KeptMailGrows("main", "aiko", 1, 2, 0.5), "keep_for"),
        (MailboxNearlyFull("main", "aiko", 9, 10, 5), "keep_for"),
        (MailboxNearlyFull("main", "aiko", 9, 10, 0), "ask for more room"),
    ],
)
def test_hints(event, words, said):
    assert words in said(event)["hint"]

"""Which mailbox is selected."""

from __future__ import annotations

import pytest

from mailproxy.guards.selected import Selected, selected_by
from tests.guards.driving import command

BEFORE = Selected(b"Before", False)


@pytest.mark.parametrize(
    ("text", "status", "after"),
    [
        ("a SELECT INBOX", "OK", Selected(b"INBOX", False)),
        ("a EXAMINE INBOX", "OK", Selected(b"INBOX", True)),
        (r'a select "a \"b\"" (CONDSTORE)', "OK", Selected(b'a "b"', False)),
        ("a SELECT {3}\r\na b", "OK", Selected(b"a b", False)),
        ("a SELECT INBOX", "NO", None),
        ("a SELECT INBOX", "BAD", BEFORE),
        ('a SELECT "INBOX', "OK", None),
    ],
)
def test_what_the_answer_changes(text: str, status: str, after: Selected | None) -> None:
    assert selected_by(command(text), status, BEFORE) == after

"""What a POP3 session deletes."""

from __future__ import annotations

import pytest

from mailproxy.events import Deleted
from mailproxy.session.deletions import Deletions


@pytest.mark.parametrize(
    ("replies", "event"),
    [
        ("DELE OK, DELE OK, QUIT OK", Deleted(2, 0)),
        ("DELE OK, DELE ERR, QUIT OK", Deleted(1, 0)),
        ("DELE OK, RSET OK, DELE OK, QUIT OK", Deleted(1, 0)),
        ("DELE OK, RSET ERR, QUIT OK", Deleted(1, 0)),
        ("DELE OK, RSET OK, QUIT OK", None),
        ("DELE OK, QUIT ERR", None),
        ("QUIT OK", None),
    ],
)
def test_what_was_deleted(replies: str, event: Deleted | None) -> None:
    deletions = Deletions()
    said = [deletions.answered(*reply.split()) for reply in replies.split(", ")]
    assert said[-1] == event
    assert not any(said[:-1])

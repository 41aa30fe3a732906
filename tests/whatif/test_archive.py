"""An archive of which nothing stays."""

from __future__ import annotations

from mailproxy.guards.memory import Message
from mailproxy.whatif.archive import PassingArchive

MESSAGE = Message("main", "aiko", "pop3", "INBOX", "uidl-1")


def test_a_message_is_taken_once() -> None:
    archive = PassingArchive()
    writing = archive.begin(MESSAGE)
    assert writing is not None
    writing.write(b"Subject: x\r\n")
    assert archive.begin(MESSAGE) is not None  # not before it is whole
    writing.finish(0.0)
    writing.abandon()
    assert archive.begin(MESSAGE) is None


def test_one_that_was_given_up_is_not_there() -> None:
    archive = PassingArchive()
    writing = archive.begin(MESSAGE)
    assert writing is not None
    writing.abandon()
    assert archive.begin(MESSAGE) is not None

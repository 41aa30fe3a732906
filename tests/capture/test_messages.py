"""What all readers of messages have in common."""

from __future__ import annotations

import pytest

from mailproxy.capture.messages import Finished, Message, Missing, Open, Piece, message_reader
from mailproxy.capture.messages_imap import ImapMessages
from mailproxy.capture.messages_pop3 import Pop3Messages
from mailproxy.capture.messages_smtp import SmtpMessages


@pytest.mark.parametrize(
    ("protocol", "reader"), [("pop3", Pop3Messages), ("imap", ImapMessages), ("smtp", SmtpMessages)]
)
def test_a_reader_for_each_protocol(protocol: str, reader: type) -> None:
    assert isinstance(message_reader(protocol), reader)


def test_the_books_of_a_message() -> None:
    open_ = Open()
    message = open_.start("RETR", 5.0, id="7").message
    assert open_.start("RETR", 6.0).message.number == message.number + 1 == 2
    assert Open.piece(message, b"abc") == [Piece(message, b"abc")]
    assert Open.piece(message, b"") == []
    assert not message.whole
    message.complete = True
    assert message.whole
    assert Open.missing(message, 4) == [Missing(message, 4)]
    assert (message.octets, message.missing, message.whole) == (3, 4, False)


def test_nobody_sees_the_text_by_mistake() -> None:
    message = Message(1, "DATA", 0.0, sender="aiko@example.jp", recipients=["bo@example.jp"])
    assert "aiko" not in repr(Finished(message)) + repr(message)

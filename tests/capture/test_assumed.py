"""Captures with the client's half alone: what the server would have said is made up, and never shown."""

from __future__ import annotations

import pytest

from mailproxy.capture.follower import Follower
from mailproxy.capture.parts import Kind
from mailproxy.proto.tokens import Side

DIALOGUES = [
    ("pop3", b"USER ann|PASS secret|LIST|RETR 1|QUIT|", "USER PASS LIST RETR QUIT"),
    ("pop3", b"AUTH PLAIN|AGFubgBzZWNyZXQ=|STAT|", "AUTH STAT"),
    ("pop3", b"AUTH LOGIN|YW5u|c2VjcmV0|uidl|QUIT|", "AUTH UIDL QUIT"),
    ("pop3", b"AUTH|CAPA|QUIT|", "AUTH CAPA QUIT"),
    ("imap", b"a LOGIN ann secret|b SELECT INBOX|c IDLE|DONE|d LOGOUT|", "LOGIN SELECT IDLE LOGOUT"),
    ("imap", b"a LOGIN {3}|ann {6}|secret|b NOOP|", "LOGIN NOOP"),
    (
        "imap",
        b"a APPEND x {5}|hello|b AUTHENTICATE PLAIN|AGFubgBzZWNyZXQ=|c NOOP|",
        "APPEND AUTHENTICATE NOOP",
    ),
    ("smtp", b"EHLO c|MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|hello|QUIT|.|QUIT|", "EHLO MAIL RCPT DATA QUIT"),
    ("smtp", b"EHLO c|AUTH LOGIN|YW5u|c2VjcmV0|NOOP|BDAT 5 LAST|helloQUIT|", "EHLO AUTH NOOP BDAT QUIT"),
]
"""``|`` ends a line."""


@pytest.mark.parametrize(("protocol", "octets", "verbs"), DIALOGUES)
def test_commands_are_read_without_their_answers(protocol: str, octets: bytes, verbs: str) -> None:
    octets, follower = octets.replace(b"|", b"\r\n"), Follower(protocol)
    parts = follower.feed(Side.CLIENT, octets) + follower.finish()
    assert b"".join(part.data for part in parts) == octets
    assert {part.side for part in parts} == {Side.CLIENT}
    assert [part.command.verb for part in parts if part.command is not None] == verbs.split()
    assert Kind.UNREAD not in {part.kind for part in parts}
    assert b"secret" not in b"".join(part.shown for part in parts)
    assert b"AGFubgBzZWNyZXQ" not in b"".join(part.shown for part in parts)

"""Which of the octets of a conversation are messages (RFC 5322), whole and on their way."""

from __future__ import annotations

import re

from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

# RFC 9051 §7.5.2: BODY[], which also answers BODY.PEEK[]; RFC822 is its old name.
_FETCHED = re.compile(
    rb"[ (](?:BODY\[\](?:<[0-9]+>)?|BINARY\[\](?:<[0-9]+>)?|RFC822) ~?\{[0-9]+\+?\}\r?\n\Z", re.I
)
_SENT = frozenset({"DATA", "BDAT", "APPEND", "REPLACE", "UID REPLACE"})
_WATCHED = _SENT | {"RETR"}


def begins_fetched(line: bytes) -> bool:
    """Is the literal behind this line of a FETCH response a whole message?"""
    return line.endswith(b"}\r\n") and _FETCHED.search(line[-64:]) is not None


class MessageCount:
    """Counts messages that were retrieved, or accepted by the server. One for each conversation."""

    __slots__ = ("_open", "_protocol", "messages")

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._open: dict[int, str] = {}  # as many as a follower leaves unanswered, at most
        self.messages = 0

    def said(self, part: Part) -> None:
        """Takes each COMMAND and REPLY, and each part that ends an exchange; others may be left out."""
        if part.kind is Kind.COMMAND:
            command = part.command
            if command is not None and command.verb in _WATCHED and command.spec is not None:
                last = command.verb != "BDAT" or command.args.upper().endswith(b" LAST")
                if last:
                    self._open[part.exchange] = command.verb
            return
        if part.side is Side.CLIENT:
            return
        if self._protocol == "imap" and part.kind is Kind.REPLY:
            data = part.data  # the literal stands in it, too, if it came in the same packet
            self.messages += begins_fetched(data[: data.find(b"\n") + 1])
        if part.ends and self._open:
            verb = self._open.pop(part.exchange, "")
            if verb == "RETR":
                self.messages += part.kind is Kind.BODY
            elif verb:
                self.messages += part.status == "OK" or part.status.startswith("2")

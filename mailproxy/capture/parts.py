"""What was said in one mail conversation, cut into parts that belong to commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailproxy.proto.tokens import Command, Side


class Kind(Enum):
    """What some octets are."""

    COMMAND = "command"  # a command line of the client; a literal may follow
    DATA = "data"  # the rest of a command: a literal, a message (SMTP DATA, BDAT), the line behind a literal
    RESPONSE = "response"  # a line of a SASL exchange, or DONE
    REPLY = "reply"  # the head of a reply: a status line, an untagged response, all lines of an SMTP reply
    BODY = "body"  # what follows the head: a POP3 body with its dot, an IMAP literal and the rest of its line
    STARTTLS = "starttls"  # nothing: here TLS began
    TLS = "tls"  # octets of TLS, which cannot be read
    UNREAD = "unread"  # octets that make no sense in this protocol, or behind a gap
    GAP = "gap"  # octets that are not in the capture


GREETING_NUMBER = 0
UNASKED = -1


@dataclass(slots=True)
class Part:
    """Octets of one side, as they were on the wire.

    ``exchange`` numbers the commands of a conversation from 1; it is 0 for the greeting, and -1
    for what belongs to no command. ``shown`` is ``data`` with every secret octet replaced by
    ``*``; it is ``data`` itself where there is none. Whatever is printed or written must be
    ``shown``. Replies hold no secrets, but for echoes of the client's.

    ``command`` is set on COMMAND. ``status`` (on REPLY) is as in
    :class:`~mailproxy.proto.tokens.Reply`. ``ends`` is True on the part of the server with which
    an exchange is over. ``octets`` is the length of the data, or of the gap.
    ``literal`` marks a part that lies within an IMAP literal (a REPLY may hold a whole one, header and all).
    ``time`` and ``frame`` are those of the packet with the last octet.
    """

    side: Side
    kind: Kind
    data: bytes
    time: float
    frame: int
    exchange: int
    shown: bytes
    octets: int
    command: Command | None = None
    status: str = ""
    ends: bool = False
    literal: bool = False

    def __repr__(self) -> str:
        return f"<Part {self.kind.value} of the {self.side.name.lower()}, {self.octets} octets>"

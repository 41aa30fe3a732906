"""The messages that passed in a conversation, byte for byte, while it is read.

Nothing is held: a message begins, its octets come in pieces, and it ends. What is missing of
one is said where it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mailproxy.capture.parts import Part


@dataclass(eq=False, slots=True)
class Message:
    """One message, or part of one.

    ``number`` counts the messages of a conversation from 1, in the order in which they begin.
    ``verb`` is the command with which it passed: RETR, TOP, FETCH, APPEND, REPLACE, DATA or BDAT.
    ``partial`` is empty when all of the message was asked for, else what of it: ``BODY[HEADER]``.
    ``id`` is its number at the server as the command or response named it, ``uid`` the UID of IMAP.
    ``sender`` (None: not known) and ``recipients`` are those of the envelope (RFC 5321 §2.3.1) that
    the server took, ``status`` is the reply to the message. ``time`` is that of its first octets.

    The rest is right when it is finished: ``octets`` are those that are there, ``missing`` those
    that are known to be not in the capture, ``complete`` says that its end was seen.
    """

    number: int
    verb: str
    time: float
    partial: str = ""
    id: str = ""
    uid: str = ""
    mailbox: str = ""
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    status: str = ""
    octets: int = 0
    missing: int = 0
    complete: bool = False

    @property
    def whole(self) -> bool:
        """Is it all there, of that which was asked for?"""
        return self.complete and not self.missing

    def __repr__(self) -> str:
        return f"<Message {self.number} of {self.verb}, {self.octets} octets>"


@dataclass(frozen=True, slots=True)
class Started:
    """A message begins. What its command and reply say of it may still change until it is finished."""

    message: Message


@dataclass(frozen=True, slots=True)
class Piece:
    """The next octets of a message."""

    message: Message
    data: bytes


@dataclass(frozen=True, slots=True)
class Missing:
    """Here octets of the message are not in the capture."""

    message: Message
    octets: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more of this message will come."""

    message: Message


MessageEvent = Started | Piece | Missing | Finished


class MessageReader(Protocol):
    """Takes the parts of one conversation in order."""

    def said(self, part: Part) -> list[MessageEvent]:
        """What this part is of messages."""

    def ended(self) -> list[MessageEvent]:
        """The conversation is over: what is open is finished, and not complete."""


def message_reader(protocol: str) -> MessageReader:
    """The reader for a conversation of ``pop3``, ``imap`` or ``smtp``."""
    from mailproxy.capture.messages_imap import ImapMessages
    from mailproxy.capture.messages_pop3 import Pop3Messages
    from mailproxy.capture.messages_smtp import SmtpMessages

    readers: dict[str, type[MessageReader]] = {
        "pop3": Pop3Messages,
        "imap": ImapMessages,
        "smtp": SmtpMessages,
    }
    return readers[protocol]()


class Open:
    """Keeps the books of messages while they pass, for the readers of all protocols."""

    def __init__(self) -> None:
        self._number = 0

    def start(self, verb: str, time: float, partial: str = "", id: str = "", mailbox: str = "") -> Started:
        """The next message of the conversation."""
        self._number += 1
        return Started(Message(self._number, verb, time, partial, id, mailbox=mailbox))

    @staticmethod
    def piece(message: Message, data: bytes) -> list[MessageEvent]:
        """Its next octets; nothing when there are none."""
        message.octets += len(data)
        return [Piece(message, data)] if data else []

    @staticmethod
    def missing(message: Message, octets: int) -> list[MessageEvent]:
        """A gap."""
        message.missing += octets
        return [Missing(message, octets)]

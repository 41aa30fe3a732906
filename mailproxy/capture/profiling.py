"""Makes a :class:`~mailproxy.capture.profile.Profile` of a conversation while it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.messages import Finished, Message, MessageEvent, Piece, message_reader
from mailproxy.capture.parts import GREETING_NUMBER, Kind, Part
from mailproxy.capture.profile import Profile, Seen
from mailproxy.capture.profiling_imap import ImapFacts
from mailproxy.proto.capabilities import ehlo_capabilities
from mailproxy.proto.tokens import Side

BEFORE, AFTER = "before login", "after login"

_LOGINS = frozenset({"PASS", "APOP", "AUTH", "LOGIN", "AUTHENTICATE"})
_SUCCESS = frozenset({"OK", "235"})
_LISTINGS = frozenset({"CAPA", "LIST", "UIDL"})
_WAITS = frozenset({"IDLE"})  # for something that happens to the mailbox
_MOST_LISTED = 16_777_216  # octets of a list that are read
_LONGEST_HEADER = 65_536
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^<>\s]{1,500}>)", re.I | re.M)


class Profiling:
    """Takes what happens in one conversation in order."""

    def __init__(self, conversation: Conversation) -> None:
        self._profile = Profile(conversation.protocol, sessions=[conversation.number])
        self._reader = message_reader(conversation.protocol)
        self._imap = ImapFacts(self._profile) if conversation.protocol == "imap" else None
        self._stage = BEFORE
        self._asked: dict[int, tuple[str, float, bool]] = {}  # exchange: verb, time, has it arguments
        self._listed: dict[int, bytearray] = {}
        self._messages: dict[Message, tuple[Any, bytearray]] = {}

    def said(self, part: Part) -> None:
        """The next part."""
        self._note(self._reader.said(part))
        if part.kind is Kind.COMMAND and part.command is not None and part.command.spec is not None:
            verb = part.command.verb
            self._asked[part.exchange] = verb, part.time, bool(part.command.args)
            if self._imap is not None:
                self._imap.commanded(part.command)
        elif part.side is Side.SERVER and part.kind in (Kind.REPLY, Kind.BODY):
            self._replied(part)

    def remarked(self, remarked: Remarked) -> None:
        """The proxy's own word on who logged in."""
        if remarked.remark.word == "login":
            self._profile.user = str(remarked.remark.fields.get("user", ""))

    def finish(self, user: str) -> Profile:
        """``user`` is whoever logged in, as the commands say."""
        self._note(self._reader.ended())
        if self._imap is not None:
            self._imap.finish()
        self._profile.user = self._profile.user or user
        return self._profile

    def _replied(self, part: Part) -> None:
        if part.exchange == GREETING_NUMBER and part.kind is Kind.REPLY:
            self._profile.greeting = _text(part.shown)
        verb, asked, argued = self._asked.get(part.exchange, ("", 0.0, False))
        if verb in _LOGINS and part.status in _SUCCESS and part.ends:
            self._stage = AFTER  # IMAP: what this reply says of capabilities holds now (RFC 9051 §6.2.3)
        if self._imap is not None:
            self._imap.replied(part, self._profile.capabilities.setdefault(self._stage, set()))
        if not verb:
            return
        if asked and verb not in _WAITS:
            self._profile.took(verb, part.time - asked)
            self._asked[part.exchange] = verb, 0.0, argued
        if self._profile.protocol == "pop3" and verb in _LISTINGS:
            listed = self._listed.setdefault(part.exchange, bytearray())
            if len(listed) < _MOST_LISTED:
                listed += part.shown
        if part.kind is Kind.REPLY and part.status and (part.ends or self._profile.protocol == "pop3"):
            self._answered(verb, part)
        if part.ends:
            del self._asked[part.exchange]
            self._read_listing(verb, bytes(self._listed.pop(part.exchange, b"")), argued)

    def _answered(self, verb: str, part: Part) -> None:
        if part.status == "+":
            return
        first = part.shown.partition(b"\n")[0]
        self._profile.answered(verb, part.status, _text(_untagged(first)))
        if verb == "EHLO" and part.status == "250":
            named = ehlo_capabilities(part.shown.splitlines(keepends=True))
            names = {f"{name} {parameters}".strip() for name, parameters in named.items()}
            self._profile.capabilities.setdefault(self._stage, set()).update(names)

    def _read_listing(self, verb: str, listed: bytes, argued: bool) -> None:
        status, *lines = [line.rstrip(b"\r") for line in listed.split(b"\n")]
        if not status.upper().startswith(b"+OK"):
            return
        if verb == "CAPA":
            names = {_text(line) for line in lines if line not in (b"", b".")}
            self._profile.capabilities.setdefault(self._stage, set()).update(names)
            return
        for line in [status[3:].strip()] if argued else lines:
            number, _, value = line.partition(b" ")
            if not number.isdigit() or len(number) > 10:
                continue
            if verb == "UIDL":
                self._profile.uidls[int(number)] = _text(value)
            elif value.split(b" ")[0].isdigit():
                self._profile.octets[int(number)] = int(value.split(b" ")[0][:18])

    def _note(self, events: list[MessageEvent]) -> None:
        for event in events:
            message = event.message
            if isinstance(event, Piece):
                digest, header = self._messages.setdefault(message, (sha256(), bytearray()))
                digest.update(event.data)
                if len(header) < _LONGEST_HEADER:
                    header += event.data[:_LONGEST_HEADER]
            elif isinstance(event, Finished):
                digest, header = self._messages.pop(message, (sha256(), bytearray()))
                if message.verb in ("RETR", "TOP", "FETCH"):
                    self._profile.seen.append(_seen(message, digest.hexdigest(), bytes(header)))


def profiles(items: Iterable[Item]) -> list[Profile]:
    """One of each conversation, in the order in which they ended. Raises what ``items`` raises."""
    open_: dict[int, Profiling] = {}
    found: list[Profile] = []
    for item in items:
        number = item.conversation.number
        match item:
            case Began():
                open_[number] = Profiling(item.conversation)
            case Said():
                open_[number].said(item.part)
            case Remarked():
                open_[number].remarked(item)
            case Ended():
                found.append(open_.pop(number).finish(item.user))
    return found


def _seen(message: Message, digest: str, header: bytes) -> Seen:
    named = _MESSAGE_ID.search(header.partition(b"\r\n\r\n")[0])
    whole = message.whole and not message.partial
    return Seen(
        int(message.id) if message.verb != "FETCH" and message.id.isdigit() else 0,
        message.mailbox,
        int(message.uid) if message.uid else 0,
        _text(named[1]) if named else "",
        digest if whole else "",
    )


def _untagged(line: bytes) -> bytes:
    """Without what is the client's choice: the tag of IMAP."""
    _tag, blank, rest = line.partition(b" ")
    return rest if blank and rest[:3].upper() in (b"OK ", b"NO ", b"BAD") else line


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\r\n").decode("utf-8", "backslashreplace")

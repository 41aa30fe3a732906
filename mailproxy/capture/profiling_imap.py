"""What IMAP responses say of mailboxes and folders (RFC 9051 §7)."""

from __future__ import annotations

import re

from mailproxy.capture.literals import Line, LiteralScanner
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.profile import Folder, Mailbox, Profile
from mailproxy.proto.capabilities import imap_capabilities
from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments, Command

_LONGEST = 65_536  # octets of a response that are looked at
_QUOTED = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"')
_FETCH = re.compile(rb"\* [0-9]{1,10} FETCH ", re.I)
_UID = re.compile(rb"[( ]UID ([0-9]{1,10})[ )]", re.I)
_SIZE = re.compile(rb"[( ]RFC822\.SIZE ([0-9]{1,18})[ )]", re.I)
_CODE = re.compile(rb"\* OK \[(UIDVALIDITY|UIDNEXT) ([0-9]{1,10})\]", re.I)
_EXISTS = re.compile(rb"\* ([0-9]{1,10}) EXISTS\r?\n", re.I)
_LIST = re.compile(rb"\* (?:LIST|XLIST) \(([^()]{0,4000})\) (?:\"((?:[^\"\\]|\\.)?)\"|NIL) ", re.I)
_STATUS = re.compile(rb"\* STATUS ", re.I)
_ITEM = re.compile(rb"(UIDVALIDITY|UIDNEXT|MESSAGES) ([0-9]{1,10})", re.I)
_FIELDS = {b"UIDVALIDITY": "uidvalidity", b"UIDNEXT": "uidnext", b"MESSAGES": "exists"}


class ImapFacts:
    """Fills a profile. One response is looked at at a time, without the messages in it."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._mailbox = ""  # selected, or about to be
        self._scanner = LiteralScanner()
        self._response = bytearray()
        self._fetch = False

    def commanded(self, command: Command) -> None:
        """SELECT and EXAMINE name the mailbox that the responses are about."""
        if command.verb in ("SELECT", "EXAMINE"):
            try:
                self._mailbox = str(command.fields.get("mailbox", ""))
            except BadArguments:
                self._mailbox = ""

    def replied(self, part: Part, capabilities: set[str]) -> None:
        """A response, or what follows of one. Capabilities that it names go into the set."""
        if part.kind is Kind.REPLY:
            self.finish()
            self._scanner.restart(text=bool(part.status))
            self._fetch = _FETCH.match(part.data) is not None
            if b"CAPABILITY" in part.data[:200].upper():
                capabilities |= imap_capabilities(part.data) or frozenset()
        for found in self._scanner.feed(part.data):
            if len(self._response) >= _LONGEST:
                break
            if isinstance(found, Line):
                self._response += found.text
            elif not self._fetch:
                self._response += found.data

    def finish(self) -> None:
        """The response is complete."""
        response = bytes(self._response)
        self._response.clear()
        if not response.startswith(b"* "):
            return
        if self._fetch:
            self._fetched(response)
        elif match := _LIST.match(response):
            self._listed(match, response)
        elif match := _STATUS.match(response):
            self._told(response, match.end())
        elif self._mailbox:
            mailbox = self._profile.mailbox(self._mailbox)
            if match := _CODE.match(response):
                setattr(mailbox, _FIELDS[match[1].upper()], int(match[2]))
            elif match := _EXISTS.fullmatch(response):
                mailbox.exists = int(match[1])

    def _fetched(self, response: bytes) -> None:
        plain = _QUOTED.sub(b'""', response)
        uid, size = _UID.search(plain), _SIZE.search(plain)
        if uid and size and self._mailbox:
            self._profile.mailbox(self._mailbox).sizes[int(uid[1])] = int(size[1])

    def _listed(self, match: re.Match[bytes], response: bytes) -> None:
        try:
            name = Scanner(response[match.end() :].rstrip(b"\r\n")).mailbox()
        except BadArguments:
            return
        attributes = frozenset(match[1].decode("ascii", "replace").lower().split())
        separator = (match[2] or b"")[-1:].decode("ascii", "replace")
        self._profile.folders[name] = Folder(separator, attributes)

    def _told(self, response: bytes, start: int) -> None:
        scanner = Scanner(response[start:].rstrip(b"\r\n"))
        try:
            mailbox: Mailbox = self._profile.mailbox(scanner.mailbox())
        except BadArguments:
            return
        for match in _ITEM.finditer(scanner.data, scanner.position):
            setattr(mailbox, _FIELDS[match[1].upper()], int(match[2]))

"""What a server would have said, for captures that hold the client's half alone."""

from __future__ import annotations

from mailproxy.proto import imap_verbs, pop3_verbs, smtp_verbs
from mailproxy.proto.dialect import GREETING, Dialect, Slot
from mailproxy.proto.tokens import Side

_GREETINGS = {"pop3": b"+OK\r\n", "imap": b"* OK\r\n", "smtp": b"220 \r\n"}
_VERBS = {"pop3": pop3_verbs.VERBS, "imap": imap_verbs.VERBS, "smtp": smtp_verbs.VERBS}
_DIALOGUES = frozenset({"AUTH", "AUTHENTICATE", "IDLE"})


class Assumed:
    """Servers are taken to have agreed to everything."""

    __slots__ = ("_begun", "_dialect", "_protocol")

    def __init__(self, protocol: str, dialect: Dialect) -> None:
        self._protocol = protocol
        self._dialect = dialect
        self._begun: Slot | None = None  # a DATA whose message was asked for

    def reply(self) -> bytes:
        """The reply with which the client's next octets make sense; empty while more of these are needed."""
        dialect = self._dialect
        if not dialect.boundary:
            return b".\r\n"
        if not dialect.slots or dialect.engaged:
            return b""
        slot = dialect.slots[0]
        if slot.verb == GREETING:
            return _GREETINGS[self._protocol]
        more = len(dialect.inboxes[Side.CLIENT]) > 0
        asked = more and slot.verb in _DIALOGUES and self._goes_on()
        if self._protocol == "imap":
            return b"+ \r\n" if asked or (slot.command.partial and more) else slot.command.tag + b" OK\r\n"
        if self._protocol == "pop3":
            return b"+ \r\n" if asked else b"+OK\r\n"
        if slot.verb == "DATA" and slot is not self._begun:
            self._begun = slot if more else None
            return b"354 \r\n" if more else b""
        if asked:
            return b"334 \r\n"
        return b"235 \r\n" if slot.verb == "AUTH" else b"250 \r\n"

    def _goes_on(self) -> bool:
        """Is the client's next line one of SASL, or DONE, rather than a command?"""
        inbox = self._dialect.inboxes[Side.CLIENT]
        line = inbox.data[len(inbox.data) - len(inbox) :].partition(b"\n")[0].strip()
        return (
            bool(line) and b" " not in line and line.upper().decode("latin-1") not in _VERBS[self._protocol]
        )

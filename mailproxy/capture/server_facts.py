"""What a server says of itself: its greeting and its capabilities."""

from __future__ import annotations

from collections.abc import Iterable

from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.text_lines import TextLines, lines_of
from mailproxy.proto.capabilities import ehlo_capabilities, imap_capabilities

_LONGEST = 512  # octets of a greeting that are kept
_MOST = 200  # capabilities


class ServerFacts:
    """One server, as seen in all of its conversations.

    ``capabilities`` are all that it ever named, before login and after it, with their parameters.
    """

    __slots__ = ("_capa", "_protocol", "capabilities", "greeting", "sessions")

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._capa = TextLines()
        self.greeting = ""
        self.sessions = 0
        self.capabilities: set[str] = set()

    def said(self, part: Part, verb: str, *, greeting: bool) -> None:
        """A REPLY or BODY of the server; ``verb`` is that of the command it answers."""
        if greeting and part.kind is Kind.REPLY:
            self.sessions += 1
            self.greeting = self.greeting or " / ".join(lines_of(part.shown[:_LONGEST]))
        if self._protocol == "imap":
            self._imap(part)
        elif self._protocol == "smtp" and verb == "EHLO" and part.status == "250":
            named = ehlo_capabilities(part.shown.splitlines(keepends=True))
            self._add(f"{name} {parameters}".strip() for name, parameters in named.items())
        elif self._protocol == "pop3" and verb == "CAPA":
            self._capa_lines(part)

    def _imap(self, part: Part) -> None:
        if part.kind is Kind.REPLY and b"CAPABILITY" in part.shown[:64].upper():
            self._add(imap_capabilities(part.shown) or ())

    def _capa_lines(self, part: Part) -> None:
        """The list may come with its status line, or behind it."""
        lines = self._capa.feed(part.shown)
        if part.kind is Kind.REPLY:
            lines = lines[1:] if part.status == "OK" else []
        self._add(line for line in lines if line not in ("", "."))

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self.capabilities) < _MOST:
                self.capabilities.add(name[:_LONGEST])

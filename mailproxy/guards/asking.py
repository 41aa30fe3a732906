"""The steps of a guard's dialogue with an IMAP server, and what the client is told when one fails."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from mailproxy.guards.imap_answers import of_capability, status_text
from mailproxy.proto.capabilities import imap_capabilities
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Answer, Ask, Local, Step, nothing
from mailproxy.session.verdict import Decision

Value = TypeVar("Value")
Asking = Generator[Step, Any, Value]
"""A part of a dialogue, with what it finds out."""

LONGEST_SET = 6000
"""Octets of a set in one command, so that its line stays under 8000 octets (RFC 7162 §4)."""

# The reasons for a NO that are as true of what the client asked as of what was asked for it.
_TOLD = frozenset({b"OVERQUOTA", b"NOPERM", b"LIMIT", b"INUSE", b"CONTACTADMIN", b"SERVERBUG", b"CANNOT"})


class Unfulfilled(Exception):
    """The server has not done what a guard needs; nothing may be removed.

    ``code`` is a response code without brackets (RFC 9051 §7.1), ``text`` is for the client.
    """

    def __init__(self, text: bytes, code: bytes = b"UNAVAILABLE") -> None:
        super().__init__(text.decode("utf-8", "backslashreplace"))
        self.text = text
        self.code = code

    @classmethod
    def by(cls, answer: Answer) -> Unfulfilled:
        """With the server's own reason."""
        code, text = status_text(answer.line)
        return cls(text or b"the server gives no reason", code if code.upper() in _TOLD else b"")


def ask(line: bytes, mine: Callable[[bytes], bool] = nothing) -> Asking[Answer]:
    """Ask, and go on only if the server says OK.

    Raises:
        Unfulfilled: it says NO or BAD.
    """
    answer: Answer = yield Ask(line, mine)
    if not answer.good:
        raise Unfulfilled.by(answer)
    return answer


class Offers:
    """What the server can do. It is asked once, since before a login servers tell but a part of it."""

    def __init__(self, told: Callable[[], frozenset[str]]) -> None:
        """``told`` are the capabilities that the session has seen."""
        self._told = told
        self._found: frozenset[str] | None = None

    def known(self) -> Asking[frozenset[str]]:
        """The names, in upper case.

        Raises:
            Unfulfilled: the server does not tell.
        """
        if self._found is None:
            answer = yield from ask(b"CAPABILITY", of_capability)
            self._found = imap_capabilities(answer.data) or frozenset()
        return self._found | self._told()


def completed(command: Command, text: bytes, code: bytes = b"") -> Local:
    """OK, as if the server had said it."""
    return Local(_status(command, b"OK", text, code))


def refused(command: Command, text: bytes, code: bytes = b"", by: Decision | None = None) -> Local:
    """NO: the command is understood, and nothing was removed that is not in safety."""
    return Local(_status(command, b"NO", text, code), by=by)


def misplaced(command: Command, text: bytes) -> Local:
    """BAD: the command cannot be given now, or in this way."""
    return Local(_status(command, b"BAD", text, b""))


def _status(command: Command, word: bytes, text: bytes, code: bytes) -> bytes:
    shown = b"[" + code + b"] " if code else b""
    return command.tag + b" " + word + b" " + shown + text + b"\r\n"

"""What replies tell beside the answer: how full a mailbox is, and what a POP3 session has deleted."""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.events import Event
from mailproxy.proto.tokens import Reply
from mailproxy.session.deletions import Deletions
from mailproxy.session.sizes import observers, untagged


class Remarks:
    """Looks at the replies of one session; a verb that tells nothing costs one look-up."""

    __slots__ = ("_deletions", "_emit", "_observers")

    def __init__(self, protocol: str, emit: Callable[[Event], None]) -> None:
        self._observers = observers(protocol)
        self._deletions = Deletions() if protocol == "pop3" else None
        self._emit = emit

    def guarded(self) -> None:
        """From here on a guard says what is deleted."""
        self._deletions = None

    def answered(self, verb: str, reply: Reply) -> None:
        """The final reply to a command that the client has sent."""
        observer = self._observers.get(verb)
        event = observer(reply) if observer is not None else None
        if event is not None:
            self._emit(event)
        if self._deletions is not None and verb in Deletions.VERBS:
            deleted = self._deletions.answered(verb, reply.status)
            if deleted is not None:
                self._emit(deleted)

    def unasked(self, reply: Reply) -> None:
        """An untagged response."""
        event = untagged(reply)
        if event is not None:
            self._emit(event)

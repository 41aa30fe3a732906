"""The two legs of a session of our proxy: which of them stands for both."""

from __future__ import annotations

from collections import Counter

from mailproxy.capture.conversations import Conversation


class Pairing:
    """Remembers the client's legs that are open at this point of a file, and nothing else."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def began(self, conversation: Conversation) -> None:
        """A conversation begins."""
        if conversation.leg == "client":
            self._open[conversation.session] += 1

    def ended(self, conversation: Conversation) -> None:
        """A conversation that began is over."""
        if conversation.leg == "client":
            self._open[conversation.session] -= 1
            if not self._open[conversation.session]:
                del self._open[conversation.session]

    def stands_behind(self, conversation: Conversation) -> bool:
        """Is this the server's leg of a session whose client's leg is open?"""
        return conversation.leg == "server" and conversation.session in self._open

"""How many messages a POP3 session deletes (RFC 1939 §6).

DELE marks, RSET unmarks, and QUIT makes it true.
"""

from __future__ import annotations

from mailproxy.events import Deleted


class Deletions:
    """Follows the final replies of one session, in their order."""

    __slots__ = ("_marked",)

    VERBS = frozenset({"DELE", "RSET", "QUIT"})

    def __init__(self) -> None:
        self._marked = 0

    def answered(self, verb: str, status: str) -> Deleted | None:
        """The server's word on a command of ``VERBS``; an event when messages are deleted by it."""
        if status != "OK":
            return None
        if verb == "DELE":
            self._marked += 1
        elif verb == "RSET":
            self._marked = 0
        elif self._marked:
            return Deleted(self._marked, 0)
        return None

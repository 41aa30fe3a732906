"""Untagged IMAP responses that wait until it is known how the client's command ends.

A client that leaves a mailbox by CLOSE expects nothing about that mailbox any more, and what a
guard does before is none of its business. But if it does not leave, it must hear of every
message that is gone: else it goes on with numbers that mean other messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailproxy.proto.tokens import Side, WireError

MOST_OCTETS = 16 * 1024 * 1024
_OF_A_MAILBOX = re.compile(
    rb"\* (?:[0-9]+ |VANISHED|FLAGS |OK \[(?:PERMANENTFLAGS|UIDVALIDITY|UIDNEXT|UNSEEN|READ-ONLY|READ-WRITE"
    rb"|HIGHESTMODSEQ|NOMODSEQ|CLOSED|MAILBOXID|COPYUID|UIDNOTSTICKY))",
    re.IGNORECASE,
)


class Held:
    """Responses in their order, each with the literals that belong to it."""

    __slots__ = ("_octets", "_responses")

    def __init__(self) -> None:
        self._responses: list[list[bytes]] = []
        self._octets = 0

    def begin(self) -> Callable[[bytes], None]:
        """Takes the octets of one more response.

        Raises:
            WireError: from what is returned, when there is too much to be held.
        """
        pieces: list[bytes] = []
        self._responses.append(pieces)

        def take(data: bytes) -> None:
            self._octets += len(data)
            if self._octets > MOST_OCTETS:
                raise WireError(Side.SERVER, "too much to say about a mailbox that is being left")
            pieces.append(data)

        return take

    def release(self, left: bool) -> Iterator[bytes]:
        """What the client is to hear now. One that has ``left`` hears nothing of the mailbox."""
        responses, self._responses, self._octets = self._responses, [], 0
        for pieces in responses:
            if not (left and pieces and _OF_A_MAILBOX.match(pieces[0])):
                yield from pieces

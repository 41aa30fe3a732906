"""A POP3 maildrop as one program sees it: some of the server's messages are not in it.

The numbers of the visible messages are 1, 2, 3 … in the server's order, and stay as they
are for the whole session (RFC 1939 §5). Nothing here knows why a message is hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import NamedTuple


class BadListing(ValueError):
    """The answer to LIST or UIDL is not what RFC 1939 says."""


class Listed(NamedTuple):
    """A message as the server lists it. ``uidl`` is empty when the server tells none."""

    number: int
    octets: int
    uidl: bytes


def read_listing(sizes: bytes, uidls: bytes) -> list[Listed]:
    """The messages in the bodies of LIST and UIDL, which end in a lone dot (RFC 1939 §5, §7).

    A number that is in UIDL alone is not listed; one in LIST alone has no UIDL.

    Raises:
        BadListing: a line is none of a listing, or a number stands there twice.
    """
    octets = _pairs(sizes)
    names = _pairs(uidls)
    try:
        return [
            Listed(int(number), int(size), names.get(number, b""))
            for number, size in octets.items()
            if int(number) > 0
        ]
    except ValueError as error:
        raise BadListing("a size or a number that is none") from error


def _pairs(body: bytes) -> dict[bytes, bytes]:
    """The first two words of each line. The usual case is done without looking at each line."""
    words = body.split()
    lines = body.count(b"\n")
    if not lines or words[-1:] != [b"."]:
        raise BadListing("a listing without its end")
    if len(words) == 2 * lines - 1 and b"\n\n" not in body:
        pairs = dict(zip(words[0:-1:2], words[1:-1:2], strict=True))
    else:  # something stands behind the size or the UIDL: RFC 1939 §5 discourages it, no more
        rows = [line.split() for line in body.split(b"\n")[:-2]]
        if any(len(row) < 2 for row in rows):
            raise BadListing("a line that is none of a listing")
        pairs = {row[0]: row[1] for row in rows}
    if len(pairs) != lines - 1:
        raise BadListing("a number that is listed twice")
    return pairs


def doubled(listing: Iterable[Listed]) -> frozenset[bytes]:
    """The UIDLs that more than one message has: none of these can be told from another."""
    uidls = [message.uidl for message in listing if message.uidl]
    if len(set(uidls)) == len(uidls):
        return frozenset()
    return frozenset(uidl for uidl, times in Counter(uidls).items() if times > 1)


class Maildrop:
    """The visible messages, and which of them the program has deleted.

    ``marked`` are those that it believes deleted, ``deleted`` those that the server has
    marked; both are numbers as the program knows them. ``last`` is the highest that was
    retrieved (RFC 1460 §5, LAST).
    """

    def __init__(self, listing: Iterable[Listed], hidden: Container[int] = ()) -> None:
        """``hidden`` are numbers of the server."""
        self._messages = [message for message in listing if message.number not in hidden]
        self._octets = sum(message.octets for message in self._messages)
        self._count = len(self._messages)
        self.marked: set[int] = set()
        self.deleted: set[int] = set()
        self.last = 0

    def __len__(self) -> int:
        """How many messages are visible, deleted ones included."""
        return len(self._messages)

    def find(self, number: int) -> Listed | None:
        """The message with this number, None when there is none or it was deleted."""
        if not 0 < number <= len(self._messages) or number in self.marked or number in self.deleted:
            return None
        return self._messages[number - 1]

    def mark(self, number: int) -> None:
        """The program believes it deleted."""
        self._hide(number, self.marked)

    def delete(self, number: int) -> None:
        """The server has marked it as deleted."""
        self._hide(number, self.deleted)

    def _hide(self, number: int, where: set[int]) -> None:
        message = self.find(number)
        if message is not None:
            where.add(number)
            self._octets -= message.octets
            self._count -= 1

    def restore(self, number: int) -> int:
        """The server did not mark it after all; returns its number there, 0 when it was not marked."""
        if number not in self.deleted:
            return 0
        self.deleted.discard(number)
        message = self._messages[number - 1]
        self._octets += message.octets
        self._count += 1
        return message.number

    def reset(self) -> None:
        """Nothing is deleted any more (RFC 1939 §5, RSET)."""
        for number in self.marked | self.deleted:
            self._octets += self._messages[number - 1].octets
            self._count += 1
        self.marked.clear()
        self.deleted.clear()
        self.last = 0

    def marks(self) -> list[Listed]:
        """What the program believes deleted."""
        return [self._messages[number - 1] for number in sorted(self.marked)]

    # -- answers, RFC 1939 §5 and §7 ------------------------------------------------------

    def stat(self) -> bytes:
        return b"+OK %d %d\r\n" % (self._count, self._octets)

    def list_all(self) -> bytes:
        lines = [b"%d %d\r\n" % (number, message.octets) for number, message in self._present()]
        head = b"+OK %d messages (%d octets)\r\n" % (self._count, self._octets)
        return b"".join([head, *lines, b".\r\n"])

    def uidl_all(self) -> bytes:
        lines = [b"%d %s\r\n" % (number, message.uidl) for number, message in self._present() if message.uidl]
        return b"".join([b"+OK unique-id listing follows\r\n", *lines, b".\r\n"])

    def _present(self) -> Iterable[tuple[int, Listed]]:
        numbered = enumerate(self._messages, 1)
        if not self.marked and not self.deleted:
            return numbered
        gone = self.marked | self.deleted
        return ((number, message) for number, message in numbered if number not in gone)

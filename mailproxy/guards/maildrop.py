"""A POP3 maildrop as one program sees it: some of the server's messages are not in it.

The numbers of the visible messages are 1, 2, 3 … in the server's order, and stay as they
are for the whole session (RFC 1939 §5). Nothing here knows why a message is hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple, TypeVar

_Value = TypeVar("_Value", int, bytes)


_PAIRS = re.compile(rb"(?:[0-9]+ [^ \t\r\n]+\r\n)*\.\r\n")  # two words in each line


class BadListing(ValueError):
    """The answer to LIST or UIDL is not what RFC 1939 says."""


class Listed(NamedTuple):
    """A message as the server lists it. ``uidl`` is empty when the server tells none."""

    number: int
    octets: int
    uidl: bytes


class Listing:
    """All messages that the server lists, in its order.

    They stand in columns: a mailbox may have a hundred thousand, and most are never looked at.
    """

    __slots__ = ("numbers", "octets", "uidls")

    def __init__(self, numbers: Sequence[int], octets: Sequence[int], uidls: Sequence[bytes]) -> None:
        self.numbers = numbers
        self.octets = octets
        self.uidls = uidls

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> Listed:
        return Listed(self.numbers[place], self.octets[place], self.uidls[place])

    def doubled(self) -> frozenset[bytes]:
        """The UIDLs that more than one message has: none of these can be told from another."""
        if len(set(self.uidls)) == len(self.uidls):
            return frozenset()
        return frozenset(uidl for uidl, times in Counter(self.uidls).items() if times > 1 and uidl)


def read_listing(sizes: bytes, uidls: bytes) -> Listing:
    """The messages in the bodies of LIST and UIDL, which end in a lone dot (RFC 1939 §5, §7).

    A number that is in UIDL alone is not listed; one in LIST alone has no UIDL.

    Raises:
        BadListing: a line is none of a listing, or a number stands there twice.
    """
    listed, octets = _columns(sizes)
    named, names = _columns(uidls)
    if listed != named:
        known = dict(zip(named, names, strict=True))
        names = [known.get(number, b"") for number in listed]
    numbers, counts = _whole(listed), _whole(octets)
    if len(set(numbers)) != len(numbers) or 0 in numbers:
        raise BadListing("a number that is listed twice, or none")
    return Listing(numbers, counts, names)


def _whole(words: Sequence[bytes]) -> list[int]:
    """Each of the words as a number, which has digits and nothing else."""
    if words and not b"".join(words).isdigit():
        raise BadListing("a size or a number that is none")
    return list(map(int, words))


def _columns(body: bytes) -> tuple[list[bytes], list[bytes]]:
    """The first two words of each line. Where each line has two, no line is looked at by itself."""
    words = body.split()
    if words[-1:] != [b"."]:
        raise BadListing("a listing without its end")
    if _PAIRS.fullmatch(body):
        first, second = words[0:-1:2], words[1:-1:2]
    else:  # something stands behind the size or the UIDL: RFC 1939 §5 discourages it, no more
        rows = [line.split() for line in body.split(b"\n")[:-2]]
        if any(len(row) < 2 for row in rows):
            raise BadListing("a line that is none of a listing")
        first, second = [row[0] for row in rows], [row[1] for row in rows]
    if len(set(first)) != len(first):
        raise BadListing("a number that is listed twice")
    return first, second


class Maildrop:
    """The visible messages, and which of them the program has deleted.

    ``marked`` are those that it believes deleted, ``deleted`` those that the server has
    marked; both are numbers as the program knows them. ``last`` is the highest that was
    retrieved (RFC 1460 §5, LAST).
    """

    def __init__(self, listing: Listing, hidden: Container[int] = ()) -> None:
        """``hidden`` are numbers of the server."""
        if hidden:
            seen = [place for place, number in enumerate(listing.numbers) if number not in hidden]
            listing = Listing(
                [listing.numbers[place] for place in seen],
                [listing.octets[place] for place in seen],
                [listing.uidls[place] for place in seen],
            )
        self._listing = listing
        self._octets = sum(listing.octets)
        self._count = len(listing)
        self.marked: set[int] = set()
        self.deleted: set[int] = set()
        self.last = 0

    def __len__(self) -> int:
        """How many messages are visible, deleted ones included."""
        return len(self._listing)

    def find(self, number: int) -> Listed | None:
        """The message with this number, None when there is none or it was deleted."""
        if not 0 < number <= len(self._listing) or number in self.marked or number in self.deleted:
            return None
        return self._listing[number - 1]

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
        message = self._listing[number - 1]
        self._octets += message.octets
        self._count += 1
        return message.number

    def reset(self) -> None:
        """Nothing is deleted any more (RFC 1939 §5, RSET)."""
        for number in self.marked | self.deleted:
            self._octets += self._listing[number - 1].octets
            self._count += 1
        self.marked.clear()
        self.deleted.clear()
        self.last = 0

    def marks(self) -> list[Listed]:
        """What the program believes deleted."""
        return [self._listing[number - 1] for number in sorted(self.marked)]

    # -- answers, RFC 1939 §5 and §7 ------------------------------------------------------

    def stat(self) -> bytes:
        return b"+OK %d %d\r\n" % (self._count, self._octets)

    def list_all(self) -> bytes:
        lines = [b"%d %d\r\n" % row for row in self._present(self._listing.octets)]
        head = b"+OK %d messages (%d octets)\r\n" % (self._count, self._octets)
        return b"".join([head, *lines, b".\r\n"])

    def uidl_all(self) -> bytes:
        lines = [b"%d %s\r\n" % row for row in self._present(self._listing.uidls) if row[1]]
        return b"".join([b"+OK unique-id listing follows\r\n", *lines, b".\r\n"])

    def _present(self, column: Sequence[_Value]) -> Iterable[tuple[int, _Value]]:
        """What is listed, with the numbers that the program knows."""
        numbered = enumerate(column, 1)
        if not self.marked and not self.deleted:
            return numbered
        gone = self.marked | self.deleted
        return (row for row in numbered if row[0] not in gone)

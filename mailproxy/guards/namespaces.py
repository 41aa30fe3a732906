"""Whose mailboxes are whose: the prefixes of their names (RFC 2342 §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

_HEAD = b"* NAMESPACE "


@dataclass(frozen=True, slots=True)
class Namespaces:
    """``personal`` are prefixes of the user's own mailboxes, ``foreign`` of other users' and shared ones.

    Without any nothing is known, and every mailbox may be the user's own.
    """

    personal: tuple[bytes, ...] = ()
    foreign: tuple[bytes, ...] = ()

    def is_personal(self, name: bytes, delimiter: bytes) -> bool:
        return _longest(self.personal, name, delimiter) >= max(0, _longest(self.foreign, name, delimiter))

    def is_foreign(self, name: bytes, delimiter: bytes) -> bool:
        """The longest prefix counts: where the shared ones have none, all others lie within it."""
        return _longest(self.foreign, name, delimiter) > _longest(self.personal, name, delimiter)


def namespaces(data: bytes) -> Namespaces:
    """What a NAMESPACE response tells; nothing where it cannot be read."""
    scanner = Scanner(data.partition(b"\r\n")[0])
    try:
        if not scanner.skip_word(_HEAD):
            return Namespaces()
        personal = tuple(_prefixes(scanner))
        scanner.space()
        others = tuple(_prefixes(scanner))
        scanner.space()
        return Namespaces(personal, others + tuple(_prefixes(scanner)))
    except BadArguments:
        return Namespaces()


def _prefixes(scanner: Scanner) -> Iterator[bytes]:
    if scanner.skip_word(b"NIL"):
        return
    scanner.octet(b"(", "a list of namespaces")
    while not scanner.next_is(b")"):
        if scanner.next_is(b" "):  # RFC 2342 shows none between two, and some servers send one
            scanner.space()
        scanner.octet(b"(", "a namespace")
        yield scanner.astring()
        scanner.space()
        if not scanner.skip_word(b"NIL"):
            scanner.quoted()  # the delimiter
        while scanner.next_is(b" "):
            _extension(scanner)
        scanner.octet(b")", "the end of a namespace")
    scanner.octet(b")", "the end of the namespaces")


def _extension(scanner: Scanner) -> None:
    """A name and its flags, which mean nothing here."""
    scanner.space()
    scanner.astring()
    scanner.space()
    scanner.items(lambda: scanner.astring().decode("latin-1"))


def _longest(prefixes: tuple[bytes, ...], name: bytes, delimiter: bytes) -> int:
    """The octets of the longest of these prefixes that the name has; -1 if it has none of them."""
    return max((len(each) for each in prefixes if _below(name + delimiter, each)), default=-1)


def _below(name: bytes, prefix: bytes) -> bool:
    if prefix[:5].upper() == b"INBOX":  # in any case (RFC 9051 §5.1)
        return name[:5].upper() == b"INBOX" and name[5:].startswith(prefix[5:])
    return name.startswith(prefix)

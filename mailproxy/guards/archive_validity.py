"""The UIDVALIDITY of a mailbox, told by STATUS (RFC 9051 §7.3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailproxy.guards.asking import Asking, Unfulfilled, ask
from mailproxy.guards.mailbox_names import Unquotable, quoted, readable
from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

_HEAD = b"* STATUS "
_REST = re.compile(rb" [^\r\n]*\r?\n")
_VALIDITY = re.compile(rb"[ (]UIDVALIDITY ([0-9]{1,10})(?=[ )])", re.IGNORECASE)


def validity(mailbox: bytes) -> Asking[int]:
    """RFC 9051 §6.3.11 would have STATUS for other mailboxes than the selected one, yet it is answered.

    Raises:
        Unfulfilled: the server does not tell it, or the mailbox cannot be named in a line.
    """
    try:
        line = b"STATUS " + quoted(mailbox) + b" (UIDVALIDITY)"
    except Unquotable as error:
        raise Unfulfilled(str(error).encode(), b"CANNOT") from error
    answer = yield from ask(line, of_status(mailbox))
    try:
        told = set(_validities(answer.data, mailbox))
    except BadArguments:
        told = set()
    if len(told) != 1:
        raise Unfulfilled(b"the server does not tell the UIDVALIDITY of the mailbox")
    return told.pop()


def of_status(mailbox: bytes) -> Callable[[bytes], bool]:
    """Chooses the STATUS responses for this mailbox; a client may be told of others by NOTIFY (RFC 5465)."""

    def mine(line: bytes) -> bool:
        scanner = Scanner(line)
        if not scanner.skip_word(_HEAD):
            return False
        try:
            if scanner.next_is(b"{"):  # the name is still to come: its length is all that is known
                start, end = scanner.literal(cut=True)
                return end - start == len(mailbox)
            return _name(scanner.astring()) == _name(mailbox)
        except BadArguments:
            return False

    return mine


def _validities(data: bytes, mailbox: bytes) -> Iterator[int]:
    """What the responses say of this mailbox. Raises BadArguments."""
    scanner = Scanner(data)
    while scanner.skip_word(_HEAD):
        name = scanner.astring()
        rest = scanner.take(_REST, "what STATUS is asked for")[0]
        if _name(name) == _name(mailbox):
            yield from (int(number) for number in _VALIDITY.findall(rest))
    scanner.end()


def _name(mailbox: bytes) -> str:
    """The name with INBOX in capitals, also in front of a delimiter, whichever that is."""
    text = readable(mailbox)
    below = text[:5].upper() == "INBOX" and not text[5:6].isalnum()
    return "INBOX" + text[5:] if below else text

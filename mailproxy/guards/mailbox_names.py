"""Names of mailboxes: as they are sent, and whether two are the same one (RFC 9051 §5.1)."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

from mailproxy.proto.mutf7 import decode_mutf7

_LONGEST = 1000  # octets; a command line has a set of messages beside it
_SPECIAL = re.compile(rb'(["\\])')
_LITERAL_ONLY = re.compile(rb"[\r\n\x00]")
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


class Unquotable(ValueError):
    """The name can only be sent as a literal."""


def quoted(name: bytes) -> bytes:
    """The name as a quoted string.

    Raises:
        Unquotable: it has octets that no quoted string may hold, or is too long for one.
    """
    if _LITERAL_ONLY.search(name) or len(name) > _LONGEST:
        raise Unquotable("the name of the mailbox cannot be quoted")
    return b'"' + _SPECIAL.sub(rb"\\\1", name) + b'"'


def readable(name: bytes, delimiter: bytes = b"") -> str:
    """The name as people read it. INBOX is upper case, also in front of what lies below it."""
    text = decode_mutf7(name)
    first, below, rest = text.partition(delimiter.decode("ascii", "replace")) if delimiter else (text, "", "")
    return "INBOX" + below + rest if folded(first) == "inbox" else text


def folded(name: str) -> str:
    """A to Z as a to z, and nothing else: to other letters servers are not blind, and ``casefold`` is."""
    return name.translate(_SMALL)

"""The arguments of STORE (RFC 9051 §6.4.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailproxy.player.imap_words import words

_STORE = re.compile(rb"([0-9:*,]+) (?:\([^)]*\) )?([+-]?)FLAGS(\.SILENT)? (.*)", re.S | re.I)


@dataclass(frozen=True, slots=True)
class Change:
    """What a STORE does to the messages of a set."""

    numbers: bytes
    silent: bool
    sign: bytes
    given: frozenset[bytes]

    def of(self, flags: frozenset[bytes]) -> frozenset[bytes]:
        """The flags of a message that had these before."""
        if self.sign == b"+":
            return flags | self.given
        return flags - self.given if self.sign == b"-" else self.given


def change_of(args: bytes) -> Change:
    """Raises ValueError: these are not the arguments of STORE."""
    match = _STORE.fullmatch(args)
    if match is None:
        raise ValueError("a set and flags are expected")
    given = frozenset(word for word in words(match[4]) if word not in (b"(", b")"))
    return Change(match[1], match[3] is not None, match[2], given)

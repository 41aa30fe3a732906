"""Which words may be in an anonymous capture, and which words are in octets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailproxy.capture import anonymous_words as words
from mailproxy.capture.conversations import Item, Said
from mailproxy.proto import known_capabilities

# What replaces words of four letters and more is made of these alone.
_REPLACED = re.compile(rb"[bfjkqvwxz]+", re.I)
_WORD = re.compile(rb"[A-Za-z]{4,}")
_LISTS = (
    words.IMAP,
    words.SMTP,
    words.SAID,
    words.MIME,
    words.HEADERS,
    words.RECEIVED,
    words.CAPABILITIES,
    words.MAILBOXES,
    words.ID_KEYS,
)
_CAPABILITIES = (
    getattr(known_capabilities, f"{protocol}_{kind}")
    for protocol in ("IMAP", "POP3", "SMTP")
    for kind in ("NEVER", "KNOWN")
)
HARMLESS = {
    found
    for listed in (*_LISTS, *({name.encode() for name in some._exact} for some in _CAPABILITIES))
    for word in listed
    for found in _WORD.findall(word)
} | {b"CRLF"}  # in the text of a reply with 354


def words_in(octets: bytes) -> set[bytes]:
    """All runs of four letters and more, in capitals, but for those that the protocols have themselves."""
    return {word.upper() for word in _WORD.findall(octets)} - HARMLESS


def left_in(octets: bytes, original: bytes) -> set[bytes]:
    """The words of the original that are still there, and were not made."""
    return {word for word in words_in(octets) & words_in(original) if not _REPLACED.fullmatch(word)}


def said(items: Iterable[Item]) -> bytes:
    """All octets of all conversations."""
    return b"\n".join(item.part.data for item in items if isinstance(item, Said))

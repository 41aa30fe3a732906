"""Text of which nothing but its shape may stay: lines, blanks, and what decides how it is decoded."""

from __future__ import annotations

import re

_FOR = {range(0x80, 0xC0): 0x97, range(0xC0, 0xE0): 0xC3, range(0xE0, 0xF0): 0xE2, range(0xF0, 0x100): 0xF0}
_KEPT = frozenset(b" =") | frozenset(range(0x20)) | {0x7F}
# UTF-8 stays UTF-8: a lead octet becomes one for as many octets, the others one that may follow it
_TABLE = bytes(
    next((new for some, new in _FOR.items() if octet in some), octet if octet in _KEPT else ord("x"))
    for octet in range(256)
)
_DOTS = re.compile(rb"(?:\A|(?<=[\r\n\0]))\.+")
_QUOTED_PRINTABLE = re.compile(rb"=[0-9A-Fa-f]{2}")
_ENCODED_WORD = re.compile(rb"(=\?)([A-Za-z0-9_.:-]{1,40})(\?[BbQq]\?)([^?\s]*)(\?=)")
_DATE = re.compile(
    rb"[ \t]*(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),[ \t]*)?[0-9]{1,2}[ -]"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -][0-9]{2,4} "
    rb"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: [+-][0-9]{4}| [A-Z]{1,4})?(?: ?\([A-Z]{1,5}\))?[ \t\r\n]*",
    re.I,
)


def crossed_out(text: bytes, *, starts: bool = True, quoted_printable: bool = False) -> bytes:
    """The text with ``x`` for what can be seen. Dots at the beginning of a line stay.

    ``starts``: the text begins at the beginning of a line.
    """
    crossed = text.translate(_TABLE)
    if b"." in text:
        dots = [match for match in _DOTS.finditer(text) if starts or match.start()]
        crossed = _with(crossed, [(match.start(), match[0]) for match in dots])
    if quoted_printable and b"=" in text:
        crossed = _with(crossed, [(match.start(), b"=78") for match in _QUOTED_PRINTABLE.finditer(text)])
    return crossed


def crossed_words(text: bytes, charsets: frozenset[bytes]) -> bytes:
    """The same for the value of a header field; encoded words (RFC 2047) stay such with a known charset."""
    crossed = text.translate(_TABLE)
    kept = []
    for match in _ENCODED_WORD.finditer(text):
        if match[2].upper() in charsets:
            kept.append((match.start(), match[1] + match[2] + match[3]))
            kept.append((match.start(5), match[5]))
    return _with(crossed, kept)


def is_date(text: bytes) -> bool:
    """Is this a date of RFC 5322 §3.3 or of IMAP, and nothing else?"""
    return _DATE.fullmatch(text) is not None


def _with(text: bytes, pieces: list[tuple[int, bytes]]) -> bytes:
    if not pieces:
        return text
    changed = bytearray(text)
    for start, piece in pieces:
        changed[start : start + len(piece)] = piece
    return bytes(changed)

"""A message or literal as one line: how long it is, what it is about, and its digest. It is never held."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from hashlib import sha256

_HEADER_OCTETS = 16_384  # in which the subject has to stand
# A subject of plain words, in one line, behind well-formed fields: nearly all are, and to find it so takes a
# tenth of the parser's time. Whatever else it is, the parser says what it means.
_PLAIN_SUBJECT = re.compile(
    rb"(?:(?!subject:)[!-9;-~]+:[\t -~]*\r?\n(?:[\t ][\t -~]*\r?\n)*)*"
    rb"subject:([\t -~]*)(?:\r?\n(?![\t ])|\r?\Z)",
    re.I,
)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_SHORT = 60  # octets of a literal that is shown as it is
_DIGITS = 16  # of the digest, where people read it


class Fold:
    """Takes the octets in any pieces. ``what`` says what they are: ``message``, ``literal``."""

    __slots__ = ("_beginning", "_digest", "_has_header", "_subject", "missing", "octets", "what")

    def __init__(self, what: str, *, has_header: bool) -> None:
        self.what = what
        self.octets = 0
        self.missing = 0
        self._has_header = has_header
        self._beginning = b""
        self._digest = sha256()
        self._subject: str | None = None  # not looked for yet

    def feed(self, data: bytes) -> None:
        """The next octets."""
        if len(self._beginning) < _HEADER_OCTETS:
            self._beginning += data[: _HEADER_OCTETS - len(self._beginning)]
            self._subject = None
        self.octets += len(data)
        self._digest.update(data)

    def hole(self, octets: int) -> None:
        """Octets that are not in the capture."""
        self.missing += octets

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal digits; empty when octets are missing."""
        return "" if self.missing else self._digest.hexdigest()

    @property
    def subject(self) -> str:
        """As people read it; empty when there is none, or it cannot be read."""
        if self._subject is None:
            self._subject = subject_of(self._beginning) if self._has_header else ""
        return self._subject

    def text(self) -> str:
        """``[message, 12,345 octets, Subject: Hello, sha256 0a1b…]``."""
        octets = self.octets + self.missing
        if self.octets <= _SHORT and not self.missing and not self._has_header:
            shown = self._beginning.decode("utf-8", "backslashreplace")
            return (
                f"[{self.what}, {_octets(octets)}: {shown}]" if shown else f"[{self.what}, {_octets(octets)}]"
            )
        words = [self.what, _octets(octets)]
        if self.missing:
            words.append(f"{self.missing:,} of them not in the capture")
        if subject := self.subject:
            words.append(f"Subject: {subject}")
        if self.digest:
            words.append(f"sha256 {self.digest[:_DIGITS]}…")
        return f"[{', '.join(words)}]"


def subject_of(octets: bytes) -> str:
    """The subject of a message of which this is the beginning; empty when it cannot be read."""
    plain = _PLAIN_SUBJECT.match(octets)
    if plain is not None and b"=?" not in plain[1]:
        return " ".join(plain[1].decode("ascii").split())
    return parsed_subject(octets)


def parsed_subject(octets: bytes) -> str:
    """The same, whatever the header looks like: by the parser of the standard library."""
    header = _END_OF_HEADER.split(octets, 1)[0]  # the parser would go through the lines behind it, too
    try:
        raw = str(BytesHeaderParser().parsebytes(header).get("Subject", ""))
        return " ".join(str(make_header(decode_header(raw))).split())
    except (MessageError, ValueError, LookupError):
        return ""


def _octets(number: int) -> str:
    return "1 octet" if number == 1 else f"{number:,} octets"

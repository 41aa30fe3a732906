"""Header fields of messages without what they say of people (RFC 5322 §3.6, RFC 2045, RFC 2183)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_text import crossed_out, crossed_words, is_date
from mailproxy.capture.anonymous_words import HEADERS, MIME, RECEIVED

_FIELD = re.compile(rb"(\.?)([!-9;-~]{1,200}?)([ \t]*:)(.*)\Z", re.S)
_ADDRESS = re.compile(rb'<[^<>\r\n]*>|[^\s<>,;:"()]+@[^\s<>,;:"()]+')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[^\s;="()]+')
_BOUNDARY = re.compile(rb'boundary[ \t]*=[ \t]*(?:"([^"\r\n]{1,200})"|([^\s;"()<>@,:\\]{1,200}))', re.I)
_ENCODING = re.compile(rb"[ \t]*quoted-printable", re.I)
_SEPARATORS = re.compile(rb'[<>,;:"()]')
_NAME_PREFIXES = frozenset((b"X", b"LIST", b"ARC", b"CONTENT", b"RESENT"))

_DATES = frozenset((b"DATE", b"RESENT-DATE", b"DELIVERY-DATE"))
_ADDRESSES = frozenset(
    b"""BCC CC DELIVERED-TO DISPOSITION-NOTIFICATION-TO ENVELOPE-TO ERRORS-TO FROM LIST-ID LIST-POST
    MAIL-FOLLOWUP-TO REPLY-TO RESENT-BCC RESENT-CC RESENT-FROM RESENT-SENDER RESENT-TO RETURN-PATH
    RETURN-RECEIPT-TO SENDER TO X-ENVELOPE-FROM X-ENVELOPE-TO X-ORIGINAL-TO X-SENDER""".split()
)
_IDS = frozenset(b"CONTENT-ID IN-REPLY-TO MESSAGE-ID REFERENCES RESENT-MESSAGE-ID".split())
_STRUCTURED = frozenset(b"CONTENT-TYPE CONTENT-DISPOSITION CONTENT-TRANSFER-ENCODING".split())
_RECEIVED = frozenset((b"RECEIVED", b"X-RECEIVED"))


@dataclass(slots=True)
class Learned:
    """What a header says of the body behind it. ``boundaries`` may be those of the parts around it, too."""

    boundaries: set[bytes] = field(default_factory=set)
    quoted_printable: bool = False
    message: bool = False  # the body is a message with a header of its own


class Header:
    """Takes the lines of one header in order; each is given back with as many octets."""

    def __init__(self, names: Names, learned: Learned) -> None:
        self._names = names
        self._learned = learned
        self._value: Callable[[bytes], bytes] = crossed_out
        learned.quoted_printable = learned.message = False

    def line(self, line: bytes) -> bytes:
        """One line with its end: the beginning of a field, or the next line of one."""
        if line[:1] in b" \t" and line.strip():
            return self._value(line)
        match = _FIELD.match(line)
        if match is None:
            self._value = crossed_out
            return crossed_out(line)
        dot, name, colon, value = match.groups()
        known = name.upper()
        self._value = self._reader(known)
        if known not in HEADERS:
            name = self._names.text(name, _NAME_PREFIXES)
        return dot + name + colon + self._value(value)

    def _reader(self, name: bytes) -> Callable[[bytes], bytes]:
        if name in _DATES:
            return self._date
        if name in _ADDRESSES:
            return self._addresses
        if name in _IDS:
            return self._names.text
        if name in _STRUCTURED:
            return self._structured
        if name in _RECEIVED:
            return self._received
        return self._version if name == b"MIME-VERSION" else self._crossed

    def _crossed(self, value: bytes) -> bytes:
        return crossed_words(value, MIME)

    def _date(self, value: bytes) -> bytes:
        return value if is_date(value) else self._crossed(value)

    def _version(self, value: bytes) -> bytes:
        return value if value.strip() == b"1.0" else self._crossed(value)

    def _received(self, value: bytes) -> bytes:
        before, semicolon, date = value.rpartition(b";")
        if semicolon and is_date(date):
            return self._names.text(before, RECEIVED) + semicolon + date
        return value if is_date(value) else self._names.text(value, RECEIVED)

    def _addresses(self, value: bytes) -> bytes:
        """Addresses as elsewhere in the file; of what stands around them only the shape stays."""
        made, start = [], 0
        for match in _ADDRESS.finditer(value):
            made += [self._around(value[start : match.start()]), self._names.text(match[0])]
            start = match.end()
        return b"".join((*made, self._around(value[start:])))

    def _around(self, text: bytes) -> bytes:
        crossed = bytearray(self._crossed(text))
        for match in _SEPARATORS.finditer(text):
            crossed[match.start()] = text[match.start()]
        return bytes(crossed)

    def _structured(self, value: bytes) -> bytes:
        for match in _BOUNDARY.finditer(value):
            self._learned.boundaries.add(match[1] or match[2])
        if _ENCODING.match(value):
            self._learned.quoted_printable = True
        if value.strip().lower().startswith(b"message/"):
            self._learned.message = True
        return _TOKEN.sub(self._token, value)

    def _token(self, match: re.Match[bytes]) -> bytes:
        token = match[0]
        bare = token.strip(b'"').upper()
        if bare in MIME or all(word in MIME for word in bare.split(b"/")):
            return token
        return self._names.text(token)

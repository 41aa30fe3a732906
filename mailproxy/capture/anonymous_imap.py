"""Commands and responses of IMAP without names (RFC 9051 §9): words of the protocol and numbers stay.

Strings are names, but for dates, and for MIME types in a BODYSTRUCTURE; of strings with blanks
in what FETCH brings (subjects, display names) only the shape stays.
"""

from __future__ import annotations

import re

from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_text import crossed_out, is_date
from mailproxy.capture.anonymous_words import CAPABILITIES, ID_KEYS, IMAP, MAILBOXES, MIME, SAID, SEARCHED
from mailproxy.proto.known_capabilities import IMAP_KNOWN, IMAP_NEVER

_STATUS = re.compile(rb"(\S+)( (?:OK|NO|BAD|BYE|PREAUTH))(?:( )(\[[^\]]*\]?))?(.*)", re.S | re.I)
_TAG = re.compile(rb"[A-Za-z]{0,3}[0-9]{0,10}(?:\.[0-9]{1,10})?|\*|\+")
_TOKEN = re.compile(
    rb'(?P<string>"(?:[^"\\\r\n]|\\.)*"?)'
    rb"|(?P<literal>~?\{[0-9]{1,20}\+?\}\r?\n)"
    rb"|(?P<section>(?:BODY|BINARY)(?:\.PEEK|\.SIZE)?\[[0-9.]{0,60}(?:HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?)"
    rb"|(?P<origin>(?<=\])<[0-9]{1,20}(?:\.[0-9]{1,20})?>)"
    rb'|(?P<atom>[^\s()"\[\]{}]+)',
    re.I,
)
_NUMBERS = re.compile(rb"[0-9]{1,20}|[0-9:,*]{1,8000}")
_DAY = re.compile(rb'"?[0-9]{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-[0-9]{4}"?', re.I)
_UNTAGGED = re.compile(rb"\* (?:[0-9]+ )?([A-Za-z-]+)")
_MODES = {b"BODYSTRUCTURE": "mime", b"BODY": "mime", b"ENVELOPE": "free", b"UID": "free"}


class _Reading:
    """One line, or what follows a literal in one command or response."""

    def __init__(self, names: Names, verb: str, *, numbers: bool, mode: str) -> None:
        self._names = names
        self._verb = verb
        self._numbers = numbers
        self._mode = mode
        self._before = b""

    def token(self, match: re.Match[bytes]) -> bytes:
        token = match[0]
        if match["literal"] or match["section"] or match["origin"]:
            return token
        if match["string"]:
            return self._string(token)
        if match.string[match.start() - 1 : match.start()] == b"(":
            self._numbers = True
        word = token.upper()
        header = self._before == b"HEADER"
        searched = self._verb in _SEARCHES and self._before in SEARCHED
        self._before = word
        if searched:  # HEADER has a name and a value
            self._before = b"TEXT" if header else b""
        if self._mode in ("free", "mime") and word in _MODES:
            self._mode = _MODES[word]
        if searched or self._verb == "LOGIN":
            return self._names.text(token)
        if word in IMAP or _DAY.fullmatch(token) or (self._numbers and _NUMBERS.fullmatch(token)):
            return token
        if self._mode == "capability":
            return _capability(self._names, token)
        return self._names.text(token, MAILBOXES)

    def _string(self, token: bytes) -> bytes:
        value = token.strip(b'"')
        self._before = b""
        if is_date(value) and self._verb not in _SEARCHES:
            return token
        if self._mode == "mime" and value.upper() in MIME:
            return token
        if self._mode == "id":
            return self._names.text(token, ID_KEYS)
        if self._mode in ("free", "mime") and b" " in value:
            return b'"' + _shape(token[1:])
        return self._names.text(token, MAILBOXES)


_SEARCHES = frozenset(("SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "UID THREAD", "ESEARCH"))
_NUMERIC = frozenset(("FETCH", "STORE", "COPY", "MOVE", "EXPUNGE", "REPLACE")) | _SEARCHES


class ImapLines:
    """The lines of one command or response, literals between them left out."""

    def __init__(self, names: Names, verb: str, *, server: bool) -> None:
        self._names = names
        self._verb = verb
        self._server = server
        self._reading: _Reading | None = None
        self.fetches = False  # it is a FETCH response: what it brings are messages

    def line(self, line: bytes) -> bytes:
        """The next of its lines."""
        if self._reading is not None:
            return _TOKEN.sub(self._reading.token, line)
        return self._response(line) if self._server else self._command(line)

    def _command(self, line: bytes) -> bytes:
        verb = self._verb.removeprefix("UID ")
        numbers = verb in _NUMERIC or self._verb.startswith("UID ")
        self._reading = _Reading(self._names, self._verb, numbers=numbers, mode="id" if verb == "ID" else "")
        tag, blank, rest = line.partition(b" ")
        if verb == "LOGIN":
            word, gap, rest = rest.partition(b" ")
            return self._tag(tag) + blank + word + gap + _TOKEN.sub(self._reading.token, rest)
        return self._tag(tag) + blank + _TOKEN.sub(self._reading.token, rest)

    def _response(self, line: bytes) -> bytes:
        if line[:1] == b"+":
            secret = self._verb == "AUTHENTICATE"
            return line[:1] + (crossed_out(line[1:]) if secret else self._names.text(line[1:], SAID))
        status = _STATUS.fullmatch(line)
        if status is not None:
            tag, word, blank, code, text = status.groups()
            mode = "capability" if (code or b"").upper().startswith(b"[CAPABILITY") else ""
            reading = _Reading(self._names, "", numbers=True, mode=mode)
            self._reading = reading
            coded = (blank + _TOKEN.sub(reading.token, code)) if code else b""
            return self._tag(tag) + word + coded + self._names.text(text, SAID)
        match = _UNTAGGED.match(line)
        verb = match[1].decode().upper() if match else ""
        self.fetches = verb == "FETCH"
        mode = {"FETCH": "free", "CAPABILITY": "capability", "ID": "id", "ENABLED": "capability"}.get(
            verb, ""
        )
        numbers = mode != "id" and verb not in ("LIST", "LSUB", "XLIST")
        self._reading = _Reading(self._names, verb, numbers=numbers, mode=mode)
        tag, blank, rest = line.partition(b" ")
        return self._tag(tag) + blank + _TOKEN.sub(self._reading.token, rest)

    def _tag(self, tag: bytes) -> bytes:
        return tag if _TAG.fullmatch(tag) else self._names.text(tag)


def _capability(names: Names, token: bytes) -> bytes:
    name = token.decode("ascii", "replace").upper()
    family, equals, value = name.partition("=")
    if not equals:
        return token if name in IMAP_KNOWN or name in IMAP_NEVER else names.text(token)
    if f"{family}=" in IMAP_KNOWN or f"{family}=" in IMAP_NEVER or name in IMAP_KNOWN:
        known = value.encode() in CAPABILITIES | IMAP or value.isdigit()
        return (
            token
            if known or (name in IMAP_KNOWN and family != "AUTH")
            else names.text(token, (family.encode(),))
        )
    return names.text(token)


def _shape(string: bytes) -> bytes:
    """A quoted string without its first quote."""
    closed = string.endswith(b'"')
    crossed = crossed_out(string[:-1] if closed else string, starts=False)
    return crossed + (b'"' if closed else b"")

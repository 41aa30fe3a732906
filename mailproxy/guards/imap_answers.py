"""What an IMAP server answers to the questions of guards (RFC 9051 §7, RFC 4731, 2342, 6154)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from mailproxy.guards.number_set import NumberSet, Range
from mailproxy.proto.imap_literals import literal_at_end
from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

_SEARCH = re.compile(rb"\* SEARCH(?=[ \r\n])", re.I)
_ESEARCH = re.compile(rb"\* ESEARCH(?=[ \r\n])", re.I)
# RFC 5267 §4.3: updates of a search that the client has asked for, told at any time.
_UPDATE = re.compile(rb" (?:ADDTO|REMOVEFROM) \(", re.I)
_LIST = re.compile(rb"\* LIST ", re.I)
_OLDNAME = re.compile(rb'\("?OLDNAME"? ', re.I)  # RFC 9051 §6.3.9.7: told unasked, after a RENAME
_NAMESPACE = re.compile(rb"\* NAMESPACE ", re.I)
_COPYUID = re.compile(rb"\* OK \[COPYUID ", re.I)
_FETCHED = re.compile(rb"\* [0-9]{1,10} FETCH \(UID ([1-9][0-9]{0,9})\)\r\n", re.I)

_NUMBERS = re.compile(rb"\* SEARCH((?: [1-9][0-9]{0,9})*) *(?:\(MODSEQ [0-9]+\))? *\r?\n", re.I)
_EXTENDED = re.compile(
    rb'\* ESEARCH(?: \(TAG (?:"[^"\r\n]*"|[^ ()"\r\n]+)\))?( UID)?((?: [^\r\n]*)?)\r?\n', re.I
)
_ALL = re.compile(rb" ALL(?: ([^ ]*))?", re.I)
_COUNT = re.compile(rb" COUNT ([0-9]{1,10})(?= |$)", re.I)
_RANGE = re.compile(rb"([1-9][0-9]{0,9})(?::([1-9][0-9]{0,9}))?")
_STATUS = re.compile(rb"(?:OK|NO|BAD) ?(?:\[([^\]\r\n]*)\] ?)?([^\r\n]*)", re.I)


class Unreadable(Exception):
    """The server's answer does not follow the grammar. The text does not quote it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A mailbox as LIST tells it: ``attributes`` in lower case, ``delimiter`` empty where there is none."""

    name: bytes
    delimiter: bytes = b""
    attributes: frozenset[bytes] = frozenset()

    @property
    def selectable(self) -> bool:
        return not self.attributes & {b"\\noselect", b"\\nonexistent"}


# -- which untagged responses are an answer to a question ------------------------------------


def of_search(line: bytes) -> bool:
    if _SEARCH.match(line):
        return True
    return _ESEARCH.match(line) is not None and _UPDATE.search(line[:512]) is None


def of_list(line: bytes) -> bool:
    return _LIST.match(line) is not None and _OLDNAME.search(line) is None


def of_namespace(line: bytes) -> bool:
    return _NAMESPACE.match(line) is not None


def of_capability(line: bytes) -> bool:
    return line[:13].upper() == b"* CAPABILITY "


def of_copyuid(line: bytes) -> bool:
    """RFC 6851 §4.3: a MOVE tells it untagged, before the messages go."""
    return _COPYUID.match(line) is not None


def of_fetched_uid(line: bytes) -> bool:
    """The answer to ``FETCH n (UID)`` and nothing more: with flags in it, it is news for the client."""
    return _FETCHED.fullmatch(line) is not None


# -- what they say --------------------------------------------------------------------------


def found(data: bytes, uids: bool = True) -> NumberSet:
    """What a search has found. ``uids``: it was UID SEARCH, and ESEARCH must say so.

    Raises:
        Unreadable: these are no answers to a search.
    """
    ranges: list[Range] = []
    for line in data.splitlines(keepends=True):
        plain = _NUMBERS.fullmatch(line)
        if plain is not None:
            ranges += ((number, number) for number in map(int, plain[1].split()))
            continue
        told = _ALL.search(_extended(line, uids))
        if told is not None:
            ranges += (_range(each) for each in (told[1] or b"").split(b","))
    return NumberSet.of(ranges)


def counted(data: bytes, uids: bool = True) -> int:
    """How many messages a search has found, told by COUNT or by their numbers.

    Raises:
        Unreadable: these are no answers to a search.
    """
    for line in data.splitlines(keepends=True):
        if not _NUMBERS.fullmatch(line):
            told = _COUNT.search(_extended(line, uids))
            if told is not None:
                return int(told[1])
    return len(found(data, uids))


def _extended(line: bytes, uids: bool) -> bytes:
    match = _EXTENDED.fullmatch(line)
    if match is None or (match[1] is not None) is not uids:
        raise Unreadable("the answer to a search cannot be read")
    return match[2]


def _range(text: bytes) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise Unreadable("the answer to a search cannot be read")
    first, last = int(match[1]), int(match[2] or match[1])
    return min(first, last), max(first, last)


def listed(data: bytes) -> list[Listed]:
    """The mailboxes of LIST responses; one that cannot be read is left out."""
    mailboxes: list[Listed] = []
    for response in _responses(data):
        with suppress(BadArguments):
            mailboxes.append(_listed(Scanner(response.rstrip(b"\r\n"))))
    return mailboxes


def _listed(scanner: Scanner) -> Listed:
    scanner.position = len(b"* LIST ")
    attributes = frozenset(each.encode("ascii") for each in scanner.items(lambda: _attribute(scanner)))
    scanner.space()
    delimiter = b"" if scanner.skip_word(b"NIL") else scanner.astring()
    scanner.space()
    return Listed(scanner.astring(), delimiter, attributes)


def _attribute(scanner: Scanner) -> str:
    return scanner.flag().decode("ascii").lower()


def _responses(data: bytes) -> Iterator[bytes]:
    """Untagged responses, cut where they end: a literal holds line ends of its own."""
    start = at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        literal = literal_at_end(data[at:end])
        at = end + (literal.octets if literal else 0)
        if literal is None:
            yield data[start:end]
            start = end


def fetched_uid(data: bytes) -> bytes:
    """The UID that ``FETCH n (UID)`` tells.

    Raises:
        Unreadable: it tells none.
    """
    match = _FETCHED.match(data)
    if match is None:
        raise Unreadable("the server does not tell the UID of the message")
    return match[1]


def status_text(line: bytes) -> tuple[bytes, bytes]:
    """The response code, without its brackets, and the text of a status line without tag."""
    match = _STATUS.match(line)
    return (match[1] or b"", match[2].strip()) if match else (b"", b"")

"""What a server answered to one command, reduced to what two answers can be compared by.

The same reader takes the captured octets and the live ones, so that both are cut alike.
Messages are never held: of bodies and literals, length and SHA-256 stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from mailproxy.proto.dialect import GREETING
from mailproxy.proto.imap_literals import literal_at_end

_LONGEST = 16_384  # octets of one line that are kept; the rest is told by its digest
_MOST = 16_777_216  # octets of all lines of one answer that are kept
_HEADER = 32  # octets at the end of a line in which a literal is announced
_IMAP_STATUSES = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_LISTED = frozenset({"CAPA", "LIST", "UIDL", "LANG", "AUTH"})  # POP3: bodies that are lists, not messages


@dataclass(slots=True)
class Answer:
    """A reply with all that came before it.

    ``status`` is ``OK``, ``ERR``, ``NO``, ``BAD``, ``BYE``, ``PREAUTH`` or an SMTP code, and empty
    when there is no final reply. ``text`` is the line of the final reply behind its status.
    ``responses`` are IMAP's untagged ones, the lines of an SMTP reply behind the code, or those of a
    POP3 list; a literal stands in them as its length and digest. ``octets`` and ``digest`` (SHA-256)
    are those of a POP3 body as it was on the wire. Unless ``whole``, something is missing.
    """

    status: str = ""
    text: bytes = b""
    responses: list[bytes] = field(default_factory=list)
    octets: int = 0
    digest: str = ""
    whole: bool = True
    received: int = 0  # octets in all


class LineCutter:
    """Cuts octets into lines without their ends; with ``literals``, an IMAP response is one line."""

    __slots__ = ("_digest", "_kept", "_left", "_literals", "_over", "_tail")

    def __init__(self, *, literals: bool) -> None:
        self._literals = literals
        self._kept = bytearray()  # of the response
        self._tail = b""  # the last octets of the current line
        self._over = 0  # octets that were not kept
        self._digest = sha256()  # of those, or of the literal
        self._left = 0  # octets of the literal that are still to come

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are complete now."""
        at = 0
        while at < len(data):
            if self._left:
                at += self._literal(data[at : at + self._left])
                continue
            end = data.find(b"\n", at) + 1
            self._keep(data[at : end or len(data)])
            at = end or len(data)
            if end and not self._announces():
                yield self._complete()

    def _keep(self, piece: bytes) -> None:
        self._tail = (self._tail + piece[-_HEADER:])[-_HEADER:]
        room = max(_LONGEST - len(self._kept), 0)
        self._kept += piece[:room]
        if len(piece) > room:
            self._over += len(piece) - room
            self._digest.update(piece[room:])

    def _announces(self) -> bool:
        """Does a literal follow this line? Free text of a status has none (RFC 9051 §7.1)."""
        tail, self._tail = self._tail, b""
        if not self._literals or self._kept[:1] == b"+" or _status_of(bytes(self._kept[:64])):
            return False
        literal = literal_at_end(b" " + tail.replace(b'"', b" "))
        if literal is None:
            return False
        self._left = literal.octets
        return True

    def _literal(self, piece: bytes) -> int:
        self._digest.update(piece)
        self._left -= len(piece)
        if not self._left:
            # In its place stands what it is known by; a digest covers what was cut off before it, too.
            del self._kept[len(self._kept.rstrip(b"\r\n")) :]
            self._kept += f"<{self._digest.hexdigest()}>".encode()
            self._digest, self._over = sha256(), 0
        return len(piece)

    def _complete(self) -> bytes:
        line = bytes(self._kept).rstrip(b"\r\n")
        if self._over:
            line += f"...<{self._over} octets, {self._digest.hexdigest()}>".encode()
        self._kept.clear()
        self._digest, self._over, self._tail = sha256(), 0, b""
        return line


def _status_of(line: bytes) -> bytes:
    """The status of an IMAP line that is a status response, with or without a tag; else empty."""
    word = line.split(b" ", 2)[1:2]
    name = word[0].strip().upper() if word else b""
    return name if name in _IMAP_STATUSES else b""


class AnswerReader:
    """Takes the octets that a server sent for one command of ``protocol``, and gives the answer."""

    __slots__ = ("_body", "_cutter", "_kept", "_protocol", "_verb", "answer")

    def __init__(self, protocol: str, verb: str) -> None:
        self._protocol = protocol
        self._verb = verb
        self._cutter = LineCutter(literals=protocol == "imap")
        self._body = sha256() if protocol == "pop3" else None
        self._kept = 0
        self.answer = Answer()

    def feed(self, data: bytes) -> None:
        """More octets."""
        self.answer.received += len(data)
        if self._protocol == "pop3" and self.answer.status and self._verb not in _LISTED:
            self._hash(data)
            return
        if self._protocol == "pop3" and not self.answer.status and self._verb not in _LISTED:
            self._up_to_body(data)
            return
        for line in self._cutter.feed(data):
            self._line(line)

    def hole(self) -> None:
        """Octets are missing here."""
        self.answer.whole = False

    def _up_to_body(self, data: bytes) -> None:
        """POP3: the status line is a line, and all behind it is a message."""
        while data and not self.answer.status:
            end = data.find(b"\n") + 1 or len(data)
            for line in self._cutter.feed(data[:end]):
                self._line(line)
            data = data[end:]
        if data:
            self._hash(data)

    def _hash(self, data: bytes) -> None:
        assert self._body is not None, "only POP3 has such bodies"
        self._body.update(data)
        self.answer.octets += len(data)
        self.answer.digest = self._body.hexdigest()

    def _line(self, line: bytes) -> None:
        match self._protocol:
            case "pop3":
                self._pop3(line)
            case "imap":
                self._imap(line)
            case _:
                self._smtp(line)

    def _pop3(self, line: bytes) -> None:
        answer = self.answer
        if answer.status:
            self._respond(line)
        elif line[:3].upper() == b"+OK":
            answer.status, answer.text = "OK", line[4:]
        elif line[:4].upper() == b"-ERR":
            answer.status, answer.text = "ERR", line[5:]

    def _imap(self, line: bytes) -> None:
        tag, _, rest = line.partition(b" ")
        if tag == b"+" or line[:1] == b"+":
            return
        if tag == b"*" and self._verb != GREETING:
            self._respond(rest)
            return
        status, _, text = rest.partition(b" ")
        self.answer.status = status.decode("ascii", "replace").upper()
        self.answer.text = text

    def _smtp(self, line: bytes) -> None:
        """Only the last reply counts: those before it asked the client to go on."""
        answer = self.answer
        if answer.status:
            answer.status, answer.responses = "", []
            self._kept = 0
        self._respond(line[4:])
        if line[3:4] != b"-":
            answer.status = line[:3].decode("ascii", "replace")

    def _respond(self, line: bytes) -> None:
        self._kept += len(line) + 64
        if self._kept > _MOST:
            self.answer.whole = False
        else:
            self.answer.responses.append(line)

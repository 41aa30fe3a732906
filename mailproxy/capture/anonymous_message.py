"""A message without names and texts: octets, lines, MIME parts and encodings stay as they are.

The message may come in any pieces, and is read as it is on the wire, dots doubled or not. Only
an unfinished line of a header or a boundary is ever held.
"""

from __future__ import annotations

import re

from mailproxy.capture.anonymous_header import Header, Learned
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_text import crossed_out

_LONGEST = 8192  # octets of a line that is held; of a longer one nothing but the shape stays
_BOUNDARY = re.compile(rb"(?:\A|(?<=\n))\.?--([^\r\n]{0,300}?)(--)?[ \t]*\r?\n")
_HALF_OCTET = re.compile(rb"=[0-9A-Fa-f]?\Z")
_BREAKS = (b"\n", b"\r", b"\0")
_MOST_BOUNDARIES = 1000


class AnonymousMessage:
    """One message, or part of one. ``header``: it begins with a header.

    Invariant: with :meth:`finish` as many octets have come out as went in.
    """

    def __init__(self, names: Names, *, header: bool = True) -> None:
        self._names = names
        self._learned = Learned()
        self._header: Header | None = Header(names, self._learned) if header else None
        self._kept = b""
        self._starts = True  # what comes next stands at the beginning of a line

    def feed(self, data: bytes) -> bytes:
        """What is decided with these octets."""
        data = self._kept + data
        self._kept = b""
        made: list[bytes] = []
        while data:
            data = self._read_header(data, made) if self._header is not None else self._read_body(data, made)
            if self._kept:
                break
        return b"".join(made)

    def finish(self) -> bytes:
        """What was held: nothing will come behind it."""
        kept, self._kept = self._kept, b""
        return self._crossed(kept)

    def hole(self) -> bytes:
        """Octets are missing here; what was held. Behind them nothing is taken for a header."""
        kept = self.finish()
        self._header, self._starts = None, False
        return kept

    def _read_header(self, data: bytes, made: list[bytes]) -> bytes:
        end = data.find(b"\n") + 1
        if not end:
            if len(data) < _LONGEST:
                self._kept = data
            else:
                self._header = None
            return data if not self._kept else b""
        line, rest = data[:end], data[end:]
        if not self._starts:  # the rest of a line that was cut
            made.append(self._crossed(line))
            return rest
        if line in (b"\r\n", b"\n"):
            made.append(line)
            self._header = Header(self._names, self._learned) if self._learned.message else None
        else:
            assert self._header is not None, "a header is read"
            made.append(self._header.line(line))
        self._starts = True
        return rest

    def _read_body(self, data: bytes, made: list[bytes]) -> bytes:
        for match in _BOUNDARY.finditer(data) if self._learned.boundaries else ():
            if match[1] in self._learned.boundaries and (match.start() or self._starts):
                made.append(self._crossed(data[: match.start()]))
                made.append(self._names.text(match[0]))
                self._starts = True
                self._learned.quoted_printable = False
                if not match[2] and len(self._learned.boundaries) < _MOST_BOUNDARIES:
                    self._header = Header(self._names, self._learned)
                return data[match.end() :]
        cut = self._undecided(data)
        made.append(self._crossed(data[:cut]))
        self._kept = data[cut:]
        return b""

    def _undecided(self, data: bytes) -> int:
        """Where something unfinished begins that decides on what is behind it; the end if there is none."""
        if self._learned.quoted_printable and (octet := _HALF_OCTET.search(data[-2:])):
            return max(len(data) - 2, 0) + octet.start()
        start = data.rfind(b"\n") + 1
        line = data[start:]
        begins = (start or self._starts) and self._learned.boundaries
        dashes = line.removeprefix(b".")
        possible = dashes[:2] == b"--"[: len(dashes[:2])] and len(line) < 320
        return start if begins and line and possible else len(data)

    def _crossed(self, text: bytes) -> bytes:
        if not text:
            return b""
        crossed = crossed_out(
            text,
            starts=self._starts,
            quoted_printable=self._learned.quoted_printable and self._header is None,
        )
        before = text.rstrip(b".")
        self._starts = before[-1:] in _BREAKS if before else self._starts
        return crossed

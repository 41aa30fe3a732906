"""Transcript files as data. The format is told in :mod:`tests.play`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from mailproxy.proto.tokens import Side

OPTIONS = {
    "guard",
    "observe",
    "starttls",
    "tls",
    "tls-required",
    "rules",
    "block",
    "uncut",
    "after",
    "guards",
    "kept",
    "broken",
}

_SIDES = {"C": Side.CLIENT, "S": Side.SERVER}
_OCTETS = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_ESCAPE = re.compile(
    r"\\(?:(?P<one>[rnt0\\])|x(?P<hex>[0-9a-fA-F]{2})|\((?P<times>[0-9]+)\*(?P<text>[^)]*)\)|(?P<bad>.?))"
)


class TranscriptError(ValueError):
    """A transcript cannot be read; the text names file, line and cause."""


class Act(Enum):
    """What happens between the lines of a dialogue; the value is the word behind ``!``."""

    TLS = "tls"
    EOF_CLIENT = "eof C"
    EOF_SERVER = "eof S"
    CUT_CLIENT = "cut C"
    CUT_SERVER = "cut S"
    CLOSED = "closed"
    DROPPED = "dropped"
    BREAK = ""  # a blank line


@dataclass(frozen=True, slots=True)
class Send:
    """Octets that ``side`` sends."""

    line: int
    side: Side
    octets: bytes


@dataclass(frozen=True, slots=True)
class Expect:
    """Octets that ``side`` must get.

    With ``open_end`` any text up to a CRLF may follow them; with ``partly`` any beginning of them is enough.
    """

    line: int
    side: Side
    octets: bytes
    open_end: bool = False
    partly: bool = False

    def pattern(self) -> bytes:
        if self.partly:
            whole = self.octets
            return b"(?:" + b"|".join(re.escape(whole[:end]) for end in range(len(whole), -1, -1)) + b")"
        return re.escape(self.octets) + (rb"[^\r\n]*\r\n" if self.open_end else b"")


@dataclass(frozen=True, slots=True)
class Happens:
    """Neither peer speaks, but something happens."""

    line: int
    act: Act


@dataclass(slots=True)
class Transcript:
    """One parsed file. ``options`` are words with their values."""

    path: Path
    protocol: str
    options: dict[str, list[str]] = field(default_factory=dict)
    items: list[Send | Expect | Happens] = field(default_factory=list)


def parse(path: Path, protocol: str = "") -> Transcript:
    """Read a transcript; its protocol is the name of its folder unless told.

    Raises:
        OSError: the file cannot be read.
        TranscriptError: a line follows no rule of the format.
    """
    transcript = Transcript(path, protocol or path.parent.name)
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        try:
            _parse_line(transcript, number, line)
        except ValueError as error:
            raise TranscriptError(f"{path}:{number}: {error}") from None
    if not any(_expects(item) for item in transcript.items):
        raise TranscriptError(f"{path}: nothing is expected in it; add >S or >C lines")
    return transcript


def _expects(item: Send | Expect | Happens) -> bool:
    return isinstance(item, Expect) or (isinstance(item, Happens) and item.act in (Act.CLOSED, Act.DROPPED))


def octets(text: str) -> bytes:
    r"""The octets that a text with escapes stands for, CRLF included unless it ends in ``\-``.

    Raises:
        ValueError: an escape is not known.
    """
    text, line_end = (text[:-2], b"") if text.endswith("\\-") else (text, b"\r\n")
    out = bytearray()
    start = 0
    for escape in _ESCAPE.finditer(text):
        out += text[start : escape.start()].encode()
        out += _unescape(escape)
        start = escape.end()
    return bytes(out) + text[start:].encode() + line_end


def _unescape(escape: re.Match[str]) -> bytes:
    if escape["one"]:
        return _OCTETS[escape["one"]]
    if escape["hex"]:
        return bytes.fromhex(escape["hex"])
    if escape["times"]:
        return escape["text"].encode() * int(escape["times"])
    raise ValueError(f"escape \\{escape['bad']} is not known; a backslash itself is written \\\\")


def _parse_line(transcript: Transcript, number: int, line: str) -> None:
    mark, _, text = line.partition(" ")
    if mark.startswith("#"):
        return
    if not line.strip():
        transcript.items.append(Happens(number, Act.BREAK))
    elif mark == "!" and not any(not isinstance(item, Happens) for item in transcript.items):
        _parse_option(transcript, text.split())
    elif mark == "!":
        transcript.items.append(Happens(number, Act(text.strip())))
    elif mark in ("C>", "S>"):
        transcript.items.append(Send(number, _SIDES[mark[0]], octets(text)))
    elif mark == "~S":
        transcript.items.append(Expect(number, Side.SERVER, octets(text), partly=True))
    elif mark in (">C", ">S"):
        open_end = mark == ">C" and text.endswith("…")
        expected = octets(text.removesuffix("…") + "\\-" if open_end else text)
        transcript.items.append(Expect(number, _SIDES[mark[1]], expected, open_end))
    else:
        raise ValueError(f"a line begins with C>, S>, >C, >S, ~S, ! or #, not with {mark!r}")


def _parse_option(transcript: Transcript, words: list[str]) -> None:
    if not words or words[0] not in OPTIONS:
        raise ValueError(f"an option is one of {', '.join(sorted(OPTIONS))}")
    values = [" ".join(words[1:])] if words[0] == "block" else words[1:]
    transcript.options.setdefault(words[0], []).extend(values)

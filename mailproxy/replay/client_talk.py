"""How one command is said: its octets, and what is awaited between them.

A *talk* is a generator. It yields octets to be sent, or what it waits for; it gets the line with
which the server asked to go on, or the status of its final reply.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from mailproxy.proto.imap_literals import Literal, literal_at_end
from mailproxy.proto.inbox import Inbox

_LINE = 1_048_576  # octets of a command line out of a capture


class Wait(Enum):
    """What a talk waits for."""

    GO_AHEAD = "the server to ask for more"  # "+" or 334 or 354; the talk gets its line
    ANSWER = "its reply"  # the final one; the talk gets its status


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class News:
    """Wait for so many untagged responses, but no longer than so many seconds."""

    responses: int
    seconds: float


Talk = Generator[bytes | Wait | Pause | News, bytes, None]
Takes = Callable[[Literal], bool]


def command_talk(said: Iterable[bytes], verb: str, *, instead: str, takes: Takes) -> Talk:
    """One command as it was captured; literals wait unless the server ``takes`` them at once."""
    inbox = Inbox()
    chunks = iter(said)
    line = _line(inbox, chunks)
    if instead:
        tag, _, rest = line.partition(b" ")
        line = tag + b" " + instead.encode() + rest[len(verb) :]
    if verb in ("DATA", "IDLE"):
        yield line
        return
    while (literal := literal_at_end(line)) is not None:
        waits = literal.synchronising or not takes(literal)
        yield literal.synchronised(line) if waits else line
        if waits:
            yield Wait.GO_AHEAD
        yield from _octets(inbox, chunks, literal.octets)
        line = _line(inbox, chunks)
    if line:
        yield line
    yield from _rest(inbox, chunks)


def bdat_talk(said: Iterable[bytes]) -> Talk:
    """RFC 3030: the octets follow at once. They may end in anything, so nothing in them is a line."""
    yield from said


def data_talk(said: Iterable[bytes]) -> Talk:
    """RFC 5321 §4.1.1.4: the message follows when the server asks for it."""
    inbox = Inbox()
    chunks = iter(said)
    yield _line(inbox, chunks)
    yield Wait.GO_AHEAD
    yield from _rest(inbox, chunks)


def idle_talk(said: Iterable[bytes], responses: int, seconds: float) -> Talk:
    """RFC 9051 §6.3.13: DONE follows once so much was told as the capture has, or nothing more is to come."""
    inbox = Inbox()
    yield _line(inbox, iter(said))
    yield Wait.GO_AHEAD
    yield News(responses, seconds)
    yield b"DONE\r\n"


def paused(talk: Talk, seconds: float) -> Talk:
    """The same behind a pause."""
    if seconds > 0:
        yield Pause(seconds)
    yield from talk


def _line(inbox: Inbox, chunks: Iterator[bytes]) -> bytes:
    """The next line, or what is left when there is none."""
    while (line := inbox.line(_LINE)) is None:
        more = next(chunks, b"")
        if not more:
            return inbox.take(len(inbox))
        inbox.feed(more)
    return line


def _octets(inbox: Inbox, chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    while count:
        data = inbox.take(count)
        if not data:
            more = next(chunks, b"")
            if not more:
                return
            inbox.feed(more)
            continue
        count -= len(data)
        yield data


def _rest(inbox: Inbox, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if len(inbox):
        yield inbox.take(len(inbox))
    yield from chunks

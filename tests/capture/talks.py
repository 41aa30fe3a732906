"""Mail conversations written down as lines, and what is read of them: items, or a capture file.

``C:`` and ``S:`` are the two sides; CRLF is added unless a backslash stands at the end, and ``\\xff`` is
one octet. ``! verdict {"verb": "DELE"}`` is a remark of the proxy, ``gap S 5`` are five octets of the
server that nobody has, ``end rst`` is how it ended. Each line is a tenth of a second later than the
one before.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mailproxy.capture.comments import Remark, write
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.follower import Follower
from mailproxy.capture.model import Stream
from mailproxy.proto.tokens import Side
from tests.capture.packets import ACK, FIN, RST, SYN, End, enhanced, interface, packet, section

STARTED = 1_700_000_000.0
STEP = 0.1
Cut = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for octet in data:
        yield bytes([octet])


@dataclass(frozen=True)
class Talk:
    """One conversation. With a ``session`` it is a ``leg`` of one that the proxy has recorded."""

    protocol: str
    text: str
    session: str = ""
    leg: str = ""
    number: int = 1
    client: End = ("192.0.2.1", 40000)
    server: End = ("198.51.100.9", 0)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return textwrap.dedent(self.text).strip().splitlines()

    @property
    def server_end(self) -> End:
        usual = {"pop3": 110, "imap": 143, "smtp": 25}[self.protocol]
        return self.server[0], self.server[1] or usual

    @property
    def remark(self) -> dict[str, Any]:
        if not self.session:
            return {}
        return {"id": self.session, "leg": self.leg, "protocol": self.protocol, **self.facts}


def octets_of(line: str) -> bytes:
    r"""What a ``C:`` or ``S:`` line sends; a backslash at its end keeps CRLF away."""
    text = line[3:].removesuffix("\\")
    data = (
        text.encode("latin-1").decode("unicode_escape").encode("latin-1") if "\\x" in text else text.encode()
    )
    return data if line.endswith("\\") else data + b"\r\n"


def items(*talks: Talk, cut: Cut = whole) -> list[Item]:
    """What is read of these conversations, one after the other."""
    return [item for talk in talks for item in _items(talk, cut)]


def overlapping(*talks: Talk) -> list[Item]:
    """The same when all of them are open at the same time: by turns, an item of each."""
    turns = zip_longest(*(_items(talk, whole) for talk in talks))
    return [item for turn in turns for item in turn if item is not None]


def _items(talk: Talk, cut: Cut) -> Iterator[Item]:
    ends = (f"{talk.client[0]}:{talk.client[1]}", f"{talk.server_end[0]}:{talk.server_end[1]}")
    stream = Stream(talk.number - 1, *ends)
    conversation = Conversation(
        talk.number, stream, talk.protocol, STARTED, talk.session, talk.leg, talk.remark
    )
    follower = Follower(talk.protocol, decrypted=bool(talk.session))
    yield Began(conversation, STARTED)
    how = "fin"
    for count, line in enumerate(talk.lines, 1):
        time = STARTED + count * STEP
        word, _, rest = line.partition(" ")
        if word in ("C:", "S:"):
            side = Side.CLIENT if word == "C:" else Side.SERVER
            for piece in cut(octets_of(line)):
                yield from (Said(conversation, part) for part in follower.feed(side, piece, time, count))
        elif word == "gap":
            side = Side.CLIENT if rest[0] == "C" else Side.SERVER
            parts = follower.hole(side, int(rest[2:]), time, count)
            yield from (Said(conversation, part) for part in parts)
        elif word == "!":
            name, _, fields = rest.partition(" ")
            yield Remarked(conversation, time, Remark(name, json.loads(fields)), count)
        else:
            how = rest
    yield from (Said(conversation, part) for part in follower.finish())
    yield Ended(conversation, STARTED + (len(talk.lines) + 1) * STEP, how, follower.user)


def capture_file(path: Path, *talks: Talk) -> Path:
    """A pcapng file with these conversations, which overlap."""
    turns = zip_longest(*(_packets(talk) for talk in talks))
    path.write_bytes(section() + interface() + b"".join(some for turn in turns for some in turn if some))
    return path


def _packets(talk: Talk) -> Iterator[bytes]:
    ends = (talk.client, talk.server_end)
    sequences = [1000, 5000]

    def one(side: int, data: bytes, count: int, *comments: str, flags: int = ACK) -> bytes:
        frame = packet(
            ends[side], ends[1 - side], sequences[side], data, flags=flags, ack=sequences[1 - side]
        )
        sequences[side] += len(data) + (1 if flags & (SYN | FIN) else 0)
        return enhanced(frame, *comments, ticks=round((STARTED + count * STEP) * 1_000_000))

    yield one(0, b"", 0, *([write("session", **talk.remark)] if talk.session else []), flags=SYN)
    yield one(1, b"", 0, flags=SYN | ACK)
    how, count = "fin", 0
    for count, line in enumerate(talk.lines, 1):
        word, _, rest = line.partition(" ")
        if word in ("C:", "S:"):
            yield one("CS".index(word[0]), octets_of(line), count)
        elif word == "gap":
            sequences["CS".index(rest[0])] += int(rest[2:])
        elif word == "!":
            name, _, fields = rest.partition(" ")
            yield one(0, b"", count, write(name, **json.loads(fields)))
        else:
            how = rest
    if how == "rst":
        yield one(0, b"", count + 1, flags=RST)
    elif how == "fin":
        yield one(0, b"", count + 1, flags=FIN | ACK)
        yield one(1, b"", count + 1, flags=FIN | ACK)

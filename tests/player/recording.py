"""Recordings out of transcripts: what a client (``C:``) and a server (``S:``) said, line by line.

The octets go through the same follower as those of a capture file.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.exchanges import Recording, collect
from mailproxy.capture.follower import Follower
from mailproxy.capture.model import Stream
from mailproxy.player.pieces import joined
from mailproxy.player.terms import Player
from mailproxy.proto.tokens import Side


def recorded(
    protocol: str, transcript: str | bytes, store: BodyStore, *, number: int = 1, login: str = ""
) -> Recording:
    """The recording of a transcript; every line ends in CRLF. ``login`` is what a proxy has remarked."""
    data = transcript.encode() if isinstance(transcript, str) else transcript
    (found,) = collect(_items(protocol, data, number, login), store)
    return found


def _items(protocol: str, transcript: bytes, number: int, login: str) -> Iterator[Item]:
    stream = Stream(number, "192.0.2.7:40000", "192.0.2.1:110")
    conversation = Conversation(number, stream, protocol, 1_700_000_000.0)
    follower = Follower(protocol)
    yield Began(conversation, conversation.started)
    for line in transcript.strip(b"\n").split(b"\n"):
        if line[:3].strip() not in (b"C:", b"S:"):
            assert not line.strip(), line
            continue
        side = Side.CLIENT if line[:1] == b"C" else Side.SERVER
        for part in follower.feed(side, line[3:] + b"\r\n"):
            yield Said(conversation, part)
    assert follower.readable, "the transcript makes no sense"
    for part in follower.finish():
        yield Said(conversation, part)
    if login:
        yield Remarked(conversation, conversation.started, Remark("login", {"user": login}), 1)
    yield Ended(conversation, conversation.started, "fin", follower.user)


def greeting(player: Player) -> str:
    """What it says first."""
    return joined(player.greet()).decode()


def says(player: Player, sent: str | bytes) -> list[str]:
    """The lines with which it answers lines that end in CRLF."""
    data = sent.encode() if isinstance(sent, str) else sent
    said = joined(player.receive(data.replace(b"\n", b"\r\n"))).decode()
    assert not said or said.endswith("\r\n"), said
    return said.split("\r\n")[:-1]

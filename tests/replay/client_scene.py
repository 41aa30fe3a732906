"""Captured conversations written as dialogues, and servers that follow a script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from trio.testing import memory_stream_pair

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.exchanges import Recording, collect
from mailproxy.capture.follower import Follower
from mailproxy.capture.model import Stream
from mailproxy.proto.tokens import Side
from mailproxy.replay.client import Play, play_over
from mailproxy.replay.client_account import Account, Secrets
from mailproxy.replay.client_player import Manner, Player
from mailproxy.replay.compare_report import Report
from mailproxy.replay.script import Script, script_of
from mailproxy.tls.transport import TransportClosed
from tests.capture import packets

ACCOUNT = Account("aiko", "tea-Party-31")
PORTS = {"pop3": 110, "imap": 143, "smtp": 25}

Turns = Sequence[tuple[str, bytes]]


def turns(said: str | Turns) -> list[tuple[str, bytes]]:
    """``C: NOOP`` and ``S: +OK``: each line goes with CRLF; lines of one side in a row come at once."""
    if not isinstance(said, str):
        return list(said)
    found: list[tuple[str, bytes]] = []
    for line in said.strip().splitlines():
        side, _, text = line.strip().partition(": ")
        assert side in ("C", "S"), line
        octets = text.encode() + b"\r\n"
        if found and found[-1][0] == side:
            octets = found.pop()[1] + octets
        found.append((side, octets))
    return found


def recorded(
    protocol: str,
    said: str | Turns,
    *,
    remarks: Sequence[Remark] = (),
    leg: str = "",
    pause: float = 1.0,
) -> Recording:
    """The conversation as the capture's reader gives it; turns are ``pause`` seconds apart."""
    stream = Stream(0, "192.0.2.7:40000", f"198.51.100.9:{PORTS[protocol]}")
    conversation = Conversation(1, stream, protocol, 0.0, leg=leg)
    follower = Follower(protocol, decrypted=True)
    items: list[Item] = [Began(conversation, 0.0)]
    items += [Remarked(conversation, 0.0, remark, 1) for remark in remarks]
    told = turns(said)
    for number, (who, octets) in enumerate(told):
        side = Side.CLIENT if who == "C" else Side.SERVER
        items += [
            Said(conversation, part) for part in follower.feed(side, octets, number * pause, number + 1)
        ]
    items += [Said(conversation, part) for part in follower.finish()]
    items.append(Ended(conversation, len(told) * pause, "fin", follower.user))
    (recording,) = collect(items, BodyStore())
    return recording


def script(protocol: str, said: str | Turns, *, allow_destructive: bool = False, **more: Any) -> Script:
    """The script of that conversation; ``more`` is as in :func:`recorded`."""
    return script_of(recorded(protocol, said, **more), allow_destructive=allow_destructive)


def capture_file(path: Path, *dialogues: tuple[str, str | Turns]) -> Path:
    """A pcap file with one TCP connection for each ``(protocol, dialogue)``."""
    frames: list[bytes] = []
    for number, (protocol, said) in enumerate(dialogues):
        ends = {"C": ("192.0.2.7", 40000 + number), "S": ("198.51.100.9", PORTS[protocol])}
        frames.append(packets.packet(ends["C"], ends["S"], 1000, flags=packets.SYN))
        frames.append(packets.packet(ends["S"], ends["C"], 5000, flags=packets.SYN | packets.ACK))
        sent = {"C": 1001, "S": 5001}
        for side, octets in turns(said):
            other = "S" if side == "C" else "C"
            for at in range(0, len(octets), 50_000):
                piece = octets[at : at + 50_000]
                frames.append(packets.packet(ends[side], ends[other], sent[side], piece))
                sent[side] += len(piece)
        for side, other in ("CS", "SC"):
            fin = packets.FIN | packets.ACK
            frames.append(packets.packet(ends[side], ends[other], sent[side], flags=fin))
    path.write_bytes(packets.pcap(frames))
    return path


class MemoryWire:
    """A wire over Trio's memory stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def send(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError as error:
            raise TransportClosed from error

    async def receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some())
        except trio.BrokenResourceError:
            return b""


async def played(
    said_before: Script,
    said: str | Turns,
    *,
    account: Account | None = ACCOUNT,
    within: float = 30.0,
    recorded_speed: bool = False,
    closes: bool = False,
) -> Play:
    """Play the script to a server that says ``S`` and must hear ``C``, and nothing else.

    Behind its last line the server listens, and must hear nothing more; or it ``closes``.
    """
    ours, theirs = memory_stream_pair()
    play = Play(said_before)
    manner = Manner("mail.example.test", 143, account, recorded_speed)

    async def serve() -> None:
        for who, octets in turns(said):
            if who == "S":
                await theirs.send_all(octets)
                continue
            got = b""
            while len(got) < len(octets):
                data = bytes(await theirs.receive_some())
                assert data, f"expected {octets!r}, got {got!r} and the end"
                got += data
            assert got == octets, f"expected {octets!r}, got {got!r}"
        if closes:
            await theirs.aclose()
            return
        more = bytes(await theirs.receive_some())
        assert more == b"", f"expected nothing more, got {more!r}"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await play_over(MemoryWire(ours), Player(said_before, manner), play, within)
        await ours.aclose()
    return play


def report_of(*plays: Play, account: Account | None = ACCOUNT) -> Report:
    """What these plays have shown."""
    report = Report(Secrets(account))
    for play in plays:
        report.add(play)
    return report


def told(found: list[tuple[Any, int]]) -> list[tuple[str, str, str, str]]:
    """Differences as verb, what, captured, live."""
    return [(one.verb, one.difference.what, one.difference.captured, one.difference.live) for one, _ in found]

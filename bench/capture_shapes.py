"""What :mod:`capture_reading` reads: sessions long and small, as others see and as mailproxy records them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, zip_longest
from pathlib import Path

from mailproxy.capture import blocks
from mailproxy.capture.files import INTERFACES
from mailproxy.capture.recorder import Recorder, What
from mailproxy.capture.synthetic import Packet, SyntheticTCP
from mailproxy.events import CommandDone, LegSecured, LoggedIn, SessionEnded, SessionStarted
from mailproxy.proto.tokens import Side

LINE = b"An ordinary line of text, as long as such lines are in a message.....\r\n"
# tshark's time for a message grows with the square of its packets, so larger ones would flatter us.
MESSAGE = b"Subject: large\r\n\r\n" + LINE * (256 * 1024 // len(LINE))
SMALL_MESSAGE = b"Subject: small\r\n\r\n" + LINE * (5_000 // len(LINE))
SEGMENT = 1448  # octets of a packet on Ethernet
AT_ONCE = 50  # small sessions that are open at the same time
SERVER = ("192.0.2.2", 110)
PROXY = ("192.0.2.3", 110)
LOGIN = (
    (Side.SERVER, b"+OK ready\r\n"),
    (Side.CLIENT, b"USER alice\r\n"),
    (Side.SERVER, b"+OK\r\n"),
    (Side.CLIENT, b"PASS secret\r\n"),
    (Side.SERVER, b"+OK\r\n"),
)
LIST = (
    (Side.CLIENT, b"LIST\r\n"),
    (Side.SERVER, b"+OK 1 message\r\n1 %d\r\n.\r\n" % len(SMALL_MESSAGE)),
    (Side.CLIENT, b"RETR 1\r\n"),
)
FETCHED = b"+OK %d octets\r\n" % len(SMALL_MESSAGE) + SMALL_MESSAGE + b".\r\n"
QUIT = ((Side.CLIENT, b"QUIT\r\n"), (Side.SERVER, b"+OK\r\n"))

Block = tuple[int, Packet, Sequence[str]]
"""The number of its interface, the packet, and the comments on it."""


def write(file: Path, packets: Iterator[Block]) -> None:
    """A capture with these packets."""
    nanoseconds = 1_700_000_000_000_000_000
    with file.open("wb") as out:
        out.write(blocks.section_header("bench") + b"".join(map(blocks.interface, INTERFACES)))
        for interface, packet, comments in packets:
            nanoseconds += 10_000
            before, behind = blocks.packet(interface, nanoseconds, packet.headers, packet.octets, comments)
            out.writelines((before, *packet.pieces, behind))


def long_session(octets: int, payload: int) -> Iterator[Block]:
    """So many octets: one POP3 session that fetches large messages."""
    tcp = SyntheticTCP(("192.0.2.1", 40_000), SERVER)
    yield from foreign([*tcp.open(), *said(tcp, LOGIN)])
    view = memoryview(MESSAGE)
    for number in range(1, octets // len(MESSAGE) + 2):
        pieces = [view[start : start + payload] for start in range(0, len(MESSAGE), payload)]
        yield from foreign(tcp.data(Side.CLIENT, [b"RETR %d\r\n" % number]))
        for piece in (b"+OK %d octets\r\n" % len(MESSAGE), *pieces, b".\r\n"):
            yield from foreign(tcp.data(Side.SERVER, [piece]))
    yield from foreign([*said(tcp, QUIT), *tcp.close()])


def side_by_side(sessions: Iterator[Iterator[Block]]) -> Iterator[Block]:
    """Some sessions at a time, packet by packet."""
    while together := [session for _, session in zip(range(AT_ONCE), sessions, strict=False)]:
        for turn in zip_longest(*together):
            yield from (block for block in turn if block is not None)


def small_sessions(number: int) -> Iterator[Block]:
    """So many POP3 sessions that fetch one message each, as tcpdump sees them."""
    return side_by_side(foreign(small_session(each)) for each in range(number))


def recorded_sessions(number: int) -> Iterator[Block]:
    """The same as mailproxy records them: both legs, with what it has to say about them."""
    return side_by_side(iter(recorded_session(each)) for each in range(number))


def small_session(number: int) -> Iterator[Packet]:
    tcp = SyntheticTCP(client(number), SERVER, number * 77_777)
    yield from (*tcp.open(), *said(tcp, (*LOGIN, *LIST)))
    for nth, start in enumerate(range(0, len(FETCHED), SEGMENT)):
        yield from tcp.data(Side.SERVER, [FETCHED[start : start + SEGMENT]])
        if nth % 2:  # RFC 9293 §3.8.6.3: every second segment at least
            yield tcp.acknowledgement(Side.CLIENT)
    yield from (*said(tcp, QUIT), *tcp.close())


def recorded_session(number: int) -> list[Block]:
    tape = Tape()
    ticks = count(1_700_000_000)
    what = What(server_octets=65_536)  # as the configuration has it, unless it says otherwise
    recorder = Recorder(f"{number:016x}", "pop3", tape, what, upstream="bench", now=lambda: next(ticks))
    own = client(number)
    name = f"{own[0]}:{own[1]}"
    recorder.event(SessionStarted("pop3", "bench", name, "mail.example:995"))
    recorder.client_leg(own, PROXY)
    recorder.event(LegSecured("client", "TLSv1.3", "TLS_AES_256_GCM_SHA384"))
    recorder.server_leg((PROXY[0], own[1]), SERVER)
    recorder.event(LegSecured("server", "TLSv1.3", "TLS_AES_256_GCM_SHA384"))
    verb = ""
    for side, octets in (*LOGIN, *LIST, (Side.SERVER, FETCHED), *QUIT):
        recorder.arrived(side, octets)
        if side is Side.CLIENT:
            verb = octets.split()[0].decode()
        elif verb:
            recorder.event(CommandDone(verb, "", "forward", "OK", 0.01))
        if verb == "PASS" and side is Side.SERVER:
            recorder.event(LoggedIn("alice", "PASS", True))
        recorder.left(side.other, [octets])
    sizes = (1_000, 10_000, "TLSv1.3", "TLSv1.3", {"forward": 5})
    recorder.event(SessionEnded("pop3", name, "alice", 0.1, 5, *sizes))
    recorder.end()
    return tape.blocks


class Tape:
    """Both connections of one session that is recorded, as packets."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def connection(
        self, session: str, protocol: str, leg: str, client: tuple[str, int], server: tuple[str, int]
    ) -> Leg:
        return Leg(self.blocks, int(leg == "server"), SyntheticTCP(client, server))


class Leg:
    """See :class:`mailproxy.capture.leg.Sink`."""

    def __init__(self, blocks: list[Block], interface: int, tcp: SyntheticTCP) -> None:
        self._blocks = blocks
        self._interface = interface
        self._tcp = tcp

    def open(self, time: float, comments: Sequence[str]) -> None:
        self._put(self._tcp.open(), comments)

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        self._put(self._tcp.data(side, pieces), comments)

    def hole(self, side: Side, octets: int) -> None:
        self._tcp.hole(side, octets)

    def note(self, time: float, comments: Sequence[str]) -> None:
        self._put([self._tcp.acknowledgement(Side.SERVER)], comments)

    def close(self, time: float, how: str, comments: Sequence[str] = ()) -> None:
        self._put(self._tcp.close(), comments)

    def _put(self, packets: Sequence[Packet], comments: Sequence[str]) -> None:
        for packet in packets:
            self._blocks.append((self._interface, packet, tuple(comments)))
            comments = ()


def client(number: int) -> tuple[str, int]:
    """Another end for each session."""
    port, host = 1024 + number % 60_000, number // 60_000
    return f"10.0.{host // 256}.{host % 256}", port


def said(tcp: SyntheticTCP, lines: Sequence[tuple[Side, bytes]]) -> Iterator[Packet]:
    return (packet for side, line in lines for packet in tcp.data(side, [line]))


def foreign(packets: Iterator[Packet] | Sequence[Packet]) -> Iterator[Block]:
    """Of a capture that no proxy has written: all on one interface, without comments."""
    return ((0, packet, ()) for packet in packets)

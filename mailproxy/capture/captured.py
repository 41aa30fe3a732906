"""One leg of a session as packets that wait to be written: called by the proxy, which must not wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from mailproxy.capture import blocks
from mailproxy.capture.comments import write
from mailproxy.capture.synthetic import Packet, Payload, SyntheticTCP
from mailproxy.capture.waiting import Blocks, Waiting
from mailproxy.proto.tokens import Side

Address = tuple[str, int]
SLOW = "the disk is slower than the mail"

_TICKS = 250_000  # of the first sequence number in a second (RFC 9293 §3.4.1)
_MOST_COMMENTS = 64  # that wait for a packet that fits


class Book(Protocol):
    """What all connections of a writer share."""

    why: str

    def moment(self, time: float) -> int: ...
    def lost(self, octets: int) -> None: ...
    def opened(self, session: str, client: Address, server: Address) -> Address: ...
    def closed(self, session: str, client: Address, server: Address) -> None: ...


class Connection:
    """All calls from one thread. Never raises, never waits; what does not fit is lost, and is said to be.

    Times are seconds since 1970. ``lost_octets`` are those of the dialogue that are in no file.
    """

    def __init__(
        self,
        book: Book,
        waiting: Waiting,
        session: str,
        protocol: str,
        interface: int,
        client: Address,
        server: Address,
    ) -> None:
        self.lost_octets = 0
        self._session = session
        self._client = client
        self._server = server
        self._book = book
        self._waiting = waiting
        self._protocol = protocol
        self._interface = interface
        self._tcp: SyntheticTCP | None = None
        self._unsaid = 0  # lost octets that no comment tells of yet
        self._why = ""  # of the last loss
        self._comments: list[str] = []  # of packets that did not fit

    def open(self, time: float, comments: Sequence[str]) -> None:
        """SYN and its answers. Until then nothing is written, after ``close`` nothing more."""
        if self._tcp is None:
            self._client = self._book.opened(self._session, self._client, self._server)
            self._tcp = SyntheticTCP(self._client, self._server, int(time * _TICKS))
            self._put(self._tcp.open(), time, comments, spare=True)

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        """One run of octets. A packet begins where it begins, and ends where it ends."""
        if self._tcp is not None:
            self._put(self._tcp.data(side, pieces), time, comments)

    def hole(self, side: Side, octets: int) -> None:
        """So many octets of the side are left out."""
        if self._tcp is not None:
            self._put(self._tcp.hole(side, octets), 0.0)  # the time is that of the last packet

    def note(self, time: float, comments: Sequence[str]) -> None:
        """A packet without octets, for the comments."""
        if self._tcp is not None:
            self._put([self._tcp.acknowledgement(Side.SERVER)], time, comments, spare=True)

    def close(self, time: float, how: Literal["fin", "rst"], comments: Sequence[str] = ()) -> None:
        """The end, as ``fin`` or ``rst``."""
        if self._tcp is not None:
            packets = self._tcp.close() if how == "fin" else self._tcp.reset()
            self._put(packets, time, comments, spare=True)
            self._tcp = None
            self._book.closed(self._session, self._client, self._server)

    def _put(
        self, packets: Sequence[Packet], time: float, comments: Sequence[str] = (), spare: bool = False
    ) -> None:
        if comments:
            self._comments = [*self._comments, *comments][:_MOST_COMMENTS]
        moment = self._book.moment(time)
        if not self._unsaid and self._waiting.put(self._blocks(packets, moment), spare):
            self._comments = []
            return
        for packet in packets:  # some of them may still fit
            if self._unsaid and not packet.octets and not spare:
                continue  # it would acknowledge what is lost, and carry a comment that is not its own
            if self._waiting.fits(packet.octets, spare) and self._waiting.put(
                self._blocks([packet], moment), spare
            ):
                self._comments = []
                self._unsaid = 0
            elif packet.octets:
                self._unsaid += packet.octets
                self._why = self._book.why or SLOW
                self.lost_octets += packet.octets
                self._book.lost(packet.octets)

    def _blocks(self, packets: Sequence[Packet], moment: int) -> Blocks:
        """The packets as they go into the file; all that is to be said is said on the first one."""
        comments: Sequence[str] = self._comments
        if self._unsaid:
            comments = [*comments, write("lost", octets=self._unsaid, why=self._why)]
        buffers: list[Payload] = []
        octets = payload = 0
        like: tuple[int, int] | None = None  # most packets of a run are like the one before
        before = behind = b""
        for headers, pieces, own, left_out in packets:
            size = len(headers) + own
            if (size, left_out) != like:
                before, behind = blocks.around(self._interface, moment, size, comments, left_out)
                like = None if comments else (size, left_out)
                comments = ()
            buffers += (before + headers, *pieces, behind)
            payload += own
            octets += len(before) + size + len(behind)
        return Blocks(self._session, self._protocol, buffers, octets, payload)

"""One leg of a session as packets that wait to be written: called by the proxy, which must not wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from mailproxy.capture import blocks
from mailproxy.capture.comments import write
from mailproxy.capture.left_out import left_out
from mailproxy.capture.synthetic import LARGEST_PAYLOAD, SIGNS, Packet, Payload, SyntheticTCP
from mailproxy.capture.waiting import Blocks, Waiting
from mailproxy.proto.tokens import Side

Address = tuple[str, int]
SLOW = "the disk is slower than the mail"

_TICKS = 250_000  # of the first sequence number in a second (RFC 9293 §3.4.1)
_MOST_COMMENTS = 64  # that wait for a packet that fits
_MOST_PIECES = 64  # more of them are joined: each costs memory of its own
_MOST_LEFT_OUT = 64 * 1024 * 1024  # octets for which packets are written
_SOME = 2  # packets for which the short way is one
_AROUND = 512  # octets in memory around the payload of a packet, roughly


class Book(Protocol):
    """What all connections of a writer share."""

    why: str
    patience: int

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

    @property
    def patience(self) -> int:
        """Octets that may wait to be written together."""
        return self._book.patience

    def open(self, time: float, comments: Sequence[str]) -> None:
        """SYN and its answers. Until then nothing is written, after ``close`` nothing more."""
        if self._tcp is None:
            self._client = self._book.opened(self._session, self._client, self._server)
            self._tcp = SyntheticTCP(self._client, self._server, int(time * _TICKS))
            self._put(self._tcp.open(), time, comments, spare=True)

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        """One run of octets. A packet begins where it begins, and ends where it ends."""
        tcp = self._tcp
        if tcp is None:
            return
        if len(pieces) > _MOST_PIECES:
            pieces = [b"".join(pieces)]
        plain = not (comments or self._comments or self._unsaid)
        if not (plain and self._long(tcp, side, pieces, time)):
            self._put(tcp.data(side, pieces), time, comments)

    def _long(self, tcp: SyntheticTCP, side: Side, pieces: Sequence[bytes], time: float) -> bool:
        """Octets that fill some packets. False if they do not, or if there is anything special about them.

        It does what ``_put`` would do, in fewer steps: nearly all that is recorded of large messages goes
        this way, and a bulk transfer would feel the difference.
        """
        payload = sum(map(len, pieces))
        whole, rest = divmod(payload, LARGEST_PAYLOAD)
        if whole < _SOME or _begins_with_a_sign(pieces):
            return False
        if not self._waiting.fits(payload + _AROUND * (whole + 2 + len(pieces))):
            return False
        moment = self._book.moment(time)
        before, behind = blocks.around(self._interface, moment, tcp.header_octets + LARGEST_PAYLOAD)
        heads = tcp.alike(side, LARGEST_PAYLOAD, whole, behind + before)
        heads[0] = heads[0][len(behind) :]
        if rest:
            before, ends = blocks.around(self._interface, moment, tcp.header_octets + rest)
            heads += tcp.alike(side, rest, 1, behind + before)
            behind = ends
        buffers = _dealt(pieces, heads)
        buffers.append(behind)
        if tcp.is_to_acknowledge(side.other):
            headers = tcp.acknowledgement(side.other).headers
            buffers.append(b"".join(blocks.packet(self._interface, moment, headers, 0)))
        put = Blocks(self._session, self._protocol, buffers, sum(map(len, buffers)), payload)
        if not self._waiting.put(put):
            self._lose(payload)
        return True

    def hole(self, side: Side, octets: int) -> None:
        """So many octets of the side are left out."""
        tcp = self._tcp
        if tcp is None:
            return
        if octets > _MOST_LEFT_OUT:  # the session was long before anybody wanted it
            tcp.skip(side, octets)
            return
        moment = self._book.moment(0.0)  # the time is that of the last packet
        for written in left_out(tcp, side, octets, self._interface, moment):
            if not self._unsaid:  # else, or if they do not fit, they are a gap
                self._waiting.put(Blocks(self._session, self._protocol, (written,), len(written), 0))

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
        if not packets:
            return
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
                self._lose(packet.octets)

    def _lose(self, octets: int) -> None:
        self._unsaid += octets
        self._why = self._book.why or SLOW
        self.lost_octets += octets
        self._book.lost(octets)

    def _blocks(self, packets: Sequence[Packet], moment: int) -> Blocks:
        """The packets as they go into the file; all that is to be said is said on the first one."""
        comments: Sequence[str] = self._comments
        if self._unsaid:
            comments = [*comments, write("lost", octets=self._unsaid, why=self._why)]
        buffers: list[Payload] = []
        octets = payload = 0
        for headers, pieces, own in packets:
            before, behind = blocks.packet(self._interface, moment, headers, own, comments)
            buffers += (before, *pieces, behind)
            payload += own
            octets += len(before) + own + len(behind)
            comments = ()
        return Blocks(self._session, self._protocol, buffers, octets, payload)


def _begins_with_a_sign(pieces: Sequence[bytes]) -> bool:
    """Does any packet, if all but the last one are full?"""
    octets = 0
    for piece in pieces:
        starts = piece[-octets % LARGEST_PAYLOAD :: LARGEST_PAYLOAD]
        if any(sign in starts for sign in SIGNS):
            return True
        octets += len(piece)
    return False


def _dealt(pieces: Sequence[bytes], heads: Sequence[bytes]) -> list[Payload]:
    """The pieces cut into full packets, each behind its head; the last one may be short."""
    following = iter(heads)
    dealt: list[Payload] = []
    room = 0  # in the packet that is being filled
    for piece in pieces:
        view = memoryview(piece)
        if room:
            dealt.append(view[:room])
        for start in range(room, len(piece), LARGEST_PAYLOAD):
            dealt.append(next(following))
            dealt.append(view[start : start + LARGEST_PAYLOAD])
        room = (room - len(piece)) % LARGEST_PAYLOAD
    return dealt

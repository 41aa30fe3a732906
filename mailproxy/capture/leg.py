"""One leg of a session on its way into a capture: parsed, veiled, cut to size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from mailproxy.capture.abridged import Abridged
from mailproxy.capture.comments import write
from mailproxy.capture.follower import TAIL_OCTETS, Follower
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.shape import Shape
from mailproxy.proto.tokens import Side

How = Literal["fin", "rst"]
BODY_OCTETS = 49_152  # of a body that are put together at least; a packet has room for 60,000
_BODY_PIECES = 1000  # of it: each costs memory of its own
_FEW_PIECES = 64  # more of them are joined before they wait for the disk
_SECONDS = 1.0  # that octets of a slow body wait for more
_LEFT_OUT_OCTETS = 16 << 20  # of a body that are counted before the file is told of them
_END = b".\r\n"
_STARTTLS = {"pop3": "STLS", "imap": "STARTTLS", "smtp": "STARTTLS"}


class Sink(Protocol):
    """A connection in a capture file; see :class:`mailproxy.capture.writer.Connection`."""

    @property
    def patience(self) -> int:
        """Octets of a body that may be put together, ``BODY_OCTETS`` or more."""
        ...

    def open(self, time: float, comments: Sequence[str]) -> None: ...
    def data(
        self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()
    ) -> None: ...
    def hole(self, side: Side, octets: int) -> None: ...
    def note(self, time: float, comments: Sequence[str]) -> None: ...
    def close(self, time: float, how: How, comments: Sequence[str] = ()) -> None: ...


class Leg:
    """Writes what was said on one leg. ``message_octets``: so many of each message, None for all."""

    __slots__ = (
        "_abridged",
        "_amid",
        "_body",
        "_enough",
        "_follower",
        "_inside",
        "_leaves_out",
        "_octets",
        "_passed",
        "_passes",
        "_remarks",
        "_secrets",
        "_shape",
        "_since",
        "_sink",
        "_starttls",
        "_tail",
        "_upgrade",
    )

    def __init__(self, protocol: str, sink: Sink, message_octets: int | None, secrets: bool) -> None:
        self._follower = Follower(protocol, decrypted=True)
        self._sink = sink
        self._secrets = secrets
        self._abridged = None if message_octets is None else Abridged(protocol, message_octets)
        self._shape = Shape(protocol)
        self._amid: Side | None = None  # whose body waits
        self._body: list[bytes] = []
        self._octets = 0  # of it
        self._since = 0.0  # when the first of it came
        self._inside = True  # it is sure that it goes on behind them
        self._passes = False  # what is inside of this body need not be parsed …
        self._leaves_out = False  # … nor written
        self._enough = 0  # octets of it that wait to be written together
        self._passed = 0  # octets that the follower has not been told of
        self._tail = b""  # the last of them
        self._remarks: list[str] = []
        self._upgrade = _STARTTLS[protocol]
        self._starttls: list[Part] = []  # this exchange is not written if TLS begins behind it

    def remark(self, remark: str) -> None:
        """A comment for the next packet."""
        self._remarks.append(remark)

    def said(self, side: Side, pieces: Sequence[bytes], time: float, cut: bool = False) -> None:
        """Octets that ``side`` of this leg has sent.

        Within a body they wait until there are enough of them for a packet: packets cost more than octets.
        ``cut``: the session has cut them already, so that a body ends where a piece ends, or not at all.
        """
        if self._passes and cut and len(pieces) == 1 and side is self._amid and not self._remarks:
            data = pieces[0]
            if len(data) > TAIL_OCTETS and not data.endswith(_END):
                self._said_inside(data, time)
                return
            if len(data) > BODY_OCTETS + TAIL_OCTETS:
                self._said_in_two(side, data, time)
                return
        if side is not self._amid or self._remarks:
            self._flush(time)
            if self._remarks or not self._follower.amid(side):
                begins = cut and len(pieces) > 1 and len(pieces[-1]) > BODY_OCTETS
                self._write(side, pieces[:-1] if begins else pieces, time)
                if begins:  # behind its first line, a body need not be searched for its end
                    self.said(side, pieces[-1:], time, cut)
                return
            if self._amid is not side:
                self._forget_body()
            self._amid = side
        ends = False
        for data in pieces:
            self._body.append(data)
            self._octets += len(data)
            # Of a short piece nobody can say whether it ends a body without what was before.
            ends = ends or len(data) < len(_END) or data.endswith(_END)
        self._inside = self._inside and cut and not ends
        if ends or self._octets >= BODY_OCTETS or len(self._body) >= _BODY_PIECES:
            self._flush(time)

    def _said_inside(self, data: bytes, time: float) -> None:
        """More of a body that is known to go on behind it."""
        if not self._body:
            self._since = time
        self._body.append(data)
        self._octets += len(data)
        if self._octets >= self._enough or len(self._body) >= _BODY_PIECES or time - self._since > _SECONDS:
            if self._inside:
                self._pass(time)
            else:
                self._flush(time)

    def _said_in_two(self, side: Side, piece: bytes, time: float) -> None:
        """If the body ends in a long piece, it does so at its end: only there it needs to be parsed."""
        self.said(side, [piece[:-TAIL_OCTETS]], time, cut=True)
        self.said(side, [piece[-TAIL_OCTETS:]], time, cut=True)

    def _pass(self, time: float) -> None:
        """What waits of a body is written as it is, or left out, and the follower is told of it later."""
        side = self._amid
        assert side is not None, "it is somebody's body"
        for data in self._body:
            self._tail = (self._tail + data[-TAIL_OCTETS:])[-TAIL_OCTETS:]
        self._passed += self._octets
        if not self._leaves_out:
            self._sink.data(side, self._few_pieces(), time)  # what remarks are about comes later
        self._body, self._octets = [], 0
        if self._leaves_out and self._passed >= _LEFT_OUT_OCTETS:
            self._catch_up(side, time)

    def _catch_up(self, side: Side, time: float) -> None:
        """Tells the follower what has passed, and the file what was left out of it."""
        passed, self._passed = self._passed, 0
        if passed:
            part = self._follower.pass_on(side, passed, self._tail, time)
            assert part is not None, "more of the same body has passed before"
            if self._abridged is not None:
                self._sink.hole(side, self._abridged.left_out(part, self._tail))

    def _flush(self, time: float) -> None:
        """What waits of a body is written now."""
        side = self._amid
        if side is None:
            return
        self._catch_up(side, time)
        self._forget_body()
        body, self._body = self._few_pieces(), []
        octets, self._octets = self._octets, 0
        inside, self._inside = self._inside, True
        if not body:
            return
        self._tail = b"".join(data[-TAIL_OCTETS:] for data in body)[-TAIL_OCTETS:]
        part = self._follower.pass_on(side, octets, self._tail, time) if inside else None
        if part is None:
            self._write(side, body, time, remarked=False)
            return
        self._put(self._shape.rest(), time)  # it may go on with a list that waits to be whole
        self._amid = side
        if self._abridged is None:
            self._passes, self._enough = True, self._sink.patience
            self._sink.data(side, body, time)
        elif left_out := self._abridged.left_out(part, self._tail):
            self._passes, self._enough, self._leaves_out = True, 0, True
            self._sink.hole(side, left_out)
        else:
            part.data = part.shown = b"".join(body)
            self._put([part], time)

    def _forget_body(self) -> None:
        """What comes next has to be parsed again."""
        self._amid = None
        self._passes = self._leaves_out = False

    def _few_pieces(self) -> list[bytes]:
        return [b"".join(self._body)] if len(self._body) > _FEW_PIECES else self._body

    def _write(self, side: Side, pieces: Iterable[bytes], time: float, remarked: bool = True) -> None:
        """Remarks are about these octets, unless those have waited: then they are about what comes next."""
        self._forget_body()  # it may end in them
        parts = self._follower.feed_run(side, [(data, time, 0) for data in pieces])
        if self._starttls or any(self._asks_for_tls(part) for part in parts):
            parts = self._without_starttls(parts)
        self._put(self._shape.ready(parts), time, side if remarked else None)

    def close(self, time: float) -> None:
        """Both sides have said all."""
        self._flush(time)
        unanswered, self._starttls = self._starttls, []
        self._put(self._shape.ready([*unanswered, *self._follower.finish()]), time)
        self._put(self._shape.rest(), time)
        if self._abridged is not None:
            for side in Side:
                for held in self._abridged.rest(side):
                    self._sink.data(side, [held], time)
        self._sink.close(time, "fin", self._remarks)
        self._remarks = []

    def abandon(self, time: float, why: str) -> None:
        """Nothing more of it can be written."""
        self._sink.close(time, "rst", [*self._remarks, write("lost", why=why)])

    def _asks_for_tls(self, part: Part) -> bool:
        return part.command is not None and part.command.verb == self._upgrade

    def _without_starttls(self, parts: list[Part]) -> list[Part]:
        """Wireshark would take all that follows for TLS, so the exchange becomes a remark."""
        written: list[Part] = []
        for part in parts:
            if part.kind is Kind.STARTTLS and self._starttls:
                command, *replies = self._starttls
                reply = replies[-1].shown if replies else b""
                self._remarks.append(write("starttls", command=_text(command.shown), reply=_text(reply)))
                self._starttls = []
                continue
            written += self._refused(part)
            if self._asks_for_tls(part) or (self._starttls and part.exchange == self._starttls[0].exchange):
                self._starttls.append(part)
            else:
                written.append(part)
        return written + self._refused()

    def _refused(self, next: Part | None = None) -> list[Part]:
        """The exchange that is kept, once TLS cannot begin behind it; ``next`` is what comes then."""
        kept = self._starttls
        over = bool(kept) and kept[-1].ends
        if kept and next is not None and next.exchange != kept[0].exchange:
            over = over or any(part.side is next.side for part in kept)  # octets of one side stay in order
        if not over:
            return []
        self._starttls = []
        return kept

    def _put(self, parts: list[Part], time: float, by: Side | None = None) -> None:
        """Octets of one side go into the file together, as far as their shape lets them.

        Remarks are about what ``by`` says: they stand where all of that is there.
        """
        packets: list[tuple[Side, list[bytes] | int]] = []
        for part in parts:
            data = part.data if self._secrets else part.shown
            for piece in (data,) if self._abridged is None else self._abridged.pieces(part, data):
                if isinstance(piece, int):
                    packets.append((part.side, piece))
                    continue
                for begins, octets in self._shape.pieces(part, piece):
                    last = packets[-1] if packets and not begins else None
                    if last is not None and last[0] is part.side and isinstance(last[1], list):
                        last[1].append(octets)
                    elif octets:
                        packets.append((part.side, [octets]))
        said = [
            index for index, (side, what) in enumerate(packets) if side is by and not isinstance(what, int)
        ]
        for index, (side, what) in enumerate(packets):
            if isinstance(what, int):
                self._sink.hole(side, what)
                continue
            remarks: list[str] = []
            if said and index == said[-1]:
                remarks, self._remarks = self._remarks, []
            self._sink.data(side, what, time, remarks)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")

"""Reads a mail conversation from outside: both sides' octets go in, parts that belong to commands come out.

Theory of operation. The protocol's dialect reads both sides, as in a live session, but nothing
is edited, refused or answered. A command that changes how the next octets are read holds the
client's side until its reply is there, so what is pipelined behind it waits here.

Invariants:

1. The data of all parts of a side, in order, are the octets of that side that were fed.
2. What waits is bounded: where that is too much, or nobody can know how to read on,
   the rest of the conversation is *unread*, and still passes.
3. What a part shows holds no secret: see :mod:`mailproxy.capture.veiling`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mailproxy.capture.assumed import Assumed
from mailproxy.capture.parts import GREETING_NUMBER, UNASKED, Kind, Part
from mailproxy.capture.veiling import Blank, Veil, hidden
from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import GREETING, Limits, Say, Slot
from mailproxy.proto.tokens import Chunk, Command, Reply, Side, WireError
from mailproxy.session.dialects import dialect_for

_POLICY = Policy(guard=False, starttls=True, login=True, verbatim=True)
_LIMITS = Limits(line=262_144, reply=1_048_576, literal=1_048_576)
_WAITING_OCTETS = 1_048_576  # of the client, while its next command waits for a reply
_SILENT_OCTETS = 65_536  # of the client, after which a server that said nothing is not in the capture
TAIL_OCTETS = 8  # enough for the mark at which a body ends, but for its last octet
_MOST_OPEN = 100_000  # commands without a reply
# On Python 3.11, to look up a member of an Enum takes as long as three calls: here it is done once.
_CLIENT, _SERVER = Side.CLIENT, Side.SERVER
_COMMAND, _RESPONSE, _DATA, _REPLY, _BODY = Kind.COMMAND, Kind.RESPONSE, Kind.DATA, Kind.REPLY, Kind.BODY
_STARTTLS = frozenset({"STARTTLS", "STLS"})
_DIALOGUES = frozenset({"AUTH", "AUTHENTICATE", "IDLE"})
_GOOD = frozenset({"OK", "220"})
_GREETS: dict[str, tuple[bytes, ...]] = {
    "smtp": (b"220", b"554", b"421"),
    "imap": (b"* OK", b"* PREAUTH", b"* BYE"),
    "pop3": (),  # nothing tells a greeting from another +OK
}


class _Open(Slot):
    """A command that is not answered yet."""

    __slots__ = ("number", "veil")

    def __init__(self, command: Command, number: int, veil: Veil | Blank) -> None:
        super().__init__(command, 0.0)
        self.number = number
        self.veil = veil


class _Clock:
    """When which octet of a side arrived: the last of those ``fed`` at ``latest``, a time and a frame."""

    __slots__ = ("fed", "latest", "marks")

    def __init__(self) -> None:
        self.fed = 0
        self.latest = (0.0, 0)
        self.marks: deque[tuple[int, tuple[float, int]]] = deque()  # all but the latest

    def feed(self, octets: int, time: float, frame: int, waits: bool) -> None:
        """``waits``: nobody has taken all of what was fed before."""
        if waits:
            self.marks.append((self.fed, self.latest))
        self.fed += octets
        self.latest = (time, frame)

    def at(self, offset: int) -> tuple[float, int]:
        """Time and frame of the packet with the octet before ``offset``. Offsets never fall."""
        marks = self.marks
        while marks and marks[0][0] < offset:
            marks.popleft()
        return marks[0][1] if marks else self.latest


class Follower:
    """Follows one conversation of ``protocol`` (``pop3``, ``imap`` or ``smtp``).

    ``decrypted``: octets behind STARTTLS are what was said inside TLS. Without ``shown``, nothing
    is shown by parts that may hold a secret; to look for those takes time.
    ``user`` is whoever has logged in, as far as can be known.
    """

    def __init__(self, protocol: str, *, decrypted: bool = False, shown: bool = True) -> None:
        self._protocol = protocol
        self._literals = protocol == "imap"
        self._decrypted = decrypted
        self._blank = None if shown else Blank()
        self._dialect = dialect_for(protocol, _POLICY, _LIMITS, frozenset())
        self._inboxes = self._dialect.inboxes
        self._client_inbox, self._server_inbox = self._inboxes
        self._clocks = (_Clock(), _Clock())
        self._greeting = _Open(Command(GREETING, b""), GREETING_NUMBER, self._blank or Veil(protocol))
        self._dialect.slots.append(self._greeting)
        self._number = GREETING_NUMBER
        self._current: _Open = self._greeting  # the client's latest command
        self._answering: _Open | None = None  # whose reply goes on, with a body
        self._reply: Reply | None = None
        self._holding: Slot | None = None
        self._raw: Kind | None = None  # nothing is read any more
        self._assumed: Assumed | None = None
        self._parts: list[Part] = []

    @property
    def user(self) -> str:
        return self._dialect.user

    @property
    def readable(self) -> bool:
        """Are the octets still cut into commands and replies?"""
        return self._raw is None

    def amid(self, side: Side) -> bool:
        """Is ``side`` in the middle of a message or literal, all of which was read so far?"""
        dialect = self._dialect
        inside = self._raw is None and (dialect.in_body(side) or dialect.in_literal(side))
        return inside and not dialect.inboxes[side].data

    def feed(self, side: Side, data: bytes, time: float = 0.0, frame: int = 0) -> list[Part]:
        """Octets of ``side``; returns the parts that are complete now."""
        clock = self._clocks[side]
        clock.feed(len(data), time, frame, bool(self._inboxes[side].data))
        return self._fed(side, data, clock.fed == len(data))

    def feed_run(self, side: Side, run: Sequence[tuple[bytes, float, int]]) -> list[Part]:
        """The same of several packets that stand behind each other: data, time and frame of each."""
        clock = self._clocks[side]
        first, waits = not clock.fed, bool(self._inboxes[side].data)
        for data, time, frame in run:
            clock.feed(len(data), time, frame, waits)
            waits = True
        return self._fed(side, b"".join([each[0] for each in run]), first)

    def _fed(self, side: Side, data: bytes, first: bool) -> list[Part]:
        if first and self._raw is None:
            self._begins(side, data)
        if self._raw is not None:
            self._add(side, self._raw, data, UNASKED, self._veiled_raw(data))
            return self._taken()
        self._inboxes[side].feed(data)
        self._turn()
        if self._client_inbox.data or self._assumed is not None or len(self._dialect.slots) > _MOST_OPEN:
            self._bound()
        return self._taken()

    def pass_on(self, side: Side, octets: int, tail: bytes, time: float = 0.0) -> Part | None:
        """So many octets of a body that is known not to end in them: they are not searched for a lone dot.

        Only while :meth:`amid` this side. ``tail`` are the last ``TAIL_OCTETS`` of them. Returns what they
        are, but without the octets; None, and nothing is taken, where the body does not end with a dot or
        there are too few of them.
        """
        if octets <= TAIL_OCTETS or not self._dialect.in_body(side):
            return None
        self._dialect.skip(side, octets - len(tail))
        self._clocks[side].feed(octets, time, 0, False)
        self._dialect.inboxes[side].feed(tail)  # the end of the body may begin here
        token = self._dialect.server() if side is Side.SERVER else self._dialect.client()
        assert isinstance(token, Chunk), "it is in the middle of a body"
        slot = self._answering if side is Side.SERVER else self._current
        number = slot.number if slot is not None else UNASKED
        return Part(side, Kind.BODY if side is Side.SERVER else Kind.DATA, b"", time, 0, number, b"", octets)

    def hole(self, side: Side, octets: int, time: float = 0.0, frame: int = 0) -> list[Part]:
        """Octets of ``side`` that nobody has; what comes next of it stands behind them."""
        waiting = len(self._dialect.inboxes[side])
        inside = self._raw is None and not waiting and self._dialect.skip(side, octets)
        slot = self._answering if side is Side.SERVER else self._current
        if not inside:
            self._give_up(Kind.UNREAD)
        number = slot.number if slot is not None and inside else UNASKED
        self._parts.append(Part(side, Kind.GAP, b"", time, frame, number, b"", octets))
        return self._taken()

    def finish(self) -> list[Part]:
        """The capture is at its end: what waits for a reply is read without it."""
        if self._raw is None:
            if not self._clocks[Side.SERVER].fed and self._clocks[Side.CLIENT].fed:
                self._assume()
            self._holding = None
            if self._greeting in self._dialect.slots:
                self._dialect.slots.remove(self._greeting)
            self._turn()
        if self._raw is None:
            self._give_up(Kind.UNREAD)
        return self._taken()

    # -- how it begins and ends ---------------------------------------------------------

    def _begins(self, side: Side, data: bytes) -> None:
        if data[:2] == b"\x16\x03":
            # Inside TLS it is nonsense, behind which passwords may come.
            self._give_up(Kind.UNREAD if self._decrypted else Kind.TLS)
            return
        spoke = self._clocks[Side.CLIENT].fed > 0
        if side is Side.SERVER and spoke and not data.startswith(_GREETS[self._protocol]):
            # The capture began behind the greeting, so this answers the client.
            slots = self._dialect.slots
            if slots and slots[0] is self._greeting:
                slots.popleft()
                self._dialect.answered(self._greeting, Reply(b"", "OK"))
                self._turn()

    def _bound(self) -> None:
        waiting = len(self._client_inbox)
        if self._assumed is not None or (waiting > _SILENT_OCTETS and not self._clocks[Side.SERVER].fed):
            self._assume()
        elif waiting > _WAITING_OCTETS or len(self._dialect.slots) > _MOST_OPEN:
            self._give_up(Kind.UNREAD)

    def _give_up(self, kind: Kind, taken: tuple[Side, bytes] = (Side.CLIENT, b"")) -> None:
        """Nothing is read any more; ``taken`` are octets that stand before what waits of their side."""
        if self._raw is not None:
            return
        self._raw = kind
        for side in Side:
            inbox = self._dialect.inboxes[side]
            held = self._dialect.held() if side is Side.SERVER else b""
            rest = held + (taken[1] if side is taken[0] else b"") + inbox.take(len(inbox))
            if rest:
                self._add(side, kind, rest, UNASKED, self._veiled_raw(rest))

    def _veiled_raw(self, data: bytes) -> bytes:
        if self._raw is Kind.TLS:
            return data
        return hidden(data) if self._blank is None else b""

    def _assume(self) -> None:
        """The server's half is not in the capture."""
        self._assumed = self._assumed or Assumed(self._protocol, self._dialect)
        dialect, before = self._dialect, None
        while self._raw is None and (made_up := self._assumed.reply()):
            stand = (len(dialect.slots), len(dialect.inboxes[Side.CLIENT]), made_up)
            if stand == before:
                self._give_up(Kind.UNREAD)  # nothing that a server could say helps
                return
            before = stand
            dialect.inboxes[Side.SERVER].feed(made_up)
            self._turn()

    def _taken(self) -> list[Part]:
        parts, self._parts = self._parts, []
        return parts

    def _add(
        self,
        side: Side,
        kind: Kind,
        data: bytes,
        number: int,
        shown: bytes,
        command: Command | None = None,
        status: str = "",
        ends: bool = False,
        literal: bool = False,
    ) -> None:
        if self._assumed is not None and side is _SERVER:
            return  # made up, and never said
        clock = self._clocks[side]
        inbox = self._inboxes[side]
        time, frame = clock.at(clock.fed - len(inbox)) if inbox.data or clock.marks else clock.latest
        self._parts.append(
            Part(side, kind, data, time, frame, number, shown, len(data), command, status, ends, literal)
        )

    # -- reading ------------------------------------------------------------------------

    def _turn(self) -> None:
        try:
            while self._raw is None and (
                (self._client_inbox.data and not self._blocked() and self._from_client())
                or (self._server_inbox.data and self._from_server())
            ):
                pass
        except WireError as error:
            self._give_up(Kind.UNREAD, (error.side, error.taken))

    def _blocked(self) -> bool:
        if self._holding is None:
            slots = self._dialect.slots
            if not slots or slots[0] is not self._greeting:
                return False
        return not self._dialect.engaged

    def _from_client(self) -> bool:
        literal = self._literals and self._dialect.in_literal(_CLIENT)
        token = self._dialect.client()
        if isinstance(token, Command):
            self._command(token)
        elif isinstance(token, Chunk):
            self._chunk(token, literal)
        return token is not None

    def _command(self, command: Command) -> None:
        self._number += 1
        veil = self._blank or Veil(self._protocol)
        slot = self._current = _Open(command, self._number, veil)
        shown = veil.command(command)
        self._dialect.slots.append(slot)
        self._dialect.forwarded(command)
        if command.spec is not None and command.spec.hold:
            self._holding = slot
        self._add(_CLIENT, _COMMAND, command.line, slot.number, shown, command)

    def _chunk(self, chunk: Chunk, literal: bool) -> None:
        slot = self._current
        dialogue = slot.verb in _DIALOGUES and not literal
        body = self._protocol == "smtp" and not dialogue
        if body:
            shown = chunk.data
        elif literal:
            shown = slot.veil.literal(chunk.data, chunk.secret)
        else:
            shown = slot.veil.line(chunk.data, chunk.secret)
        if chunk.data:
            kind = _RESPONSE if dialogue else _DATA
            self._add(_CLIENT, kind, chunk.data, slot.number, shown, literal=literal)

    def _from_server(self) -> bool:
        literal = self._literals and self._dialect.in_literal(_SERVER)
        token = self._dialect.server()
        if isinstance(token, Chunk):
            slot, reply = self._answering, self._reply
            number = slot.number if slot is not None else UNASKED
            ends = token.end and reply is not None and reply.final and slot is not None
            self._add(_SERVER, _BODY, token.data, number, token.data, ends=ends, literal=literal)
            if token.end:
                self._answering = self._reply = None
                if ends and slot is not None and reply is not None:
                    self._done(slot, reply)
        elif isinstance(token, Reply):
            self._replied(token)
        return token is not None and not isinstance(token, Say)

    def _replied(self, reply: Reply) -> None:
        slot = self._slot_of(reply)
        number = slot.number if slot is not None else UNASKED
        shown = slot.veil.reply(reply.data) if slot is not None else reply.data
        ends = reply.final and slot is not None and not reply.more
        self._add(_SERVER, _REPLY, reply.data, number, shown, None, reply.status, ends)
        if reply.more:
            self._answering, self._reply = slot, reply
        elif ends and slot is not None:
            self._done(slot, reply)

    def _slot_of(self, reply: Reply) -> _Open | None:
        slots = self._dialect.slots
        if reply.final:
            found = self._dialect.slot_of(reply)
        elif reply.status == "+" and self._protocol == "imap":
            found = self._current if self._current in slots else None
        else:
            found = slots[0] if slots else None
        return found if isinstance(found, _Open) else None

    def _done(self, slot: _Open, reply: Reply) -> None:
        """The server's final word on a command."""
        slots = self._dialect.slots
        if slots and slots[0] is slot:
            slots.popleft()
        elif slot in slots:
            slots.remove(slot)
        if self._holding is slot:
            self._holding = None
        self._dialect.answered(slot, reply)
        if slot.verb in _STARTTLS and reply.status in _GOOD:
            self._add(_SERVER, Kind.STARTTLS, b"", slot.number, b"")
            if self._decrypted:
                self._dialect.restarted()
            else:
                self._give_up(Kind.TLS)

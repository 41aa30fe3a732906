r"""Plays a dialogue through a :class:`~mailproxy.session.session.Session` and compares both ends.

A transcript is a text file, seen from both sides of the proxy::

    ! rules pop3-block-dele
    ! after login
    # The refusal stands where the server's answer would have stood.
    C> NOOP
    C> DELE 1
    >S NOOP
    S> +OK
    >C +OK
    >C -ERR [SYS/PERM] …

``C>`` the client sends, ``>S`` the server gets, ``S>`` the server sends, ``>C``
the client gets. A line stands for its text and CRLF, in UTF-8. ``#`` begins a
comment. In the text:

* ``\r`` ``\n`` ``\t`` ``\0`` ``\xNN`` ``\\`` are octets, ``\(300*ab)`` is ``ab`` 300 times,
* ``\-`` at the end means that no CRLF follows,
* ``…`` at the end of a ``>C`` line stands for any text up to the line's CRLF.

Sends that follow one another are a *group*. An expectation, a blank line or an
act ends it; sends of one side that stand together arrive as one segment, unless
cut. When a group has been delivered, each peer must have got exactly what the
lines behind it say: all of it, in order, and nothing else. So a blank line with
no expectation in front of it says that nothing came out, and a server's line
behind a ``>S`` is sent only after the server got that.

A side that the session does not want to read (``wants``) is not read: its
octets wait, as they would in a socket.

Lines with ``!`` in front of the dialogue are options:

* ``! guard`` (the default) or ``! observe``: the mode of the listener,
* ``! starttls``: the client's leg may be upgraded; ``! tls``: it is encrypted; ``! tls-required``,
* ``! rules NAME ...``: files of ``/rules``, without ``.toml``,
* ``! block VERB``: a rule of the transcript's own refuses this verb,
* ``! guards``: rules that need a guard get it, with nothing remembered,
* ``! kept UIDL:OCTETS[:DAYS] ...``: the same, and these messages are kept, since so many days (default: 1),
* ``! broken METHOD ...``: the same, and these methods of the memory of kept mail fail,
* ``! uncut``: the case is about what arrives together, so nothing is cut,
* ``! after NAME``: the dialogue of ``NAME.txt`` in the same folder comes first.

Among the lines of a dialogue ``!`` says what happens:

* ``! tls``: the client's leg is now encrypted; the session must have asked for it,
* ``! eof C``, ``! eof S``: a side ended its stream properly; ``! cut C``, ``! cut S``: without close_notify,
* ``! closed``: the session has closed at the end of this group. One that closes anywhere else fails,
* ``! dropped``: the server's leg was cut off, likewise. A ``~S`` line in front says what the server had got
  at most: what it got is a beginning of it, since nobody will complete it.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from mailproxy.events import CommandDone, Event
from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Kept, Memory, ViewKey
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.tokens import Side
from mailproxy.session.guard import GuardMaker, no_guards
from mailproxy.session.options import Options
from mailproxy.session.session import Session
from mailproxy.session.verdict import NO_RULES, Facts, Judge
from tests.dialogue import Act, Expect, Happens, Send, Transcript, parse
from tests.guards.remembering import DAY, NOW, RememberedArchive, RememberedBrakes, RememberedMail
from tests.oracle import commands_in

TRANSCRIPTS = Path(__file__).parent / "transcripts"

# The verdicts on commands that go upstream, and what they turn into there.
_FORWARDED = {"forward": "", "own": "", "allow": "", "examine": "EXAMINE", "unselect": "UNSELECT"}

Cut = Callable[[bytes], Iterator[bytes]]
"""How one segment is cut into what arrives at once."""


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]


def random_cuts(seed: int) -> Cut:
    """Pieces of 1 to 40 octets, the same ones for the same seed."""
    source = random.Random(seed)

    def cut(data: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(data):
            end = start + source.randint(1, 40)
            yield data[start:end]
            start = end

    return cut


class Wires:
    """A session between two peers that are played; what each got and sent is kept."""

    def __init__(
        self,
        protocol: str,
        options: Options,
        judge: Judge = NO_RULES,
        *,
        tls: bool = False,
        guards: GuardMaker = no_guards,
    ) -> None:
        self.events: list[Event] = []
        facts = Facts(protocol, tls=tls, tls_version="TLSv1.3" if tls else "")
        self.session = Session(protocol, options, facts, judge, self.events.append, guards=guards)
        self.got: dict[Side, bytearray] = {Side.CLIENT: bytearray(), Side.SERVER: bytearray()}
        self.sent: dict[Side, bytearray] = {Side.CLIENT: bytearray(), Side.SERVER: bytearray()}
        self._waiting: deque[tuple[Side, bytes]] = deque()

    def send(self, side: Side, pieces: Iterator[bytes]) -> None:
        """Let a side send; pieces that the session does not want yet wait, behind its end for ever."""
        for piece in pieces:
            if self.session.closed:
                return
            self._waiting.append((side, piece))
            self.flow()

    def flow(self) -> None:
        """Move octets until the session wants none of those that wait."""
        self._collect()
        while (index := self._next_wanted()) is not None:
            side, piece = self._waiting[index]
            del self._waiting[index]
            self.sent[side] += piece
            self.session.receive(side, piece)
            self._collect()

    def _next_wanted(self) -> int | None:
        session = self.session
        if session.closed or session.upgrade:
            return None
        blocked: set[Side] = set()
        for index, (side, _) in enumerate(self._waiting):
            if side not in blocked and session.wants(side):
                return index
            blocked.add(side)
            if len(blocked) == len(Side):
                break
        return None

    def _collect(self) -> None:
        session = self.session
        while True:
            for side in Side:
                for piece in session.take(side):
                    self.got[side] += piece
            if session.job is not None:
                session.worked(*result_of(session.job))
            elif session.paused:
                session.resume()
            else:
                return


def result_of(job: Callable[[], object]) -> tuple[object, Exception | None]:
    """What the work for another thread returns, or raises; here it is done at once."""
    try:
        return job(), None
    except Exception as error:
        return None, error


def check_what_the_server_read(wires: Wires) -> None:
    """The second reader must find the very commands that the session says it forwarded.

    Raises:
        AssertionError: it finds others, or reads something in two ways.
    """
    session = wires.session
    protocol = session.facts.protocol
    to_server, from_server = bytes(wires.got[Side.SERVER]), bytes(wires.sent[Side.SERVER])
    read = commands_in(protocol, to_server, from_server, cut_off=session.closed)
    done = [event for event in wires.events if isinstance(event, CommandDone)]
    told = [_sent_as(event.verb, event.verdict, read) for event in done if _went_upstream(event)]
    if session.dropped:  # commands that are open then are never reported
        assert read[: len(told)] == told
        return
    waiting = [slot for slot in session.dialect.slots if slot.answer is None and slot.verb != GREETING]
    told += [_sent_as(slot.verb, slot.verdict, read) for slot in waiting]
    if protocol == "imap":  # replies may come in another order
        read, told = sorted(read), sorted(told)
    assert read == told, (read, told)


def _went_upstream(event: CommandDone) -> bool:
    if event.verdict in ("archive", "trash"):  # as it is, or changed, once there is a copy; refused without
        return event.status != "local"
    return event.verdict in _FORWARDED


def _sent_as(verb: str, verdict: str, read: list[str]) -> str:
    """The verb that went upstream for a command, where the server has ``read`` these."""
    if verdict in ("archive", "trash") and verb == "CLOSE":  # where the server has UNSELECT
        return "UNSELECT" if "UNSELECT" in read else verb
    if verdict == "archive":  # exactly what was copied is expunged
        return {"EXPUNGE": "UID EXPUNGE"}.get(verb, verb)
    if verdict == "trash":
        return verb
    return _FORWARDED[verdict] or verb


def play(transcript: Transcript, judge: Judge = NO_RULES, cut: Cut = whole) -> Wires:
    """Play every item and check what came out.

    Raises:
        AssertionError: a peer got something else; the text names file and line.
    """
    tls, guards = "tls" in transcript.options, _guards(transcript)
    wires = Wires(transcript.protocol, _options(transcript), judge, tls=tls, guards=guards)
    Player(wires, whole if "uncut" in transcript.options else cut).run(transcript)
    return wires


class Player:
    """Walks through the items of transcripts, group by group."""

    def __init__(self, wires: Wires, cut: Cut) -> None:
        self._wires = wires
        self._cut = cut
        self._sends: list[Send] = []
        self._expects: list[Expect] = []
        self._closed = self._dropped = False
        self._checked = {Side.CLIENT: 0, Side.SERVER: 0}

    def run(self, transcript: Transcript) -> None:
        for name in transcript.options.get("after", ()):
            self.run(parse(transcript.path.with_name(f"{name}.txt"), transcript.protocol))
        self._path = transcript.path
        line = 0
        for item in transcript.items:
            line = item.line
            if isinstance(item, Expect):
                self._expects.append(item)
            elif isinstance(item, Send):
                if self._expects or self._closed or self._dropped:
                    self._settle(line)
                self._sends.append(item)
            else:
                self._happens(item)
        self._settle(line)

    def _happens(self, item: Happens) -> None:
        if item.act is Act.CLOSED:
            self._closed = True
            return
        if item.act is Act.DROPPED:
            self._dropped = True
            return
        if item.act is Act.TLS:
            self._settle(item.line, upgrade=True)
            self._wires.session.upgraded("TLSv1.3")
            return
        self._settle(item.line)
        if item.act is not Act.BREAK:
            ended = Side.CLIENT if item.act in (Act.EOF_CLIENT, Act.CUT_CLIENT) else Side.SERVER
            self._wires.session.eof(ended, clean=item.act in (Act.EOF_CLIENT, Act.EOF_SERVER))
            self._wires.flow()

    def _settle(self, line: int, upgrade: bool = False) -> None:
        for side, sends in groupby(self._sends, key=lambda send: send.side):
            self._wires.send(side, self._cut(b"".join(send.octets for send in sends)))
        self._wires.flow()
        where = f"{self._path}, before line {line}"
        for side in Side:
            self._compare(side, where)
        session = self._wires.session
        assert session.closed is self._closed, f"{where}: closed is {session.closed}, expected {self._closed}"
        assert session.dropped is self._dropped, f"{where}: dropped is {session.dropped}"
        assert session.upgrade is upgrade or session.closed, (
            f"{where}: upgrade is {session.upgrade}, expected {upgrade}"
        )
        self._sends.clear()
        self._expects.clear()

    def _compare(self, side: Side, where: str) -> None:
        got = bytes(self._wires.got[side][self._checked[side] :])
        wanted = [expect for expect in self._expects if expect.side is side]
        if not re.fullmatch(b"".join(expect.pattern() for expect in wanted), got, re.DOTALL):
            lines = [expect.octets + ("…".encode() if expect.open_end else b"") for expect in wanted]
            peer = "client" if side is Side.CLIENT else "server"
            raise AssertionError(
                f"{where}: the {peer} got\n  {_shown(got)}\ninstead of\n  {_shown(b''.join(lines))}"
            )
        self._checked[side] += len(got)


def _shown(data: bytes) -> str:
    lines = data.splitlines(keepends=True)
    return "\n  ".join(repr(line[:200])[1:] for line in lines) or "(nothing)"


def _guards(transcript: Transcript) -> GuardMaker:
    chosen = transcript.options
    if not chosen.keys() & {"guards", "kept", "broken"}:
        return no_guards
    mail = RememberedMail(*chosen.get("broken", ()))
    rows = mail.views.setdefault(ViewKey("", "ann"), {})
    for entry in chosen.get("kept", ()):
        uidl, octets, days = (*entry.split(":"), "1")[:3]
        rows[uidl.encode()] = Kept(uidl.encode(), int(octets), NOW - float(days) * DAY)
    return guard_maker(Memory(mail, RememberedBrakes(), RememberedArchive()), lambda: NOW)


def _options(transcript: Transcript) -> Options:
    chosen = transcript.options
    return Options(
        guard="observe" not in chosen,
        starttls="starttls" in chosen,
        tls_required="tls-required" in chosen,
    )

"""Sessions that are recorded as the live proxy records them, but into memory; and what it said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.leg import How
from mailproxy.capture.model import Closed, Hole, Noted, Octets, Opened, Stream, StreamEvent
from mailproxy.capture.recorder import Address, Recorder, What
from mailproxy.events import CommandDone, Event, LegSecured, SessionStarted
from mailproxy.guards.make import guard_maker
from mailproxy.proto.tokens import Side
from mailproxy.rules import load
from mailproxy.session.dialogues import OWN
from mailproxy.session.recorded import RecordedSession
from mailproxy.session.verdict import Facts, Judge
from mailproxy.whatif.clock import Clock
from mailproxy.whatif.outcome import Outcome
from mailproxy.whatif.rehearsal import Rehearsal, terms_of
from mailproxy.whatif.sessions import CapturedSession
from tests.dialogue import Transcript
from tests.guards.remembering import NOW, memory
from tests.play import Player, Wires, _guards, _options, whole
from tests.player.recording import recorded

RULES = Path(__file__).parents[2] / "rules"

CLIENT, LISTENER = ("192.0.2.7", 40_000), ("192.0.2.1", 1995)
OWN_END, SERVER = ("192.0.2.1", 40_001), ("198.51.100.9", 995)
PORTS = {"pop3": 110, "imap": 143, "smtp": 25}


@dataclass
class Tape:
    """All that is recorded, as a reader would find it in the file. It is an ``Opener`` too."""

    events: list[StreamEvent] = field(default_factory=list)
    frames: Iterator[int] = field(default_factory=lambda: count(1))

    def connection(
        self, session: str, protocol: str, leg: object, client: Address, server: Address
    ) -> OneLeg:
        ends = f"{client[0]}:{client[1]}", f"{server[0]}:{PORTS[protocol]}"
        return OneLeg(self, Stream(len(self.events), *ends))


@dataclass
class OneLeg:
    """See :class:`mailproxy.capture.leg.Sink`."""

    tape: Tape
    stream: Stream

    def open(self, time: float, comments: Sequence[str]) -> None:
        self.tape.events.append(Opened(self.stream, time, next(self.tape.frames), tuple(comments)))

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        octets = b"".join(pieces)
        self.tape.events.append(
            Octets(self.stream, side, octets, time, next(self.tape.frames), tuple(comments))
        )

    def hole(self, side: Side, octets: int) -> None:
        self.tape.events.append(Hole(self.stream, side, octets, 0.0, next(self.tape.frames)))

    def note(self, time: float, comments: Sequence[str]) -> None:
        self.tape.events.append(Noted(self.stream, time, next(self.tape.frames), tuple(comments)))

    def close(self, time: float, how: How, comments: Sequence[str] = ()) -> None:
        if comments:
            self.note(time, comments)
        self.tape.events.append(Closed(self.stream, time, how))


class LiveWires(Wires):
    """Two peers that are played, and a recorder between them."""

    def __init__(self, transcript: Transcript, judge: Judge, tape: Tape, what: What) -> None:
        tls, options, guards = "tls" in transcript.options, _options(transcript), _guards(transcript)
        super().__init__(transcript.protocol, options, judge, tls=tls, guards=guards)
        times = count(1)
        self.recorder = Recorder("s1", transcript.protocol, tape, what, now=lambda: NOW + next(times) / 1000)
        facts = Facts(transcript.protocol, tls=tls, tls_version="TLSv1.3" if tls else "")
        self.session = _Upgrading(transcript.protocol, options, facts, judge, self._both, guards=guards)
        self.session.recorder = self.recorder
        self.recorder.event(SessionStarted(transcript.protocol, "", "192.0.2.7:40000", ""))
        self.recorder.client_leg(CLIENT, LISTENER)
        if tls:
            self.recorder.event(LegSecured("client", "TLSv1.3", ""))
        self.recorder.server_leg(OWN_END, SERVER)

    def _both(self, event: Event) -> None:
        self.recorder.event(event)
        self.events.append(event)

    def over(self) -> None:
        """The connections are closed."""
        self.session.unanswered()
        self.recorder.end()


class _Upgrading(RecordedSession):
    def upgraded(self, version: str) -> None:
        self.recorder.event(LegSecured("client", version, ""))
        super().upgraded(version)


def lived(transcript: Transcript, judge: Judge, what: What | None = None) -> tuple[Tape, list[CommandDone]]:
    """The recording of a transcript, and what the session said of the client's commands."""
    tape = Tape()
    wires = LiveWires(transcript, judge, tape, what or What())
    Player(wires, whole).run(transcript)
    wires.over()
    done = [event for event in wires.events if isinstance(event, CommandDone) and event.verdict != OWN]
    return tape, done


def captured(protocol: str, transcript: str, store: BodyStore) -> CapturedSession:
    """A session of a foreign capture: lines of ``C:`` and ``S:``."""
    return CapturedSession(recorded(protocol, transcript, store))


def rehearse(*sessions: CapturedSession, rules: Sequence[str]) -> list[Outcome]:
    """What shipped rules would have done in these sessions, one behind the other."""
    clock = Clock()
    ruleset = load([RULES / f"{name}.toml" for name in rules])
    judges = {protocol: ruleset.judge(protocol) for protocol in PORTS}
    rehearsal = Rehearsal(judges, guard_maker(memory(), clock.now), clock)
    return [rehearsal.run(session, terms_of(session)) for session in sessions]


def short(outcome: Outcome, *but: str) -> list[str]:
    """``VERB text: verdict`` of each command that was not simply forwarded, nor has a verdict of ``but``."""
    return [
        f"{verdict.verb} {verdict.text}".strip() + f": {verdict.verdict}"
        for verdict in outcome.verdicts
        if verdict.verdict not in ("forward", *but)
    ]

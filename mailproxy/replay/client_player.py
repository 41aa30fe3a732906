"""Says a script to a live server and hears its answers. No I/O.

Theory of operation. :meth:`Player.take` gives the next octets to send, or a pause, or None when the
server has to speak first; :meth:`Player.receive` takes what it said. A passive
:class:`~mailproxy.capture.follower.Follower` is fed with both sides, so what ends a reply is decided
by the same reader that read the capture.

Invariants:

1. No command is said before the answers are there that the captured client had seen before it.
2. At most :data:`_WINDOW` commands are open at any time, and no message is held.
3. What a hostile server sends is bounded: see :meth:`Player.receive`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mailproxy.capture.follower import Follower
from mailproxy.capture.parts import GREETING_NUMBER, Kind, Part
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.imap_literals import Literal
from mailproxy.proto.tokens import Side
from mailproxy.replay.client_account import Account, Secrets
from mailproxy.replay.client_login import Offer, login_talk
from mailproxy.replay.client_sasl import SaslFailed
from mailproxy.replay.client_talk import (
    News,
    Pause,
    Talk,
    Wait,
    bdat_talk,
    command_talk,
    data_talk,
    idle_talk,
    paused,
)
from mailproxy.replay.compare import shown
from mailproxy.replay.compare_answer import Answer, AnswerReader
from mailproxy.replay.script import Do, Script, Step

_WINDOW = 32
_SPARE = 67_108_864  # octets that an answer may have beyond those of the capture
_FACTOR = 16  # and how many times the captured ones
_LITERAL_MINUS = 4096  # RFC 7888 §5
_GOOD = frozenset({"OK", "235"})
_WELCOME = frozenset({"OK", "PREAUTH", "220"})


class ReplayFailed(Exception):
    """The replay cannot go on. The text names the cause and the next step, and no secret."""


@dataclass(slots=True)
class Outcome:
    """What became of one step. ``answer`` is None when it was not said; ``seconds`` is its latency."""

    step: Step
    answer: Answer | None = None
    seconds: float | None = None
    left_out: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Live:
    """A step that was begun; it may take several commands of ours (USER and PASS for APOP)."""

    index: int
    outcome: Outcome
    open: set[int] = field(default_factory=set)  # numbers of its commands without an answer
    reader: AnswerReader | None = None
    status: str = ""
    told: int = 0  # untagged responses
    said_all: bool = False
    last_sent: float = 0.0
    go_aheads: deque[bytes] = field(default_factory=deque)

    @property
    def answered(self) -> bool:
        return self.reader is not None and not self.open


@dataclass(frozen=True, slots=True)
class Manner:
    """How a script is said. ``news_seconds``: how long IDLE waits for what the capture was told."""

    host: str = ""
    port: int = 0
    account: Account | None = None
    recorded_speed: bool = False
    news_seconds: float = 5.0


class Player:
    """Plays ``script`` once. Times are seconds of any clock that does not run backwards."""

    def __init__(self, script: Script, manner: Manner) -> None:
        self.script = script
        self.greeting: Answer | None = None
        self.outcomes: list[Outcome] = []
        self.closed_early = False
        self.offer = Offer()
        self._manner = manner
        self._secrets = Secrets(manner.account)
        self._follower = Follower(script.protocol, decrypted=True)
        self._greeting = AnswerReader(script.protocol, GREETING)
        self._next = 0  # the first step that was not begun
        self._pending: deque[_Live] = deque()  # begun, and not over
        self._by_number: dict[int, _Live] = {}
        self._saying: _Live | None = None
        self._talk: Talk | None = None
        self._wanted: bytes | Wait | Pause | News | None = None
        self._closed = False

    # -- what the driver asks -----------------------------------------------------------

    @property
    def over(self) -> bool:
        """Is there nothing more to say or to wait for?"""
        done = self._next == len(self.script.steps) and not self._pending and self.greeting is not None
        return done or self._closed

    @property
    def news(self) -> float | None:
        """Seconds after which :meth:`go_on` is to be called; None when an answer is awaited."""
        return self._wanted.seconds if isinstance(self._wanted, News) else None

    @property
    def awaited(self) -> str:
        """What the server owes us, in words."""
        if self.greeting is None:
            return "its greeting"
        live = self._pending[0] if self._pending else self._saying
        return f"its reply to {live.outcome.step.verb}" if live is not None else "anything"

    def take(self, now: float) -> bytes | Pause | None:
        """What to do now: send octets, pause, or (None) wait for the server."""
        while not self._closed:
            if self._talk is None and not self._begin(now):
                return None
            wanted = self._wanted
            if isinstance(wanted, bytes):
                self._hear_ourselves(wanted, now)
                self._advance(b"")
                return wanted
            if isinstance(wanted, Pause):
                self._advance(b"")
                return wanted
            if not self._satisfied(wanted):
                return None
        return None

    def receive(self, data: bytes, now: float) -> None:
        """Octets of the server.

        Raises:
            ReplayFailed: they cannot be read as replies, an answer has no end, or the login was refused.
        """
        for part in self._follower.feed(Side.SERVER, data, now):
            self._hear(part, now)
        if not self._follower.readable:
            self._unreadable(data)

    def go_on(self) -> None:
        """Nothing more is told while IDLE waits for it."""
        if isinstance(self._wanted, News):
            self._advance(b"")

    def hung_up(self) -> None:
        """The server closed the connection."""
        if self.over:
            return
        self._closed = True
        self.closed_early = True
        while self._pending:
            self.outcomes.append(self._pending.popleft().outcome)
        for step in self.script.steps[self._next :]:
            self.outcomes.append(Outcome(step, left_out=step.why or "the server had closed the connection"))
        self._next = len(self.script.steps)

    # -- saying -------------------------------------------------------------------------

    def _begin(self, now: float) -> bool:
        """Begin the next step if it is its turn."""
        steps = self.script.steps
        while self._next < len(steps) and steps[self._next].do is Do.LEAVE_OUT:
            self._leave_out(steps[self._next].why)
        if self.greeting is None or self._next == len(steps):
            return False
        step = steps[self._next]
        waits = any(live.index <= step.after or live.outcome.step.holds for live in self._pending)
        alone = step.do is Do.LOGIN or (step.command.spec is not None and step.command.spec.alone)
        if waits or (alone and self._pending) or len(self._pending) >= _WINDOW:
            return False
        if step.instead == "UNSELECT" and not self.offer.names & {"UNSELECT", "IMAP4REV2"}:
            self._leave_out("CLOSE may remove mail, and the server offers no UNSELECT")
            return self._begin(now)
        live = _Live(self._next, Outcome(step), last_sent=now)
        self._next += 1
        self._pending.append(live)
        self._saying = live
        pause = step.pause if self._manner.recorded_speed else 0.0
        self._talk = paused(self._talk_of(step, live.outcome.notes), pause)
        self._wanted = next(self._talk)
        return True

    def _leave_out(self, why: str) -> None:
        self.outcomes.append(Outcome(self.script.steps[self._next], left_out=why))
        self._next += 1

    def _talk_of(self, step: Step, notes: list[str]) -> Talk:
        manner = self._manner
        if step.do is Do.LOGIN:
            assert manner.account is not None, "a script with a login is played for an account"
            at = (manner.host, manner.port)
            return login_talk(self.script.protocol, step, manner.account, self.offer, *at, notes)
        match step.verb:
            case "DATA":
                return data_talk(step.said())
            case "BDAT":
                return bdat_talk(step.said())
            case "IDLE":
                told = len(step.captured.responses)
                seconds = step.seconds if manner.recorded_speed else manner.news_seconds
                return idle_talk(step.said(), told if seconds else 0, seconds)
        return command_talk(step.said(), step.verb, instead=step.instead, takes=self._takes)

    def _takes(self, literal: Literal) -> bool:
        names = self.offer.names
        small = literal.octets <= _LITERAL_MINUS and "LITERAL-" in names
        return not literal.odd and ("LITERAL+" in names or small)

    def _hear_ourselves(self, data: bytes, now: float) -> None:
        live = self._saying
        assert live is not None, "octets come from a step"
        live.last_sent = now
        for part in self._follower.feed(Side.CLIENT, data, now):
            self._hear(part, now)

    def _advance(self, told: bytes) -> None:
        """Let the talk go on; what it wants next is there afterwards."""
        assert self._talk is not None, "there is a talk to go on with"
        try:
            self._wanted = self._talk.send(told)
        except StopIteration:
            self._said_all()
        except SaslFailed as error:
            raise ReplayFailed(f"the login cannot be made: {error}") from None

    def _said_all(self) -> None:
        self._talk, self._wanted = None, None
        live, self._saying = self._saying, None
        if live is not None:
            live.said_all = True
            self._settle()

    def _satisfied(self, wanted: Wait | News | None) -> bool:
        """Has come what the talk waits for? Then it goes on; when it never will, it ends."""
        live = self._saying
        assert live is not None, "a talk belongs to a step"
        if wanted is Wait.GO_AHEAD and live.go_aheads:
            self._advance(live.go_aheads.popleft())
        elif wanted is Wait.ANSWER and live.answered and live.status in _GOOD:
            self._advance(live.status.encode())
        elif live.answered:
            assert self._talk is not None, "it waits"
            self._talk.close()  # the server's last word came before ours
            self._said_all()
        elif isinstance(wanted, News) and live.told >= wanted.responses:
            self._advance(b"")
        else:
            return False
        return True

    # -- hearing ------------------------------------------------------------------------

    def _hear(self, part: Part, now: float) -> None:
        if part.command is not None:  # of the client: it had waited for this reply
            live = self._saying or (self._pending[-1] if self._pending else None)
            if live is not None:
                live.open.add(part.exchange)
                live.reader = AnswerReader(self.script.protocol, part.command.verb)
                self._by_number[part.exchange] = live
        if part.side is Side.CLIENT or part.kind not in (Kind.REPLY, Kind.BODY):
            return
        if part.exchange == GREETING_NUMBER:
            self._greeted(part)
            return
        live = self._by_number.get(part.exchange)
        if live is None or live.reader is None:
            return
        live.reader.feed(part.data)
        self._limit(live)
        if part.kind is Kind.REPLY and part.status in ("+", "334", "354"):
            live.go_aheads.append(part.data)
        elif part.kind is Kind.REPLY and not part.ends:
            live.told += 1
        if part.ends:
            self._answered(live, part, now)

    def _greeted(self, part: Part) -> None:
        self._greeting.feed(part.data)
        if not part.ends:
            return
        self.greeting = self._greeting.answer
        self.offer.learn(self.script.protocol, GREETING, self.greeting)
        if self.greeting.status not in _WELCOME and self.script.greeting.status in _WELCOME:
            text = self._shown(self.greeting)
            raise ReplayFailed(f"the server does not take connections now: {text}; try again later")

    def _limit(self, live: _Live) -> None:
        step, reader = live.outcome.step, live.reader
        assert reader is not None, "it was fed"
        if reader.answer.received > step.captured.received * _FACTOR + _SPARE:
            raise ReplayFailed(
                f"the server's reply to {step.verb} has no end: more than {reader.answer.received} octets"
            )

    def _answered(self, live: _Live, part: Part, now: float) -> None:
        assert live.reader is not None, "it was fed"
        live.open.discard(part.exchange)
        self._by_number.pop(part.exchange, None)
        live.status = live.reader.answer.status
        live.outcome.answer = live.reader.answer
        live.outcome.seconds = now - live.last_sent
        self.offer.learn(self.script.protocol, live.outcome.step.verb, live.reader.answer)
        self._settle()
        step = live.outcome.step
        if step.do is Do.LOGIN and live.status not in _GOOD and step.captured.status in _GOOD:
            user = self._manner.account.user if self._manner.account is not None else ""
            raise ReplayFailed(
                f"the server refuses the login of {user}: {self._shown(live.reader.answer)}; "
                "check --user and the password"
            )

    def _settle(self) -> None:
        """Steps that are over leave, wherever they stand: IMAP answers in any order."""
        for live in [live for live in self._pending if live.said_all and live.answered]:
            self._pending.remove(live)
            self.outcomes.append(live.outcome)

    def _unreadable(self, data: bytes) -> None:
        if data[:2] == b"\x16\x03" or data[:2] == b"\x15\x03":
            raise ReplayFailed("the server speaks TLS here; say --tls implicit")
        name = self.script.protocol.upper()
        raise ReplayFailed(
            f"the server's words are no {name} where {self.awaited} is due; is the port right?"
        )

    def _shown(self, answer: Answer) -> str:
        lines = answer.responses if self.script.protocol == "smtp" else [answer.text]
        return shown(self._secrets.veil(b" ".join([answer.status.encode(), *lines])))

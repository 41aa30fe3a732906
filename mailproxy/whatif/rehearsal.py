"""Runs captured sessions through the session of the live proxy, with other rules.

Theory of operation. The captured client says one command after the other, each when the one before has
been answered; so a verdict depends on what the server has said before, as it did live. Whatever the session
sends upstream is answered by :class:`~mailproxy.whatif.answers.Answers`. Which commands those are is seen in
the dialect's slots: the session marks its own.

What a session refuses, or ends with, the captured client never saw. Literals and messages
that it would then not have sent are left out, and so is all that comes behind the end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mailproxy.capture.exchanges import Exchange
from mailproxy.capture.parts import GREETING_NUMBER
from mailproxy.events import (
    ArchiveFailed,
    BrakeHeld,
    CaptureWanted,
    CommandDone,
    Event,
    Failure,
    KeepUnavailable,
    LoggedIn,
    TrashFailed,
    WouldHave,
)
from mailproxy.player.pieces import Piece, chunks_of
from mailproxy.proto.dialect import GREETING, Slot
from mailproxy.proto.tokens import Side
from mailproxy.session.dialogues import OWN
from mailproxy.session.guard import GuardMaker
from mailproxy.session.options import Options
from mailproxy.session.screen import LOGINS
from mailproxy.session.session import Session
from mailproxy.session.verdict import NO_RULES, Facts, Judge
from mailproxy.whatif.answers import Answers
from mailproxy.whatif.clock import Clock
from mailproxy.whatif.logins import Login
from mailproxy.whatif.outcome import Outcome, Verdict
from mailproxy.whatif.sessions import CapturedSession
from mailproxy.whatif.steps import octets_of, steps_of

_VEILED = re.compile(rb"\*{4,}")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a session is served. ``tls``: the client's leg is encrypted from the start."""

    listener: str = ""
    upstream: str = ""
    tls: bool = False
    options: Options = field(default_factory=Options)


def terms_of(captured: CapturedSession, *, tls: bool = False) -> Terms:
    """As the capture says. ``tls`` is for captures of others, which do not say it.

    Without a configuration the ``upstream`` is an address, not a name.
    """
    conversation = captured.conversation
    ours = bool(conversation.session)
    starttls = any(captured.margin.of("starttls"))
    return Terms(
        listener=str(conversation.facts.get("listener", "")),
        upstream=str(conversation.facts.get("upstream", "") or conversation.stream.server),
        tls=(bool(_tls_version(captured)) and not starttls) if ours else tls,
        options=Options(starttls=starttls if ours else not tls),
    )


class Rehearsal:
    """Runs one session after the other; what guards remember of one, the next one meets.

    ``judges`` are by protocol. ``guards`` should read the same ``clock``.
    """

    def __init__(self, judges: Mapping[str, Judge], guards: GuardMaker, clock: Clock) -> None:
        self._judges = judges
        self._guards = guards
        self._clock = clock

    def run(self, captured: CapturedSession, terms: Terms) -> Outcome:
        """What these rules would have done in this session."""
        judge = self._judges.get(captured.conversation.protocol, NO_RULES)
        return _Run(captured, terms, judge, self._guards, self._clock).go()


class _Run:
    def __init__(
        self, captured: CapturedSession, terms: Terms, judge: Judge, guards: GuardMaker, clock: Clock
    ) -> None:
        conversation = captured.conversation
        self._captured = captured
        self._terms = terms
        self._clock = clock
        clock.start(conversation.started)
        self._outcome = Outcome(conversation, captured.client.login)
        facts = Facts(
            conversation.protocol,
            listener=terms.listener,
            upstream=terms.upstream,
            client_ip=_host(str(conversation.facts.get("client", "") or conversation.stream.client)),
            now=clock.date,
        )
        self._session = Session(
            conversation.protocol, terms.options, facts, judge, self._event, clock.now, guards
        )
        self._answers = Answers(captured, self._outcome)
        self._exchange: Exchange | None = None  # that the client is at
        self._open: deque[tuple[Exchange | None, float]] = deque()  # commands, and when they were said
        self._seen: dict[int, Slot] = {}
        self._would: list[tuple[str, str]] = []
        self._starttls = deque(captured.margin.of("starttls"))

    def go(self) -> Outcome:
        outcome, session, recording = self._outcome, self._session, self._captured.client
        self._describe()
        commands = [each for each in recording.exchanges if each.number != GREETING_NUMBER]
        if not recording.exchanges:
            return outcome
        if self._terms.tls:
            session.upgraded(_tls_version(self._captured))
        self._say(self._answers.greeting())
        for place, exchange in enumerate(commands):
            self._clock.move(exchange.began)
            if self._starttls and self._starttls[0][0] <= exchange.began:
                self._upgrade()
            if session.closed or not session.wants(Side.CLIENT):
                outcome.left = len(commands) - place
                break
            self._command(exchange)
        self._end()
        return outcome

    def _describe(self) -> None:
        """What of the session is not in the capture."""
        recording, note = self._captured.client, self._outcome.note
        if recording.conversation.tls:
            note("it is TLS from the first octet on, so nothing can be read")
        elif recording.unread:
            note(f"{recording.unread} octets could not be read: what was said there was not run")
        if recording.gaps:
            note(f"{recording.gaps} octets are not in the capture")
        if recording.conversation.leg == "server":
            note("only the proxy's own side to the server is in the file")
        elif recording.conversation.leg and self._captured.server is None:
            note("what the server said is in the file only as the mail program heard it")

    def _end(self) -> None:
        session, outcome = self._session, self._outcome
        session.eof(Side.CLIENT)
        self._flow()
        session.unanswered()
        outcome.user = session.dialect.user or outcome.user
        if outcome.left:
            outcome.ended = session.reason or "a command was never answered"

    # -- the client -----------------------------------------------------------------------

    def _upgrade(self) -> None:
        """The exchange is not in the packets of our own captures: a remark stands for it."""
        _, remark = self._starttls.popleft()
        self._open.append((None, self._clock.seconds))
        self._exchange = None
        self._session.receive(Side.CLIENT, str(remark.fields.get("command", "")).encode() + b"\r\n")
        self._flow()

    def _command(self, exchange: Exchange) -> None:
        session, answers = self._session, self._answers
        self._exchange = exchange
        self._open.append((exchange, exchange.began))
        args = exchange.command.args if exchange.command is not None else b""
        if _VEILED.fullmatch(args) and exchange.verb not in LOGINS:
            self._outcome.note(
                f"{exchange.verb or 'a command'} was masked, and is judged without what it said"
            )
        login = Login(exchange.verb, args, self._user(exchange))
        counted = session.facts.protocol == "imap" or exchange.verb == "BDAT"  # their octets are announced
        missing = self._captured.margin.missing.get(exchange.number, 0) if counted else 0
        for place, step in enumerate(steps_of(exchange)):
            if place and not session.dialect.engaged:
                break  # it was not asked to go on
            for data in octets_of(step, login, missing):
                session.receive(Side.CLIENT, data)
                self._flow()
                if session.closed:
                    return
            self._say(answers.next())
        self._clock.move(exchange.ended)
        self._say(answers.rest())
        if session.dialect.engaged and not session.closed:
            self._outcome.note(f"{exchange.verb or 'a command'} is not in the capture to its end")
            session.end("The capture ends here", "the capture does not hold all of a command")

    def _user(self, exchange: Exchange) -> str:
        """Who logs in with this command: the proxy said so when it was answered."""
        for time, remark in self._captured.margin.of("login", "login_failed"):
            if exchange.began <= time <= exchange.ended:
                return str(remark.fields.get("user", ""))
        return self._captured.client.login

    # -- the server -----------------------------------------------------------------------

    def _say(self, pieces: Iterable[Piece]) -> None:
        session = self._session
        for piece in pieces:
            for data in chunks_of(piece):
                if session.closed or session.dropped:
                    return
                session.receive(Side.SERVER, data)
                session.take(Side.CLIENT)
        self._flow()

    def _flow(self) -> None:
        """Move octets, and do what is to be done, until the client or the capture must go on."""
        session = self._session
        while True:
            session.take(Side.CLIENT)
            sent = session.take(Side.SERVER)
            if sent:
                self._upstream(b"".join(sent))
            elif session.job is not None:
                session.worked(*_result_of(session.job))
            elif session.paused:
                session.resume()
            elif session.upgrade and not session.closed:
                session.upgraded(_tls_version(self._captured))
            else:
                return

    def _upstream(self, octets: bytes) -> None:
        session = self._session
        if session.dropped:
            return
        said: list[Piece] = []
        for slot in self._new():
            if slot.own:
                octets = octets.removeprefix(slot.command.line)
                said += self._answers.own(slot.command.line)
            else:
                self._answers.begins(octets, self._exchange)
        if octets:
            said += self._answers.hears(octets, waits=not session.dialect.engaged)
        for piece in said:
            for data in chunks_of(piece):
                if not (session.closed or session.dropped):
                    session.receive(Side.SERVER, data)
                    session.take(Side.CLIENT)

    def _new(self) -> list[Slot]:
        """The commands that go upstream now."""
        slots = [
            slot for slot in self._session.dialect.slots if slot.answer is None and slot.verb != GREETING
        ]
        new = [slot for slot in slots if id(slot) not in self._seen]
        self._seen = {id(slot): slot for slot in slots}
        return new

    # -- what the session says ------------------------------------------------------------

    def _event(self, event: Event) -> None:
        outcome = self._outcome
        match event:
            case CommandDone():
                if event.verdict != OWN:
                    self._done(event)
            case WouldHave():
                self._would.append((event.rule, event.action))
            case LoggedIn():
                self._answers.logged_in(event.user)
            case CaptureWanted():
                outcome.recorded_by = event.rule
            case KeepUnavailable():
                outcome.note(f"mail cannot be kept: {event.why}")
            case TrashFailed() | ArchiveFailed():
                outcome.note(f"{event.mailbox}: {event.why}")
            case BrakeHeld():
                outcome.note(f"{event.user} is held by {event.rule}: {event.why}")
            case Failure():
                outcome.note(event.what)

    def _done(self, event: CommandDone) -> None:
        exchange, time = self._open.popleft() if self._open else (None, self._clock.seconds)
        would, self._would = tuple(self._would), []
        self._outcome.add(
            Verdict(
                time=time,
                user=self._session.facts.user,
                verb=event.verb,
                text=event.text,
                verdict=event.verdict,
                rule=event.rule,
                why=event.why,
                status=event.status,
                would=would,
                then=exchange.verdict if exchange is not None else None,
            )
        )


def _result_of(job: Callable[[], object]) -> tuple[object, Exception | None]:
    try:
        return job(), None
    except Exception as error:  # it goes to the dialogue that wanted the job done
        return None, error


def _tls_version(captured: CapturedSession) -> str:
    """Of the client's leg; empty where the capture does not say."""
    for _, remark in captured.margin.of("tls"):
        if remark.fields.get("side") == "client":
            return str(remark.fields.get("version", "")) or "TLS"
    return ""


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")

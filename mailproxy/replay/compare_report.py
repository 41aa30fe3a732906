"""What one or many plays of captured conversations have shown, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from mailproxy.proto.dialect import GREETING
from mailproxy.replay.client import Play
from mailproxy.replay.client_account import Secrets
from mailproxy.replay.client_player import Outcome
from mailproxy.replay.compare import Difference, Setting, compare
from mailproxy.replay.compare_answer import Answer
from mailproxy.replay.interleaved import as_captured
from mailproxy.replay.script import Do, Script, Step

_MOST_FINDINGS = 10_000  # different ones; more are counted
_FETCHED = (
    "messages are fetched with RETR: a server may mark them as read, and Gmail may archive or delete them"
    " behind QUIT, as its settings for POP say"
)
_UNTIMED = frozenset({"IDLE"})  # how long it takes is up to the client


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference and where it is: ``exchange`` counts the commands of the session from 1."""

    session: int
    exchange: int
    verb: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A captured command that was not said, and why."""

    session: int
    exchange: int
    verb: str
    why: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How long replies to a verb took, in seconds; ``captured`` is the median in the capture."""

    verb: str
    times: int
    least: float
    middle: float
    most: float  # of 95 in 100
    captured: float | None


class Report:
    """Takes plays one by one; what is the same in many of them is counted, not kept."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._live: dict[str, list[float]] = {}
        self._captured: dict[str, list[float]] = {}
        self._sessions: set[int] = set()
        self.plays = 0
        self.said = 0  # commands
        self.findings: Counter[Finding] = Counter()
        self.more = 0  # real differences beyond those that are told
        self.left_out: Counter[LeftOut] = Counter()
        self.notes: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    @property
    def real(self) -> list[tuple[Finding, int]]:
        """The differences that did not have to be, and in how many plays."""
        return [(found, times) for found, times in self._sorted() if not found.difference.must]

    @property
    def must(self) -> list[tuple[Finding, int]]:
        """Those that had to be."""
        return [(found, times) for found, times in self._sorted() if found.difference.must]

    @property
    def same(self) -> bool:
        """Did the server do what the captured one did?"""
        return not (self.real or self.failures or self.more)

    @property
    def latencies(self) -> list[Latency]:
        """By verb, in alphabetical order."""
        return [self._latency(verb) for verb in sorted(self._live)]

    def remark(self, scripts: Iterable[Script]) -> None:
        """Say beforehand what a replay may do although it leaves out what removes mail."""
        for script in scripts:
            if script.protocol == "pop3" and any(_fetches(step) for step in script.steps):
                self.notes[_FETCHED] = 1

    def add(self, play: Play) -> None:
        """One more play."""
        self.plays += 1
        self.notes.update(play.notes)
        if play.failed:
            self.failures[self._secrets.conceal(play.failed)] += 1
        if play.greeting is not None:
            setting = _setting(play, None)
            self._add(play.script, 0, GREETING, self._compared(setting, play.script.greeting, play.greeting))
        imap = play.script.protocol == "imap"
        for outcome in as_captured(play.outcomes) if imap else play.outcomes:
            self._outcome(play, outcome)
        self._sessions.add(play.script.session)

    def _outcome(self, play: Play, outcome: Outcome) -> None:
        step, session = outcome.step, play.script.session
        verb = step.verb or "(unknown)"
        if outcome.left_out:
            self.left_out[LeftOut(session, step.number, verb, outcome.left_out)] += 1
            return
        self.said += 1
        noted = [Difference("login", "", "", note) for note in outcome.notes]
        self._add(play.script, step.number, verb, noted)
        if outcome.answer is None:
            if step.captured.status:
                lost = Difference("connection", step.captured.status, "closed by the server")
                self._add(play.script, step.number, verb, [lost])
            return
        found = self._compared(_setting(play, step), step.captured, outcome.answer)
        self._add(play.script, step.number, verb, found)
        if verb not in _UNTIMED and outcome.seconds is not None:
            self._live.setdefault(verb, []).append(outcome.seconds)
            if session not in self._sessions and step.captured.status:
                self._captured.setdefault(verb, []).append(step.seconds)

    def _compared(self, setting: Setting, captured: Answer, live: Answer) -> list[Difference]:
        """A server may say a password back to us: it is veiled before anything else looks at it."""
        return compare(setting, self._veiled(captured), self._veiled(live))

    def _veiled(self, answer: Answer) -> Answer:
        veil = self._secrets.veil
        return replace(answer, text=veil(answer.text), responses=list(map(veil, answer.responses)))

    def _add(self, script: Script, exchange: int, verb: str, differences: list[Difference]) -> None:
        for one in differences:
            found = Finding(script.session, exchange, verb, one)
            if found in self.findings or len(self.findings) < _MOST_FINDINGS:
                self.findings[found] += 1
            elif not one.must:
                self.more += 1

    def _sorted(self) -> list[tuple[Finding, int]]:
        return sorted(self.findings.items(), key=lambda item: (item[0].session, item[0].exchange))

    def _latency(self, verb: str) -> Latency:
        times = sorted(self._live[verb])
        most = times[min(len(times) * 95 // 100, len(times) - 1)]
        captured = self._captured.get(verb)
        return Latency(
            verb, len(times), times[0], median(times), most, median(captured) if captured else None
        )


def _fetches(step: Step) -> bool:
    return step.verb == "RETR" and step.do is Do.SEND


def _setting(play: Play, step: Step | None) -> Setting:
    script = play.script
    if step is None:
        return Setting(
            script.protocol,
            GREETING,
            edited=script.proxied,
            other_leg=play.encrypted != script.encrypted,
        )
    return Setting(
        script.protocol,
        step.verb,
        login=step.do is Do.LOGIN,
        examined=step.examined,
        sequel=step.sequel,
        changed=script.changed,
        edited=script.proxied,
        other_leg=play.encrypted != (script.encrypted and not step.before_tls),
        idle=step.verb == "IDLE",
    )

"""Plays the session to an IMAP guard: asks a server that is played too, and does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailproxy.events import Event
from mailproxy.guards.imap import ImapGuard
from mailproxy.guards.memory import Memory
from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.imap_commands import split
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Answer, Ask, Dialogue, Do, Forward, Local, Outcome, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts, Judge, Settings
from tests.guards.remembering import NOW, memory

Server = Callable[[bytes], Sequence[bytes]]
"""Takes a line of ours, gives untagged responses and then the status, all without CRLF."""

TRASH = Decision(Action.TRASH, "trash", settings=Settings(mailbox="Trash"))
ALONE = frozenset({"EXPUNGE", "UID EXPUNGE", "CLOSE", "REPLACE", "UID REPLACE", "MOVE", "UID MOVE"})


def command(text: str, partial: bool = False) -> Command:
    """A client's command as the session makes it."""
    line = text.encode() + b"\r\n"
    tag, name, args = split(line)
    return Command(name, line, args, VERBS[name], tag, partial=partial, parse=imap_fields)


@dataclass
class Driven:
    """What came of a dialogue: ``asked`` are our lines, ``passed`` what the client saw meanwhile."""

    outcome: Outcome
    asked: list[bytes] = field(default_factory=list)
    passed: list[bytes] = field(default_factory=list)
    hush: bool = False

    @property
    def answer(self) -> bytes:
        assert isinstance(self.outcome, Local), self.outcome
        return self.outcome.answer

    @property
    def forwarded(self) -> bytes:
        """The line that replaces the command's own; empty when it goes as it is."""
        assert isinstance(self.outcome, Forward), self.outcome
        return self.outcome.command.line if self.outcome.command else self.outcome.line


def run(dialogue: Dialogue, server: Server) -> Driven:
    """Until the dialogue has its outcome."""
    asked: list[bytes] = []
    passed: list[bytes] = []

    def said(ask: Ask) -> Answer:
        asked.append(ask.line)
        assert len(ask.line) < 8000
        assert b"\r" not in ask.line
        *untagged, status = server(ask.line)
        lines = [line + b"\r\n" for line in untagged]
        passed.extend(line for line in lines if not ask.mine(line))
        data = b"".join(line for line in lines if ask.mine(line))
        return Answer(status.split()[0].decode(), status + b"\r\n", data)

    def done(step: Step) -> Any:
        if isinstance(step, Do):
            return step.call()
        return tuple(map(said, step)) if isinstance(step, tuple) else said(step)

    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = dialogue.send(value) if error is None else dialogue.throw(error)
        except StopIteration as stop:
            return Driven(stop.value, asked, passed)
        error = None
        try:
            value = done(step)
        except Exception as raised:
            error = raised


@dataclass
class Session:
    """One guarded session, with a mailbox selected."""

    guard: ImapGuard
    facts: Facts
    events: list[Event]
    memory: Memory

    def treat(self, text: str, server: Server, decision: Decision | None = TRASH) -> Driven | None:
        """What becomes of the command; None when it goes upstream as if there were no guard."""
        treatment = self.guard.treat(command(text, text.endswith("}")), decision)
        if treatment is None:
            return None
        if isinstance(treatment.what, Forward | Local):
            return Driven(treatment.what)
        driven = run(treatment.what, server)
        driven.hush = treatment.hush
        return driven

    def must(self, text: str, server: Server, decision: Decision | None = TRASH) -> Driven:
        """The same where the guard must care."""
        driven = self.treat(text, server, decision)
        assert driven is not None
        return driven

    def select(self, text: str, status: str = "OK") -> None:
        """The server's word on SELECT or EXAMINE."""
        self.guard.replied(command(text), status)
        self.facts.mailbox = str(command(text).fields["mailbox"]) if status == "OK" else ""


def session(
    mailbox: str = "INBOX",
    brake: Decision | None = None,
    kept: Memory | None = None,
    capabilities: frozenset[str] = frozenset(),
    verb: str = "SELECT",
    now: Callable[[], float] = lambda: NOW,
) -> Session:
    """A session of aiko's; an empty ``mailbox`` means that none is selected."""
    facts, events = Facts("imap", upstream="main", user="aiko"), list[Event]()
    brakes = ALONE if brake else frozenset[str]()
    judge = Judge(ALONE, dialogues=ALONE, brakes=brakes, brake=lambda command, facts: brake)
    remembered = kept or memory()
    guard = ImapGuard(Situation(facts, judge, events.append, lambda: capabilities), remembered, now)
    made = Session(guard, facts, events, remembered)
    if mailbox:
        made.select(f'a {verb} "{mailbox}"')
    return made


class Script:
    """A server that expects these lines in this order, and says what stands beside them."""

    def __init__(self, *turns: tuple[str, str]) -> None:
        """Each turn is our line, and the answer's lines with ``|`` between them."""
        self._turns = list(turns)

    def __call__(self, line: bytes) -> Sequence[bytes]:
        assert self._turns, f"nothing is expected any more, and we said {line!r}"
        expected, answer = self._turns.pop(0)
        assert line == expected.encode()
        return [each.encode() for each in answer.split("|")]

    def over(self) -> bool:
        return not self._turns

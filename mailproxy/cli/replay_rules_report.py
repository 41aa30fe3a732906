"""How it is printed what rules would have done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailproxy.cli.capture_files import moment, say
from mailproxy.cli.json_lines import print_members
from mailproxy.cli.tables import counted, on_terminal, print_table
from mailproxy.session.verdict import Action
from mailproxy.whatif.outcome import HARMLESS, Outcome, Verdict

WORDS = frozenset({action.value for action in Action} | {"refuse", "answered", "change", "any"})
"""What --fail-on takes."""

_COMMANDS = ("session", "time", "user", "verb", "text", "verdict", "then", "rule", "why")
_SESSIONS = ("session", "time", "protocol", "client", "user", "commands", "verdicts", "differ", "not run")
# On a terminal there are fewer, so that 80 characters hold them.
_SHORT_COMMANDS = ("session", "command", "verdict", "why")
_SHORT_SESSIONS = ("session", "commands", "verdicts", "differ", "not run")
_MOST_NOTES = 20  # of one session; all of them are in the JSON

Outcomes = Iterable[tuple[Path, Outcome]]


@dataclass(slots=True)
class Report:
    """Prints outcomes as they come. ``met`` counts what --fail-on is about."""

    fail_on: frozenset[str]
    changes: bool = False
    sessions: bool = False
    several: bool = False
    met: int = 0
    compared: int = 0
    differ: int = 0
    ran: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def print(self, outcomes: Outcomes) -> None:
        """A table of commands, or of sessions."""
        head: tuple[str, ...] = _SESSIONS if self.sessions else _COMMANDS
        rows = self._session_rows(outcomes) if self.sessions else self._command_rows(outcomes)
        if on_terminal():
            files = int(self.several)
            head = _SHORT_SESSIONS if self.sessions else _SHORT_COMMANDS
            short = _short_session if self.sessions else _short_command
            rows = ((*row[:files], *short(*row[files:])) for row in rows)
        print_table(("file", *head) if self.several else head, rows)

    def print_json(self, outcomes: Outcomes, files: Iterator[dict[str, object]]) -> None:
        """One object: all sessions with their commands, the files, and the sum."""

        def members() -> Iterator[tuple[str, object]]:
            yield "sessions", (self._described(path, outcome) for path, outcome in self._shown(outcomes))
            yield "files", files
            yield "summary", self._summary()

        print_members(members())

    def say_summary(self, files: int) -> None:
        """What was run, for people."""
        words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.counts.items()))
        run = f"{counted(sum(self.counts.values()), 'command')} in {counted(self.ran, 'session')}"
        say(f"{run} of {counted(files, 'file')}" + (f": {words}" if words else ""))
        if self.compared:
            said = counted(self.compared, "verdict")
            say(f"{said} of the live proxy beside them: {self.differ or 'none'} would be another")
        elif self.changes:
            say("no live proxy has told its verdicts in these captures, so there is nothing to compare")
        if self.met:
            say(f"--fail-on {','.join(sorted(self.fail_on))}: {counted(self.met, 'time')}")

    # -- rows -----------------------------------------------------------------------------

    def _shown(self, outcomes: Outcomes) -> Iterator[tuple[Path, Outcome]]:
        for path, outcome in outcomes:
            self._count(outcome)
            if not self.changes or any(verdict.changed for verdict in outcome.verdicts):
                yield path, outcome

    def _count(self, outcome: Outcome) -> None:
        self.ran += 1
        self.counts += outcome.counts
        self.compared += outcome.compared
        self.differ += sum(verdict.changed for verdict in outcome.verdicts)
        self.met += sum(bool(self.fail_on & words_of(verdict)) for verdict in outcome.verdicts)
        self.met += bool(outcome.recorded_by) and Action.CAPTURE.value in self.fail_on

    def _command_rows(self, outcomes: Outcomes) -> Iterator[tuple[str, ...]]:
        for path, outcome in self._shown(outcomes):
            _say_notes(path, outcome)
            number = str(outcome.conversation.number)
            for verdict in self._verdicts(outcome):
                yield *self._file(path), number, *_cells(verdict)

    def _session_rows(self, outcomes: Outcomes) -> Iterator[tuple[str, ...]]:
        for path, outcome in self._shown(outcomes):
            _say_notes(path, outcome)
            conversation = outcome.conversation
            yield (
                *self._file(path),
                str(conversation.number),
                moment(conversation.started),
                conversation.protocol,
                str(conversation.facts.get("client", "") or conversation.stream.client),
                outcome.user,
                str(outcome.commands),
                ", ".join(f"{count} {verdict}" for verdict, count in sorted(outcome.counts.items())),
                str(sum(verdict.changed for verdict in outcome.verdicts)) if outcome.compared else "",
                f"{outcome.left} ({outcome.ended})" if outcome.left else "",
            )

    def _file(self, path: Path) -> tuple[str, ...]:
        return (str(path),) if self.several else ()

    def _verdicts(self, outcome: Outcome) -> list[Verdict]:
        return [verdict for verdict in outcome.verdicts if verdict.changed or not self.changes]

    # -- JSON -----------------------------------------------------------------------------

    def _described(self, path: Path, outcome: Outcome) -> dict[str, object]:
        conversation = outcome.conversation
        return {
            "file": str(path),
            "number": conversation.number,
            "session": conversation.session,
            "protocol": conversation.protocol,
            "started": conversation.started,
            "client": str(conversation.facts.get("client", "") or conversation.stream.client),
            "user": outcome.user,
            "counts": dict(outcome.counts),
            "compared": outcome.compared,
            "differ": sum(verdict.changed for verdict in outcome.verdicts),
            "recorded_by": outcome.recorded_by,
            "not_run": outcome.left,
            "ended": outcome.ended,
            "notes": outcome.notes,
            "commands": [_described(verdict) for verdict in self._verdicts(outcome)],
        }

    def _summary(self) -> dict[str, object]:
        return {
            "sessions": self.ran,
            "commands": sum(self.counts.values()),
            "counts": dict(self.counts),
            "compared": self.compared,
            "differ": self.differ,
            "fail_on": sorted(self.fail_on),
            "met": self.met,
        }


def words_of(verdict: Verdict) -> frozenset[str]:
    """The words of --fail-on that a verdict meets."""
    words = {verdict.verdict}
    if verdict.would:
        words.add(Action.OBSERVE.value)
    if verdict.changed:
        words.add("change")
    if verdict.verdict not in HARMLESS:
        words.add("any")
    return frozenset(words)


def _cells(verdict: Verdict) -> tuple[str, ...]:
    would = ", ".join(f"{action} by {rule}" for rule, action in verdict.would)
    return (
        moment(verdict.time),
        verdict.user,
        verdict.verb,
        verdict.text,
        f"{verdict.verdict} (would be: {would})" if would else verdict.verdict,
        str(verdict.then.get("verdict", "")) if verdict.then is not None else "",
        verdict.rule,
        verdict.why,
    )


def _short_command(*cells: str) -> tuple[str, ...]:
    number, time, user, verb, text, verdict, then, rule, why = cells
    was = f"{verdict} (was {then})" if then not in ("", verdict) else verdict
    return (
        " ".join(filter(None, (number, time, user))),
        f"{verb} {text}".rstrip(),
        was,
        ": ".join(filter(None, (rule, why))),
    )


def _short_session(*cells: str) -> tuple[str, ...]:
    return (" ".join(filter(None, cells[:5])), *cells[5:])


def _described(verdict: Verdict) -> dict[str, object]:
    then = verdict.then
    return {
        "time": verdict.time,
        "user": verdict.user,
        "verb": verdict.verb,
        "text": verdict.text,
        "verdict": verdict.verdict,
        "rule": verdict.rule,
        "why": verdict.why,
        "status": verdict.status,
        "would": [{"rule": rule, "action": action} for rule, action in verdict.would],
        "then": None
        if then is None
        else {name: str(then.get(name, "")) for name in ("verdict", "rule", "why", "status")},
        "changed": verdict.changed,
    }


def _say_notes(path: Path, outcome: Outcome) -> None:
    where = f"{path}, session {outcome.conversation.number}"
    for note in outcome.notes[:_MOST_NOTES]:
        say(f"{where}: {note}")
    if len(outcome.notes) > _MOST_NOTES:
        say(f"{where}: and {len(outcome.notes) - _MOST_NOTES} more notes; --json has all")
    if outcome.left:
        say(f"{where}: {counted(outcome.left, 'command')} not run: {outcome.ended}")

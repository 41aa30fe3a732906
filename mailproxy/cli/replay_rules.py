"""``mailproxy replay rules``: what rules would have done in captured sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.capture_files import Files, described, say_notes
from mailproxy.cli.errors import complain, say_error
from mailproxy.cli.opened import AsJson
from mailproxy.cli.progress import reading

if TYPE_CHECKING:
    from mailproxy.capture.conversations import FileTally
    from mailproxy.config import Config
    from mailproxy.rules.judge import RuleSet
    from mailproxy.whatif.outcome import Outcome
    from mailproxy.whatif.rehearsal import Rehearsal


def rules(
    files: Files,
    given: Annotated[
        list[str] | None,
        typer.Option("--rules", metavar="FILE|DIR", help="Rule files, or names of shipped ones; repeatable."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Take its rule files, and the settings of its listeners."),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Take sessions as encrypted, where the capture does not say.")
    ] = False,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="A row for each session, not for each command.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Only verdicts that differ from those of the live proxy.")
    ] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option("--fail-on", metavar="VERDICT,...", help="Leave with 1 if there is one; see above."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what these rules would have done in captured sessions.

    Each session runs through the session of the live proxy, at the time and with the answers of the
    capture, one after the other, so that one meets what another has kept. Printed are the commands that
    would not simply have been forwarded. No connection is opened, and nothing is remembered.

    --fail-on takes the words of rules (block, keep, trash ...), refuse, answered, observe (a rule
    in observe mode would have matched), change (another verdict than the live proxy's), and any
    (all but allow and answered).

    \b
    Examples:
      mailproxy replay rules session.pcapng --rules pop3-keep
      mailproxy replay rules captures/*.pcapng.gz --rules rules/ --fail-on block,refuse
      mailproxy replay rules week.pcapng --config mailproxy.toml --changes --fail-on change
    """
    import mailproxy.cli.rehearsing  # noqa: F401 (what loads it may start programs, and later it may not)
    from mailproxy.cli.replay_rules_report import Report
    from mailproxy.player.offline import forbid_connecting

    report = Report(_wanted(fail_on), changes=changes, sessions=sessions, several=len(files) > 1)
    if not given and config is None:
        raise typer.BadParameter("name the rules, as in --rules pop3-keep", param_hint="--rules")
    run = _Run(files, tls, *_prepared(given, config))
    forbid_connecting()
    if as_json:
        report.print_json(run.outcomes(), run.described())
    else:
        report.print(run.outcomes())
        report.say_summary(len(files))
    if run.failed or report.met:
        raise typer.Exit(1)


def _wanted(fail_on: list[str] | None) -> frozenset[str]:
    """The words behind --fail-on.

    Raises:
        typer.BadParameter: one of them is none.
    """
    from mailproxy.cli.opened import did_you_mean
    from mailproxy.cli.replay_rules_report import WORDS

    words = [word.strip() for given in fail_on or () for word in given.split(",")]
    for word in words:
        if word not in WORDS:
            known = ", ".join(sorted(WORDS))
            hint = did_you_mean(word, WORDS) or f"; there are {known}"
            raise typer.BadParameter(f'"{word[:40]}" is no verdict{hint}', param_hint="--fail-on")
    return frozenset(words)


def _prepared(given: list[str] | None, config: Path | None) -> tuple[RuleSet, Config | None]:
    """The rules and the configuration; or say what is wrong with them, and leave with 1."""
    from mailproxy.cli.rule_files import rule_files
    from mailproxy.config import ConfigError
    from mailproxy.config import load as load_config
    from mailproxy.rules.errors import RuleError
    from mailproxy.rules.load import expand_patterns, load

    try:
        loaded = load_config(config) if config is not None else None
        patterns = loaded.rules.files if loaded is not None else ()
        return load(rule_files(given) if given else expand_patterns(patterns)), loaded
    except (ConfigError, RuleError) as error:
        complain(error)
        raise typer.Exit(1) from None


@dataclass(slots=True)
class _Run:
    """Runs all sessions of all files; what goes wrong with one file is said, and the next one follows."""

    files: list[Path]
    tls: bool
    ruleset: RuleSet
    config: Config | None
    failed: bool = False
    _read: list[dict[str, object]] = field(default_factory=list)

    def outcomes(self) -> Iterator[tuple[Path, Outcome]]:
        from mailproxy.cli.rehearsing import rehearsing
        from mailproxy.store.errors import StoreError

        try:
            with rehearsing(self.ruleset) as rehearsal:
                for path in self.files:
                    yield from ((path, outcome) for outcome in self._of(path, rehearsal))
        except (StoreError, OSError) as error:
            complain(error)
            self.failed = True

    def _of(self, path: Path, rehearsal: Rehearsal) -> Iterator[Outcome]:
        from mailproxy.capture.bodies import BodyStore
        from mailproxy.capture.conversations import FileTally
        from mailproxy.capture.model import CaptureError
        from mailproxy.cli.rehearsing import terms_for
        from mailproxy.whatif.sessions import captured_sessions

        tally, count, problem = FileTally(), 0, ""
        with BodyStore() as store, reading(path) as progress:
            try:
                for captured in captured_sessions(path, store, tally, progress):
                    count += 1
                    outcome = rehearsal.run(captured, terms_for(captured, self.config, tls=self.tls))
                    with progress.aside():
                        yield outcome
            except CaptureError as error:
                problem = str(error)
        self._say(path, count, tally, problem)

    def _say(self, path: Path, sessions: int, tally: FileTally, problem: str) -> None:
        self._read.append(described(path, sessions, tally, problem))
        if problem:
            say_error(problem)
            self.failed = True
        else:
            say_notes(path, sessions, tally)

    def described(self) -> Iterator[dict[str, object]]:
        """What was in each file, once it was read."""
        yield from self._read

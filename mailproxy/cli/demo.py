"""``mailproxy demo``: shows in a minute, and without any preparation, what mailproxy is for."""

from __future__ import annotations

import json
import re
import signal
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import trio
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mailproxy.demo.outcome import Outcome
from mailproxy.demo.scene import RuleMissing, Scene, scene, shipped_rule
from mailproxy.demo.story import Story
from mailproxy.demo.world import ARRIVING, SENT

_LINE_SECONDS = 0.4
_ACT_SECONDS = 1.5
_WIDEST = 72
# Lists of capabilities, flags and numbers: true, and no part of the story.
_NOISE = re.compile(r"250-|\)$|\* (FLAGS|\d+ RECENT|OK \[(PERMANENTFLAGS|UID))")


class Screen:
    """A stage on a terminal, or in a pipe: there without colour, and nothing is cut or folded.

    ``slow`` waits after each line, for an audience.
    """

    def __init__(self, console: Console, *, slow: bool = False) -> None:
        self._console = console
        self._slow = slow

    async def act(self, number: int, title: str, sentence: str) -> None:
        self.say(Text(f"\n{number}. {title}", style="bold"))
        self.say(Text(f"   {sentence}", style="italic"))
        await self._pause(_ACT_SECONDS)

    async def line(self, program: str, who: str, text: str) -> None:
        if who == "S" and _NOISE.match(text):
            return
        shown = text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
        style = "cyan" if who == "C" else "green"
        self.say(Text.assemble((f"   {program:<12} ", "dim"), (f"{who}: ", f"bold {style}"), (shown, style)))
        await self._pause(_LINE_SECONDS)

    async def note(self, whose: str, text: str) -> None:
        self.say(Text.assemble((f"   {whose:<12} ", "bold magenta"), (f"=> {text}", "magenta")))
        await self._pause(_ACT_SECONDS)

    def say(self, text: Text | str | Table) -> None:
        """Print one thing."""
        self._console.print(text, soft_wrap=not isinstance(text, Table), markup=False, highlight=False)

    async def _pause(self, seconds: float) -> None:
        if self._slow:
            await trio.sleep(seconds)


class Silence:
    """A stage that nobody looks at."""

    async def act(self, number: int, title: str, sentence: str) -> None:
        pass

    async def line(self, program: str, who: str, text: str) -> None:
        pass

    async def note(self, whose: str, text: str) -> None:
        pass


def demo(
    without_rule: Annotated[
        bool, typer.Option("--without-rule", help="Play the same story with no rule: the mail vanishes.")
    ] = False,
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep serving, and print the settings for a mail program.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the outcome, for machines.")] = False,
    slow: Annotated[bool, typer.Option("--slow", help="Wait after each line, for an audience.")] = False,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print the configuration file that the proxy was given.")
    ] = False,
) -> None:
    """Show what mailproxy does: no configuration, no network, no other program needed.

    Exit code 0 if all that the story claims came true, 1 if not (without the rule the mail is
    gone), 2 if the demo cannot run.
    """
    console = Console()
    try:
        rule = None if without_rule else shipped_rule()
    except RuleMissing as error:
        typer.echo(f"mailproxy demo: {error}", err=True)
        raise typer.Exit(2) from None
    code = 130  # of a program that Ctrl-C ended
    # A folder of its own, for its owner alone: the proxy's new CA key lies in it.
    with tempfile.TemporaryDirectory(prefix="mailproxy-demo-") as name:
        folder = Path(name).resolve()
        try:
            outcome = trio.run(_demo, console, folder, rule, stay, as_json, slow, show_config)
            code = 0 if outcome.came_true else 1
        except* KeyboardInterrupt:
            pass
    raise typer.Exit(code)


async def _demo(
    console: Console,
    folder: Path,
    rule: Path | None,
    stay: bool,
    as_json: bool,
    slow: bool,
    show_config: bool,
) -> Outcome:
    async with scene(folder, rule) as set_up:
        screen = Screen(console, slow=slow)
        if not as_json:
            _introduce(screen, set_up, rule, show_config)
        stage = Silence() if as_json else screen
        story = Story(set_up.account, set_up.ears, set_up.where, set_up.kept, stage)
        outcome = await story.play(SENT, ARRIVING)
        if as_json:
            typer.echo(json.dumps(as_data(outcome, rule, set_up if stay else None), indent=2))
        else:
            summarize(screen, console, outcome, rule)
        if stay:
            await stay_until_stopped(screen, set_up, as_json)
    return outcome


def _introduce(screen: Screen, set_up: Scene, rule: Path | None, show_config: bool) -> None:
    screen.say(Text("One mailbox, several programs, and mailproxy in between", style="bold"))
    screen.say(
        "   mail programs  ==TLS==>  mailproxy  ---->  a small mail server (all of it in this process)"
    )
    screen.say(f"   the rule: {rule.name}" if rule else "   the rule: none")
    if show_config:
        screen.say("\n" + set_up.config.rstrip())


def summarize(screen: Screen, console: Console, outcome: Outcome, rule: Path | None) -> None:
    """What each program believes, what was checked, and what it means."""
    screen.say(Text("\nWhat came of it", style="bold"))
    if console.is_terminal:
        believed = Table(box=box.ROUNDED, show_header=False)
        for program, sentence in _beliefs(outcome):
            believed.add_row(Text(program, style="bold"), Text(sentence))
        screen.say(believed)
    else:
        for program, sentence in _beliefs(outcome):
            screen.say(f"   {program} {sentence}")
    for check in outcome.checks:
        mark = Text("   yes  ", style="bold green") if check.held else Text("   NO   ", style="bold red")
        screen.say(mark.append(f"{check.claim} ({check.seen})", style="default not bold"))
    screen.say(Text("\n" + _moral(outcome, rule), style="bold green" if outcome.came_true else "bold red"))


def _beliefs(outcome: Outcome) -> list[tuple[str, str]]:
    got, accepted = len(outcome.downloaded), "none" if outcome.accepted == 0 else str(outcome.accepted)
    return [
        ("SMTP program", "sent 1 message" if outcome.sent else "could not send its message"),
        (
            "POP3 program",
            f"downloaded {got}, asked to delete {outcome.asked}, was told yes for {accepted}",
        ),
        ("IMAP program", f"sees {outcome.seen_by_imap} of {outcome.stored} messages"),
    ]


def _moral(outcome: Outcome, rule: Path | None) -> str:
    if outcome.trouble:
        return f"The story broke off: {outcome.trouble}"
    if outcome.came_true:
        return "The mail is still there, though a program deleted it and believes it gone."
    if rule is None:
        return "Without a rule the mail is gone. Try it with the rule: mailproxy demo"
    return "This should not have happened: the rule was in force. Please report it."


def as_data(outcome: Outcome, rule: Path | None, stays: Scene | None) -> dict[str, Any]:
    """The outcome for machines."""
    data: dict[str, Any] = {
        "came_true": outcome.came_true,
        "rule": None if rule is None else rule.stem,
        "trouble": outcome.trouble,
        "messages": outcome.stored,
        "smtp": {"sent": int(outcome.sent)},
        "pop3": {
            "downloaded": len(outcome.downloaded),
            "downloaded_in_each_run": [len(run.messages) for run in outcome.runs],
            "deletions_asked": outcome.asked,
            "deletions_accepted": outcome.accepted,
        },
        "imap": {"found": outcome.seen_by_imap},
        "kept": {"listed": len(outcome.kept), "seen_after_restore": outcome.restored},
        "checks": [asdict(check) for check in outcome.checks],
    }
    return data if stays is None else data | {"settings": settings(stays)}


def settings(set_up: Scene) -> dict[str, str | int]:
    """What one's own mail program has to be told."""
    where = set_up.where
    return {
        "host": "localhost",
        "imap_port": where.imap.port,
        "pop3_port": where.pop3.port,
        "smtp_port": where.smtp.port,
        "security": "SSL/TLS",
        "user": set_up.account.user,
        "password": bytes(set_up.account.password).decode(),
        "ca_file": str(where.imap.ca_file),
        "config_file": str(set_up.file),
    }


async def stay_until_stopped(screen: Screen, set_up: Scene, as_json: bool) -> None:
    """Print the settings, unless they stand in the JSON already, and wait for SIGINT or SIGTERM."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        if not as_json:
            screen.say(Text("\nStill serving. Settings for your own mail program:", style="bold"))
            for name, value in settings(set_up).items():
                screen.say(f"   {name.replace('_', ' '):<11} {value}")
            screen.say(
                "   Let it trust the CA file. The config file is for other commands of mailproxy, such as"
            )
            screen.say(
                "   mailproxy kept list --config FILE. All of it is gone when you stop this with Ctrl-C."
            )
        async for _ in signals:
            return

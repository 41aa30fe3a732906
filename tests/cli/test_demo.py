"""The command itself: the real proxy, the shipped rule, and the embedded servers."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path

import pytest
import trio
import typer
from rich.console import Console
from trio.testing import wait_all_tasks_blocked
from typer.testing import CliRunner, Result

from mailproxy.cli import demo as command
from mailproxy.demo.mailbox import Account
from mailproxy.demo.programs import Downloaded
from mailproxy.demo.scene import RuleMissing, Scene, shipped_rule
from mailproxy.demo.story import Check, Outcome, ServerEars
from mailproxy.demo.world import Ports


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command.demo)
    return CliRunner().invoke(app, list(arguments))


def test_with_the_rule_the_mail_is_still_there() -> None:
    result = run()
    assert result.exit_code == 0, result.output
    for line in (
        "1. A message is sent",
        "2. A POP3 program downloads, and deletes",
        "3. You read the same mailbox with IMAP",
        "   POP3 program C: PASS ***",
        "   POP3 program C: DELE 3",
        "   mailproxy    => DELE 3 refused here:",
        "IMAP program sees 3 of 3 messages",
        "The mail is still there",
    ):
        assert line in result.output
    assert "NO " not in result.output.replace("NOOP", "")
    assert "\x1b" not in result.output


def test_without_the_rule_it_vanishes() -> None:
    result = run("--without-rule")
    assert result.exit_code == 1, result.output
    assert "   mailproxy    => DELE 1 reached the mail server" in result.output
    assert "IMAP program sees 0 of 3 messages" in result.output
    assert "   NO   The mail server heard of no deletion (3 heard)" in result.output
    assert "Without a rule the mail is gone" in result.output


@pytest.mark.parametrize(("arguments", "code", "found"), [((), 0, 3), (("--without-rule",), 1, 0)])
def test_json_is_all_there_is(arguments: tuple[str, ...], code: int, found: int) -> None:
    result = run("--json", *arguments)
    assert result.exit_code == code, result.output
    data = json.loads(result.stdout)
    assert data["came_true"] is (code == 0)
    assert data["rule"] == (None if arguments else "pop3-block-dele")
    assert data["imap"] == {"found": found}
    assert data["pop3"] == {"downloaded": 3, "deletions_asked": 3, "deletions_accepted": 3 - found}
    assert len(data["checks"]) == 5


def test_show_config() -> None:
    output = run("--show-config").output
    assert '[[listener]]\nname = "pop3"' in output
    assert 'files = ["pop3-block-dele.toml"]' in output


def test_a_missing_rule_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise RuleMissing("the rule file is missing")

    monkeypatch.setattr(command, "shipped_rule", missing)
    result = run()
    assert result.exit_code == 2
    assert "the rule file is missing" in result.output


def a_terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=200, _environ={"TERM": "xterm-256color"})


def an_outcome(*, held: bool) -> Outcome:
    return Outcome(1, Downloaded([b""], 1, 0), 1, True, [Check("It holds", held, "1 of 1")])


async def test_colours_on_a_terminal() -> None:
    console = a_terminal()
    await command.Screen(console).line("POP3 program", "C", "DELE [red]1[/red]")
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[" in output
    assert "[red]1[/red]" in output


async def test_what_explains_nothing_is_left_out_and_long_lines_are_cut() -> None:
    console = Console(file=io.StringIO(), width=40)
    for text in ("250-SIZE 1", "* FLAGS (\\Seen)", ")", "x" * 500, "250 done"):
        await command.Screen(console).line("SMTP program", "S", text)
    one, other = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(one) < 110
    assert one.endswith("x…")
    assert other.endswith("S: 250 done")


async def test_no_colours_if_the_user_wants_none() -> None:
    environment = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    console = Console(file=io.StringIO(), force_terminal=True, width=200, _environ=environment)
    await command.Screen(console).line("POP3 program", "C", "DELE 1")
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[36m" not in output
    assert "DELE 1" in output


@pytest.mark.parametrize(("held", "words"), [(True, "still there"), (False, "should not have happened")])
def test_the_summary_says_what_it_means(held: bool, words: str) -> None:
    console = a_terminal()
    rule = shipped_rule()
    command.summarize(command.Screen(console), console, an_outcome(held=held), rule)
    assert words in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_story_that_broke_off_says_why() -> None:
    console = Console(file=io.StringIO(), width=200)
    outcome = Outcome(trouble="the connection ended early")
    command.summarize(command.Screen(console), console, outcome, None)
    assert "broke off: the connection ended early" in console.file.getvalue()  # type: ignore[attr-defined]


async def test_stay_prints_the_settings_and_ends_with_ctrl_c() -> None:
    account = Account("demo@example.org", "demo")
    where = Ports(1110, 1143, 1587).endpoints(Path("somewhere") / "ca.pem")
    console = Console(file=io.StringIO(), width=200)
    async with trio.open_nursery() as nursery:
        set_up = Scene(account, ServerEars(), where, "")
        nursery.start_soon(command.stay_until_stopped, command.Screen(console), set_up, False)
        await wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for line in ("imap port  1143", "pop3 port  1110", "smtp port  1587", "user       demo@example.org"):
        assert line in printed
    assert "ca.pem" in printed


async def test_slow_waits_and_else_nothing_does(autojump_clock: trio.testing.MockClock) -> None:
    console = Console(file=io.StringIO())
    await command.Screen(console).act(1, "Title", "Sentence.")
    assert trio.current_time() == 0
    await command.Screen(console, slow=True).act(1, "Title", "Sentence.")
    assert trio.current_time() > 0

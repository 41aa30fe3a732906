"""The command itself: the real proxy, the shipped rule, and the embedded servers."""

from __future__ import annotations

import io
import json
import signal
import tempfile
from pathlib import Path

import pytest
import trio
import typer
from rich.console import Console
from trio.testing import wait_all_tasks_blocked
from typer.testing import CliRunner, Result

from mailproxy.cli import demo as command
from mailproxy.demo.kept import KeptInStore
from mailproxy.demo.mailbox import Account
from mailproxy.demo.outcome import Check, Outcome
from mailproxy.demo.programs import Downloaded
from mailproxy.demo.scene import RuleMissing, Scene, shipped_rule
from mailproxy.demo.story import ServerEars
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
        "3. It looks for mail again",
        "4. A new message arrives",
        "5. You read the same mailbox with IMAP",
        "6. You bring the mail back to the POP3 program",
        "   the rule: pop3-keep.toml",
        "   POP3 program C: PASS ***",
        "   POP3 program C: DELE 3\n   POP3 program S: +OK",
        "   mailproxy    => DELE 3 answered here:",
        "   mailproxy    => QUIT: 3 messages are kept",
        "   POP3 program S: +OK 0 0",
        "   kept list    => 1.4, ",
        "   kept restore => 4 messages are seen again",
        "   POP3 program downloaded 4, asked to delete 4, was told yes for 4",
        "   IMAP program sees 4 of 4 messages",
        "   yes  The mail server heard of no deletion (0 heard)",
        "The mail is still there, though a program deleted it",
    ):
        assert line in result.output
    assert result.output.count("\n   yes  ") == 8
    assert "\n   NO " not in result.output
    assert "\x1b" not in result.output


def test_without_the_rule_it_vanishes() -> None:
    result = run("--without-rule")
    assert result.exit_code == 1, result.output
    assert "   the rule: none" in result.output
    assert "   mailproxy    => DELE 1 reached the mail server" in result.output
    assert "are kept from here on" not in result.output
    assert "IMAP program sees 0 of 4 messages" in result.output
    assert "   NO   The mail server heard of no deletion (4 heard)" in result.output
    assert result.output.count("\n   NO   ") == 4
    assert "Without a rule the mail is gone" in result.output


@pytest.mark.parametrize(("arguments", "code", "found"), [((), 0, 4), (("--without-rule",), 1, 0)])
def test_json_is_all_there_is(arguments: tuple[str, ...], code: int, found: int) -> None:
    result = run("--json", *arguments)
    assert result.exit_code == code, result.output
    data = json.loads(result.stdout)
    assert data["came_true"] is (code == 0)
    assert data["rule"] == (None if arguments else "pop3-keep")
    assert data["messages"] == 4
    assert data["imap"] == {"found": found}
    assert data["pop3"] == {
        "downloaded": 4,
        "downloaded_in_each_run": [3, 0, 1],
        "deletions_asked": 4,
        "deletions_accepted": 4,
    }
    assert data["kept"] == {"listed": found, "seen_after_restore": found}
    assert [check["held"] for check in data["checks"]] == [True] * 4 + [code == 0] * 4


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run().exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_show_config() -> None:
    output = run("--show-config").output
    assert '[[listener]]\nname = "pop3"' in output
    assert 'files = ["pop3-keep.toml"]' in output


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
    return Outcome(1, True, [Downloaded([b""], 1, 0)], 1, checks=[Check("It holds", held, "1 of 1")])


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
        kept = KeptInStore("sqlite:///nowhere.db", account.user)
        set_up = Scene(account, ServerEars(), where, kept, Path("somewhere") / "mailproxy.toml", "")
        nursery.start_soon(command.stay_until_stopped, command.Screen(console), set_up, False)
        await wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for line in (
        "imap port   1143",
        "pop3 port   1110",
        "smtp port   1587",
        "user        demo@example.org",
        "config file somewhere/mailproxy.toml",
    ):
        assert line in printed
    assert "ca.pem" in printed


async def test_slow_waits_and_else_nothing_does(autojump_clock: trio.testing.MockClock) -> None:
    console = Console(file=io.StringIO())
    await command.Screen(console).act(1, "Title", "Sentence.")
    assert trio.current_time() == 0
    await command.Screen(console, slow=True).act(1, "Title", "Sentence.")
    assert trio.current_time() > 0

"""The command line. ``main`` is what the ``mailproxy`` script calls.

Each command lives in a file of its own that is imported when that command is used: so
``--help``, ``version`` and shell completion answer at once.
"""

from __future__ import annotations

import sys

import typer

from mailproxy.cli.errors import complain
from mailproxy.cli.lazy import LazyCommand, group_of

COMMANDS = (
    LazyCommand("run", "mailproxy.cli.run", "run", "Serve mail programs, in the foreground."),
    LazyCommand("check", "mailproxy.cli.check", "check", "Say whether a configuration file would work."),
    LazyCommand(
        "demo", "mailproxy.cli.demo", "demo", "Show in a minute, without preparation, what this does."
    ),
    LazyCommand("rules", "mailproxy.cli.rules", "app", "List and test rules; ask which one decides."),
    LazyCommand("kept", "mailproxy.cli.kept", "app", "Mail that programs believe deleted."),
    LazyCommand("archive", "mailproxy.cli.archive", "app", "Copies of what was deleted, and the way back."),
    LazyCommand("release", "mailproxy.cli.release", "release", "Let a user delete again whom a brake holds."),
    LazyCommand("allow", "mailproxy.cli.allow", "allow", "Lift a rule for a user, for a while."),
    LazyCommand("audit", "mailproxy.cli.audit", "audit", "Who did what to the mail, and who allowed it."),
    LazyCommand("capture", "mailproxy.cli.capture", "app", "Look into recorded sessions, or any pcap file."),
    LazyCommand(
        "replay", "mailproxy.cli.replay", "app", "Play a capture: as server, as client, through rules."
    ),
    LazyCommand("ca", "mailproxy.cli.ca", "app", "The certificate that mail programs are to trust."),
    LazyCommand("version", "mailproxy.cli.version", "version", "Print the version."),
)

EPILOG = """\
\b
Examples:
  mailproxy demo                             see it work, nothing set up
  mailproxy check --config mailproxy.toml    find mistakes beforehand
  mailproxy run --config mailproxy.toml      serve; SIGHUP reloads
  mailproxy kept list --config mailproxy.toml
                                             what programs believe deleted
  mailproxy ca show --config mailproxy.toml  what mail programs must trust

\b
Exit codes:
  0  fine
  1  it failed; the reason is on standard error
  2  the command line was wrong
"""

app = typer.Typer(
    name="mailproxy",
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def mailproxy() -> None:
    """Stand between mail programs and POP3, IMAP and SMTP servers, and keep mail from being lost."""


def main() -> None:
    """Runs the command line, and ends the process with its exit code."""
    try:
        app(prog_name="mailproxy")
    except Exception as error:
        if not complain(error):
            raise
        sys.exit(1)

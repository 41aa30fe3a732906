"""``mailproxy capture``: what recorded sessions, or any pcap file, say of mail."""

from __future__ import annotations

import typer

from mailproxy.cli.lazy import LazyCommand, group_of

COMMANDS = (
    LazyCommand("list", "mailproxy.cli.capture_list", "list_", "The mail sessions in a capture."),
    LazyCommand(
        "show", "mailproxy.cli.capture_show", "show", "A session as a dialogue that people can read."
    ),
    LazyCommand(
        "stats", "mailproxy.cli.capture_stats", "stats", "Commands, replies, octets and times, summed up."
    ),
    LazyCommand("diff", "mailproxy.cli.capture_diff", "diff", "What two servers said differently."),
    LazyCommand(
        "export", "mailproxy.cli.capture_export", "export", "Messages, dialogues or data out of a capture."
    ),
    LazyCommand(
        "anonymise",
        "mailproxy.cli.capture_anonymise",
        "anonymise",
        "A copy without names, addresses and texts.",
    ),
)

app = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True)


@app.callback()
def capture() -> None:
    """Look into recorded sessions, or into any pcap file: list, show, compare, export, anonymise."""

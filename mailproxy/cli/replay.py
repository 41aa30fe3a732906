"""``mailproxy replay``: a capture is played as the server, as the client, or through rules."""

from __future__ import annotations

import typer

from mailproxy.cli.lazy import LazyCommand, group_of

COMMANDS = (
    LazyCommand(
        "server", "mailproxy.cli.replay_server", "server", "Answer mail programs as the captured server did."
    ),
    LazyCommand(
        "client", "mailproxy.cli.replay_client", "client", "Say to a server what the captured client said."
    ),
    LazyCommand("rules", "mailproxy.cli.replay_rules", "rules", "Say what these rules would have done."),
)

app = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True)


@app.callback()
def replay() -> None:
    """Play a capture again: as the server, as the client, or through other rules."""

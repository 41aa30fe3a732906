"""``mailproxy run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")],
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=0, help="Processes; 0: one per core.", show_default="the file's"),
    ] = None,
) -> None:
    """Serve mail programs, in the foreground, until SIGTERM or Ctrl-C.

    SIGHUP reads the rules, the certificates and the log file anew. SIGTERM lets sessions
    come to an end first; a second one ends at once.
    """
    from mailproxy.app import serve

    raise typer.Exit(serve(config, workers))

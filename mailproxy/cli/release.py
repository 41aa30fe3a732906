"""``mailproxy release``: users who deleted so much that a brake holds them back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mailproxy.cli.completion import complete_user
from mailproxy.cli.errors import fail
from mailproxy.cli.names import utf8_name
from mailproxy.cli.opened import (
    AsJson,
    ConfigOption,
    UpstreamOption,
    configured,
    did_you_mean,
    opened,
    record,
)
from mailproxy.cli.tables import print_json, print_table, time_of, utc
from mailproxy.config.errors import printable


def release(
    config: ConfigOption,
    user: Annotated[
        str | None,
        typer.Argument(help="Whom to release.", autocompletion=complete_user, callback=utf8_name),
    ] = None,
    upstream: UpstreamOption = None,
    list_: Annotated[bool, typer.Option("--list", help="Only print who is held, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lift a brake: the user may delete again, and is counted anew from now on."""
    if list_ == (user is not None):
        raise typer.BadParameter("say whom to release, or --list")
    if as_json and not list_:
        raise typer.BadParameter("--json goes with --list")
    if user is None:
        _list(config, upstream, as_json)
    else:
        _release(config, user, upstream)


def _list(config: Path, upstream: str | None, as_json: bool) -> None:
    with opened(configured(config)) as store:
        holds = [hold for hold in store.brakes.holding() if upstream in (None, hold.upstream)]
    if as_json:
        print_json(
            [
                {
                    "upstream": hold.upstream,
                    "user": hold.user,
                    "rule": hold.rule,
                    "why": hold.why,
                    "since": utc(hold.since),
                }
                for hold in holds
            ]
        )
        return
    rows = ((hold.upstream, hold.user, hold.rule, time_of(hold.since), hold.why) for hold in holds)
    print_table(("upstream", "user", "rule", "since", "why"), rows)


def _release(config: Path, user: str, upstream: str | None) -> None:
    with opened(configured(config)) as store:
        holding = store.brakes.holding()
        holds = [
            hold
            for hold in holding
            if user in (hold.user, printable(hold.user)) and upstream in (None, hold.upstream)
        ]
        if not holds:
            where = "" if upstream is None else f" at {upstream}"
            hint = did_you_mean(user, {hold.user for hold in holding}) or "; see mailproxy release --list"
            fail(f'no brake holds "{user}"{where}{hint}')
        for hold in holds:
            store.brakes.release(hold.user, upstream=hold.upstream, now=time.time())
            record(store, "release", hold.upstream, hold.user, rule=hold.rule, why=hold.why)
            typer.echo(f"{printable(hold.user)} at {printable(hold.upstream)} is released")

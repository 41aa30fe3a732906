"""``mailproxy audit``: who did what to the mail, and who allowed it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from mailproxy.cli.names import OnlyUser, utf8_name
from mailproxy.cli.opened import AsJson, ConfigOption, configured, did_you_mean, opened, users_of
from mailproxy.cli.tables import print_json, print_table, time_of, utc
from mailproxy.config.errors import printable

MOST = 1000  # rows that are printed
SHOWN = 5  # values of a list in a row of the table


def audit(
    config: ConfigOption,
    user: OnlyUser = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only the last 90s, 12h, 7d.", metavar="TIME")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only rows of this kind.", callback=utf8_name)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the audit: at most the last 1000 rows."""
    after = None if since is None else time.time() - _seconds(since)
    with opened(configured(config)) as store:
        rows = list(store.audit.rows(since=after, user=user, kind=kind, limit=MOST))
        hint = did_you_mean(user, users_of(store)) if user is not None and not rows else ""
    if hint:
        typer.echo(f'mailproxy: there is no row of "{printable(user or "")}"{printable(hint)}', err=True)
    if len(rows) == MOST:
        typer.echo(f"mailproxy: there may be more than {MOST} rows; narrow it with --since", err=True)
    if as_json:
        print_json(
            [
                {
                    "at": utc(row.at),
                    "kind": row.kind,
                    "upstream": row.upstream,
                    "user": row.user,
                    "detail": dict(row.detail),
                }
                for row in rows
            ]
        )
    else:
        cells = ((time_of(row.at), row.kind, row.upstream, row.user, _in_words(row.detail)) for row in rows)
        print_table(("at", "kind", "upstream", "user", "detail"), cells)


def _in_words(detail: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {_short(value)}" for key, value in detail.items())


def _short(value: object) -> str:
    """A value for a line; of a long list the beginning, as --json has it whole."""
    if isinstance(value, list):
        more = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
        return " ".join(_short(each) for each in value[:SHOWN]) + more
    return value if isinstance(value, str) else json.dumps(value)


def _seconds(text: str) -> float:
    from mailproxy.rules.duration import BadDuration, parse_duration

    try:
        return parse_duration(text)
    except BadDuration as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None

"""``mailproxy allow``: what a rule forbids, allowed to one user for a while."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.completion import complete_rule, complete_user
from mailproxy.cli.errors import fail
from mailproxy.cli.names import utf8_name
from mailproxy.cli.opened import (
    AsJson,
    ConfigOption,
    configured,
    did_you_mean,
    opened,
    operator,
    record,
    users_of,
)
from mailproxy.cli.tables import print_json, print_table, time_of, utc
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from mailproxy.config import Config
    from mailproxy.rules.rule import Rule

LONGEST = 24 * 3600  # seconds; what is to hold longer is a rule's condition


def allow(
    config: ConfigOption,
    rule: Annotated[
        str | None,
        typer.Option("--rule", help="The rule's name.", autocompletion=complete_rule, callback=utf8_name),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", help="The name of the login.", autocompletion=complete_user, callback=utf8_name
        ),
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long: 90s, 10m, 12h; at most 24h.", metavar="TIME")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End it now.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only print what is allowed now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a user do for a while what a rule forbids, in open sessions too."""
    if (for_ is not None) + end + list_ != 1:
        raise typer.BadParameter("say --for TIME, --end or --list")
    if as_json and not list_:
        raise typer.BadParameter("--json goes with --list")
    if list_:
        if rule is not None or user is not None:
            raise typer.BadParameter("--list goes without --rule and --user")
        _list(config, as_json)
        return
    if rule is None or user is None:
        raise typer.BadParameter("say --rule NAME and --user NAME")
    if for_ is None:
        _end(config, rule, user)
    elif not user.strip():
        raise typer.BadParameter("nobody has an empty name", param_hint="--user")
    else:
        _allow(config, rule, user, _seconds(for_))


def _seconds(text: str) -> float:
    from mailproxy.rules.duration import BadDuration, parse_duration

    try:
        seconds = parse_duration(text)
    except BadDuration as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    if seconds > LONGEST:
        hint = "for longer, change the rule's condition"
        raise typer.BadParameter(f"{text} is longer than 24h; {hint}", param_hint="--for")
    return seconds


def _allow(config: Path, name: str, user: str, seconds: float) -> None:
    loaded = configured(config)
    rule = _rule(loaded, name)
    with opened(loaded) as store:
        now = time.time()
        known = users_of(store)
        store.lifts.allow(rule.name, user, now + seconds, now, by=operator())
        record(store, "allow", "", user, rule=rule.name, until=utc(now + seconds))
    typer.echo(f"{rule.name} is lifted for {printable(user)} until {time_of(now + seconds)}")
    if not rule.enforce:
        typer.echo(f"mailproxy: {rule.name} only observes: it forbids nothing as it stands", err=True)
    if user not in known and (hint := did_you_mean(user, known)):
        typer.echo(f'mailproxy: nothing was seen of "{printable(user)}" yet{printable(hint)}', err=True)


def _rule(config: Config, name: str) -> Rule:
    """The rule of that name; or say that there is none, and leave with 1."""
    from mailproxy.rules import RuleError
    from mailproxy.rules.load import expand_patterns, load

    try:
        rules = {rule.name: rule for rule in load(expand_patterns(config.rules.files), None).rules}
    except RuleError as error:
        fail(str(error))
    if name not in rules:
        hint = did_you_mean(name, rules) or "; see mailproxy rules list"
        fail(f'no rule of this configuration is called "{name}"{hint}')
    return rules[name]


def _end(config: Path, rule: str, user: str) -> None:
    with opened(configured(config)) as store:
        now = time.time()
        active = store.lifts.active(now)
        if not any((lift.rule, lift.user) == (rule, user) for lift in active):
            of = {lift.user for lift in active if lift.rule == rule}
            hint = did_you_mean(user, of) or "; see mailproxy allow --list"
            fail(f'"{rule}" is not lifted for "{user}"{hint}')
        store.lifts.end(rule, user, now)
        record(store, "allow.end", "", user, rule=rule)
    typer.echo(f"{printable(rule)} is in force for {printable(user)} again")


def _list(config: Path, as_json: bool) -> None:
    with opened(configured(config)) as store:
        lifts = store.lifts.active(time.time())
    if as_json:
        print_json(
            [{"rule": lift.rule, "user": lift.user, "until": utc(lift.until)} for lift in lifts],
        )
        return
    print_table(("rule", "user", "until"), ((lift.rule, lift.user, time_of(lift.until)) for lift in lifts))

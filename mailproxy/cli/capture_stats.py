"""``mailproxy capture stats``: commands, replies, octets and times of captures, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mailproxy.cli.capture_files import Files, described, say_notes
from mailproxy.cli.errors import say_error
from mailproxy.cli.opened import AsJson
from mailproxy.cli.progress import reading
from mailproxy.cli.tables import on_terminal, print_json, print_table, size_of

if TYPE_CHECKING:
    from mailproxy.capture.statistics import Statistics, Totals, VerbTotal

VERBS = (
    *("protocol", "verb", "commands", "replies", "from client", "from server"),
    *("shortest", "median", "95 %", "longest"),
)
SHORT_VERBS = ("command", "replies", "from client", "from server", "median", "95 %", "longest")
QUANTILES = (0.5, 0.95)


def stats(files: Files, as_json: AsJson = False) -> None:
    """Sum up what is in captures: commands by verb, logins, messages, verdicts, servers.

    The times are seconds from a command's last octet to the first of its answer; median and 95 %
    are exact to 5 %. In a pipe the first column says what the row is about.

    \b
    Examples:
      mailproxy capture stats session.pcapng
      mailproxy capture stats --json *.pcapng | jq '.verbs[] | select(.verb == "RETR")'
    """
    from mailproxy.capture.statistics import Statistics

    statistics = Statistics()
    about = [_take(statistics, path, as_json) for path in files]
    totals = statistics.totals
    if as_json:
        print_json({**_described(totals), "files": about})
    else:
        _print(totals)
    if any(file["error"] for file in about):
        raise typer.Exit(1)


def _take(statistics: Statistics, path: Path, as_json: bool) -> dict[str, object]:
    from mailproxy.capture.conversations import FileTally, conversations
    from mailproxy.capture.model import CaptureError

    tally = FileTally()
    before = statistics.totals.sessions.total()
    problem = ""
    with reading(path) as progress:
        try:
            statistics.take(conversations(path, tally, progress))
        except CaptureError as error:
            problem = str(error)
    sessions = statistics.totals.sessions.total() - before
    if problem:
        say_error(problem)
    elif not as_json:
        say_notes(path, sessions, tally)
    return described(path, sessions, tally, problem)


def _print(totals: Totals) -> None:
    if not totals.sessions:
        return
    protocols = [
        [name, str(count), str(totals.messages[name])] for name, count in sorted(totals.sessions.items())
    ]
    _table("protocol", ("protocol", "sessions", "messages"), protocols)
    verbs = [_verb_cells(*names, total) for names, total in sorted(totals.verbs.items())]
    if on_terminal():  # fewer columns, so that 80 characters hold them
        _table("verb", SHORT_VERBS, [_short(*cells) for cells in verbs])
    else:
        _table("verb", VERBS, verbs)
    for what, counter in (
        ("login", totals.logins),
        ("refused login", totals.refused),
        ("verdict", totals.verdicts),
    ):
        _table(what, (what, "count"), [[name, str(count)] for name, count in counter.most_common()])
    octets = [
        [name, size_of(count)]
        for name, count in (("missing", totals.missing), ("unread", totals.unread), ("TLS", totals.sealed))
        if count
    ]
    _table("octets", ("octets", "size"), octets)
    servers = [
        [protocol, address, str(facts.sessions), facts.greeting, ", ".join(sorted(facts.capabilities))]
        for (protocol, address), facts in sorted(totals.servers.items())
    ]
    _table("server", ("protocol", "server", "greetings", "greeting", "capabilities"), servers)


def _table(what: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    rows = list(rows)
    if rows and on_terminal():
        print_table(head, rows)
    elif rows:
        print_table(("", *head), ((what, *row) for row in rows))


def _verb_cells(protocol: str, verb: str, total: VerbTotal) -> list[str]:
    wait = total.wait
    times = [wait.shortest, *(wait.quantile(part) for part in QUANTILES), wait.longest]
    return [
        protocol,
        verb,
        str(total.count),
        _in_words(total.statuses, total.unanswered),
        *(size_of(octets) for octets in total.octets),
        *(f"{time:.4f}" if wait.count else "" for time in times),
    ]


def _short(protocol: str, verb: str, commands: str, replies: str, *cells: str) -> list[str]:
    client, server, _, *times = cells
    return [f"{protocol} {verb}", replies or commands, client, server, *times]


def _in_words(statuses: Counter[str], unanswered: int) -> str:
    words = [f"{status} {count}" for status, count in statuses.most_common()]
    return ", ".join([*words, f"unanswered {unanswered}"] if unanswered else words)


def _described(totals: Totals) -> dict[str, object]:
    return {
        "sessions": dict(totals.sessions),
        "messages": dict(totals.messages),
        "logins": dict(totals.logins),
        "refused_logins": dict(totals.refused),
        "verdicts": dict(totals.verdicts),
        "missing": totals.missing,
        "unread": totals.unread,
        "sealed": totals.sealed,
        "verbs": list(_verbs_described(totals)),
        "servers": [
            {
                "protocol": protocol,
                "server": address,
                "greetings": facts.sessions,
                "greeting": facts.greeting,
                "capabilities": sorted(facts.capabilities),
            }
            for (protocol, address), facts in sorted(totals.servers.items())
        ],
    }


def _verbs_described(totals: Totals) -> Iterator[dict[str, object]]:
    for (protocol, verb), total in sorted(totals.verbs.items()):
        wait = total.wait
        yield {
            "protocol": protocol,
            "verb": verb,
            "commands": total.count,
            "replies": dict(total.statuses),
            "unanswered": total.unanswered,
            "octets_client": total.octets[0],
            "octets_server": total.octets[1],
            "seconds": {
                "measured": wait.count,
                "shortest": wait.shortest,
                "median": wait.quantile(QUANTILES[0]),
                "p95": wait.quantile(QUANTILES[1]),
                "longest": wait.longest,
            },
        }

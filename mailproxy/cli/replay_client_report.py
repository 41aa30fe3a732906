"""What ``mailproxy replay client`` prints in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from mailproxy.cli.errors import say_error
from mailproxy.cli.tables import counted, on_terminal, print_json, print_table
from mailproxy.config.errors import printable
from mailproxy.replay.compare_report import Finding, Latency, LeftOut, Report

_HEAD = ("difference", "session", "command", "verb", "what", "captured", "live", "plays", "why")
_LATENCIES = ("verb", "times", "least ms", "median ms", "95% ms", "captured ms")
_TIMED = 2  # plays from which on the latencies are worth a table


def print_report(report: Report, *, as_json: bool) -> None:
    """The differences, what was left out, and the latencies; a summary and errors on standard error."""
    if as_json:
        print_json(_described(report))
    else:
        rows = list(_rows(report))
        if rows:
            print_table(_HEAD, rows)
        if report.plays >= _TIMED:
            print_table(_LATENCIES, map(_timed, report.latencies))
        for note in sorted(report.notes):
            typer.echo(f"note: {printable(note)}", err=True)
        typer.echo(_summary(report), err=True)
    for failure, times in sorted(report.failures.items()):
        say_error(failure if times == 1 else f"{failure} ({times} plays)")


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for finding, times in report.real:
        yield ("real", *_place(finding), *_content([finding]), str(times), "")
    for those, times in _grouped(report.must):
        yield ("must be", *_place(those[0]), *_content(those), str(times), those[0].difference.must)
    for left, times in _left_out(report):
        place = (str(left.session), str(left.exchange), left.verb)
        yield ("left out", *place, "", "", "", str(times), left.why)


def _grouped(found: list[tuple[Finding, int]]) -> Iterator[tuple[list[Finding], int]]:
    """What had to differ in one answer for one reason, together; JSON has each."""
    groups: dict[tuple[object, ...], list[tuple[Finding, int]]] = {}
    for finding, times in found:
        one = finding.difference
        key = (finding.session, finding.exchange, finding.verb, one.what, one.must)
        groups.setdefault(key, []).append((finding, times))
    for those in groups.values():
        yield [finding for finding, _ in those], max(times for _, times in those)


def _left_out(report: Report) -> list[tuple[LeftOut, int]]:
    return sorted(report.left_out.items(), key=lambda item: (item[0].session, item[0].exchange))


def _place(finding: Finding) -> tuple[str, str, str]:
    return str(finding.session), str(finding.exchange), finding.verb


def _content(those: list[Finding]) -> tuple[str, str, str]:
    """What differs, and the first that each side has of it."""
    ones = [finding.difference for finding in those]
    what = ones[0].what if len(ones) == 1 else f"{ones[0].what} ({len(ones)})"
    captured = next((one.captured for one in ones if one.captured), "")
    return what, captured, next((one.live for one in ones if one.live), "")


def _timed(one: Latency) -> tuple[str, ...]:
    captured = "" if one.captured is None else _milliseconds(one.captured)
    return (one.verb, str(one.times), *map(_milliseconds, (one.least, one.middle, one.most)), captured)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _summary(report: Report) -> str:
    real = len(report.real) + report.more
    verdict = "no real difference" if not real else counted(real, "real difference")
    must, left = len(report.must), len(report.left_out)
    parts = [verdict, f"{must} that must be", f"{counted(left, 'command')} left out"]
    told = f"{counted(report.said, 'command')} said in {counted(report.plays, 'play')}: {', '.join(parts)}"
    if any("mail" in one.why or "change" in one.why for one in report.left_out) and on_terminal():
        told += ". With --allow-destructive all are said"
    return told


def _described(report: Report) -> dict[str, Any]:
    return {
        "same": report.same,
        "plays": report.plays,
        "commands": report.said,
        "differences": [
            {
                "real": not finding.difference.must,
                "session": finding.session,
                "command": finding.exchange,
                "verb": finding.verb,
                "what": finding.difference.what,
                "captured": finding.difference.captured,
                "live": finding.difference.live,
                "why": finding.difference.must,
                "plays": times,
            }
            for finding, times in (*report.real, *report.must)
        ],
        "more": report.more,
        "left_out": [
            {
                "session": one.session,
                "command": one.exchange,
                "verb": one.verb,
                "why": one.why,
                "plays": times,
            }
            for one, times in sorted(
                report.left_out.items(), key=lambda item: (item[0].session, item[0].exchange)
            )
        ],
        "latencies": [
            {
                "verb": one.verb,
                "times": one.times,
                "least_seconds": one.least,
                "median_seconds": one.middle,
                "p95_seconds": one.most,
                "captured_seconds": one.captured,
            }
            for one in report.latencies
        ],
        "notes": sorted(report.notes),
        "failures": sorted(report.failures),
    }

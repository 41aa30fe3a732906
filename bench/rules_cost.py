"""What rules for other commands cost a command: 10,000 of them against none, in one run.

Run it with ``python bench/rules_cost.py``. The ratios are what counts; the
times depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from mailproxy.proto.tokens import Command
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.lines import command_from_line
from mailproxy.rules.load import parse
from mailproxy.session.verdict import Decision, Facts, Judge

ROUNDS, CALLS, OTHERS = 15, 2_000, 10_000

ONE = """
[[rule]]
name = "one"
on = ["pop3 DELE"]
when = 'user.endsWith("@example.com") && !client.ip.inside("10.0.0.0/8")'
do = "block"
"""
OTHER = """
[[rule]]
name = "other-{number}"
on = ["pop3 {verb}"]
when = 'user == "{number}@example.com"'
do = "block"
"""


def main() -> None:
    others = "".join(
        OTHER.format(number=number, verb=("RETR", "TOP", "UIDL", "LIST")[number % 4])
        for number in range(OTHERS)
    )
    few, many = _judge(ONE), _judge(others + ONE)
    print(f"{'command':<22}{'1 rule':>12}{OTHERS + 1:>12} rules{'ratio':>8}")
    for name, line in (("NOOP (no rule)", b"NOOP"), ("DELE (one rule)", b"DELE 1")):
        command = command_from_line("pop3", line)
        alone, among = _compared(_lookup(few, command), _lookup(many, command))
        print(f"{name:<22}{alone * 1e6:>9.3f} µs{among * 1e6:>15.3f} µs{among / alone:>8.2f}")


def _judge(text: str) -> Judge:
    return RuleSet(parse(text.encode(), Path("bench.toml"))).judge("pop3")


def _lookup(judge: Judge, command: Command) -> Callable[[], Decision | None]:
    facts = Facts("pop3", user="reader@example.com", client_ip="192.0.2.7")
    return lambda: judge.decide(command, facts) if command.verb in judge.verbs else None


def _compared(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Seconds per call of both, taken in turns, so that a busy machine slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for call, seen in zip((first, second), times, strict=True):
            start = perf_counter()
            for _ in range(CALLS):
                call()
            seen.append((perf_counter() - start) / CALLS)
    return median(times[0]), median(times[1])


if __name__ == "__main__":
    main()

"""mailproxy.record.lines: time stamps, and lines for a terminal. JSON is tried in test_log."""

from __future__ import annotations

import pytest

from mailproxy.events import Secret
from mailproxy.record.lines import Clock, console_lines


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9999999, "1970-01-01T00:00:00.999Z"),
        (1.0, "1970-01-01T00:00:01.000Z"),
        (1_795_348_800.5, "2026-11-22T12:00:00.500Z"),
    ],
)
def test_clock(now, text):
    assert Clock(lambda: now)() == text


def test_clock_goes_on():
    times = iter([10.25, 10.75, 11.0, 9.5])
    clock = Clock(lambda: next(times))
    assert [clock()[17:] for _ in range(4)] == ["10.250Z", "10.750Z", "11.000Z", "09.500Z"]


NOON = Clock(lambda: 43200.0)


def console(level: str = "info", colours: bool = False, **fields: object) -> str:
    return console_lines(NOON, colours)(None, level, dict(fields)).decode()


def test_console():
    line = console(
        event="command", session="s1", verb="UID STORE", seconds=0.00125, rule="", verdicts={"a": 1}
    )
    assert (
        line
        == "12:00:00.000 info    command       session=s1 verb='UID STORE' seconds=0.00125 verdicts.a=1\n"
    )


def test_console_colours():
    plain, coloured = console("error", event="x", a="b"), console("error", True, event="x", a="b")
    assert "\x1b" not in plain
    assert "\x1b[31merror" in coloured


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[2J", r"'\x1b[2J'"),
        ("\x9b31m", r"'\x9b31m'"),
        ("\x7f\x07", r"'\x7f\x07'"),
        ("a\nb", r"'a\nb'"),
        ("\u202e", r"'\u202e'"),
        ("\ud800", r"'\ud800'"),
        (b"\xff\x1b", r"'\\xff\x1b'"),
        ("a=b", "'a=b'"),
        (Secret(b"pw"), "<secret>"),
        ("日本", "'日本'"),
    ],
)
def test_console_escapes(value, shown):
    line = console(event="x", text=value)
    assert line.endswith(f" text={shown}\n")
    assert line[:-1].isprintable()

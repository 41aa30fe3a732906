"""Lines of a dialogue on a terminal, in a pipe, as JSON."""

from __future__ import annotations

import json

import pytest

from mailproxy.capture.dialogue import Dialogue
from mailproxy.capture.searching import Search
from mailproxy.cli import dialogue_lines
from mailproxy.cli.dialogue_lines import LONGEST, Hits, Lines, safe
from tests.capture.talks import STARTED, Talk, items

TALK = Talk("pop3", "S: +OK ready\nC: STAT\nS: -ERR \\x1b]0;owned\\x07\\x9b\ngap S 5\nend rst", number=12)


def lines(talk: Talk = TALK, *, whole: bool = False) -> Lines:
    return Lines(Dialogue().lines(items(talk)), whole=whole)


def test_in_a_pipe() -> None:
    assert list(lines().printed()) == [
        "# session 12, pop3, 2023-11-14 22:13:20.000+00:00, 192.0.2.1:40000 → 198.51.100.9:110",
        " 12     +0.100  S: ← +OK ready",
        " 12     +0.200  C: → STAT",
        " 12     +0.300  S: ← -ERR \\x1b]0;owned\\x07\\x9b",
        " 12     +0.400  -- 5 octets of the server are not in the capture --",
        " 12     +0.600  -- the connection was reset --",
    ]


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue_lines, "on_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    painted = list(lines().printed())
    assert painted[1] == " 12     +0.100  \x1b[32mS: ← +OK ready\x1b[0m"
    assert painted[2] == " 12     +0.200  C: → STAT"
    assert painted[3] == " 12     +0.300  \x1b[31mS: ← -ERR \\x1b]0;owned\\x07\\x9b\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any("\x1b" in line for line in lines().printed())


@pytest.mark.parametrize(
    ("status", "colour"),
    [
        ("OK", 32), ("250", 32), ("PREAUTH", 32), ("+", 33), ("354", 33),
        ("ERR", 31), ("NO", 31), ("BAD", 31), ("BYE", 31), ("451", 31), ("550", 31),
    ],
)  # fmt: skip
def test_status_colours(status: str, colour: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue_lines, "on_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    [_, line, *_] = Dialogue().lines(items(TALK))
    line = type(line)(line.conversation, line.time, line.side, "reply", "x", status)
    assert f"\x1b[{colour}m" in next(Lines([line], whole=False).printed())


def test_json() -> None:
    found = list(lines().described())
    assert json.loads(json.dumps(found)) == found
    assert found[3] == {
        "session": 12,
        "leg": "",
        "time": STARTED + 0.3,
        "frame": 3,
        "side": "server",
        "kind": "reply",
        "exchange": 1,
        "text": "-ERR \x1b]0;owned\x07\\x9b",
        "status": "ERR",
    }
    assert found[4]["more"] == {"octets": 5, "of": "server"}


def test_long_lines_are_cut_unless_they_are_wanted() -> None:
    talk = Talk("pop3", f"S: +OK {'x' * 5000}")
    cut = list(lines(talk).printed())[1]
    assert cut.endswith(f"x… [{5004 - LONGEST:,} more characters]")
    assert "x" * 4000 in "".join(lines(talk, whole=True).printed())


def test_hits() -> None:
    hits = Hits(Search(b"owned").hits(items(TALK)))
    assert list(hits.printed()) == [" 12     +0.300  S: ← -ERR \\x1b]0;owned\\x07\\x9b"]
    [found] = Hits(Search(b"STAT").hits(items(TALK))).described()
    assert found == {
        "session": 12,
        "leg": "",
        "time": STARTED + 0.2,
        "frame": 2,
        "side": "client",
        "kind": "command",
        "exchange": 1,
        "text": "STAT",
    }


def test_tabs_stay() -> None:
    assert safe("a\tb\x1b\u202e") == "a\tb\\x1b\\u202e"

"""What is printed of a replay."""

from __future__ import annotations

import json

import pytest

from mailproxy.cli import tables
from mailproxy.cli.replay_client_report import print_report
from mailproxy.replay.client import Play
from mailproxy.replay.client_player import Outcome
from mailproxy.replay.compare_answer import Answer
from tests.cli.calling import columns
from tests.replay.client_scene import report_of, script

SCRIPT = script(
    "smtp", "S: 220 x\nC: NOOP\nS: 250 a\nC: MAIL FROM:<a@example.test>\nS: 250 x\nC: HELP\nS: 214 x"
)


def play(answer: bytes = b"b\x1b[2J") -> Play:
    noop, mail, help_ = SCRIPT.steps
    return Play(
        SCRIPT,
        [
            Outcome(noop, Answer("250", b"", [answer]), 0.25),
            Outcome(mail, left_out=mail.why),
            Outcome(help_, Answer("214", b"", [b"x"]), 0.5),
        ],
    )


def test_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report_of(play()), as_json=False)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "real\t1\t1\tNOOP\tresponse\ta\t\t1\t",
        "real\t1\t1\tNOOP\tresponse\t\tb\\x1b[2J\t1\t",
        "left out\t1\t2\tMAIL\t\t\t\t1\tit sends mail",
    ]
    assert printed.err == (
        "2 commands said in 1 play: 2 real differences, 0 that must be, 1 command left out\n"
    )


def test_what_must_be_stands_together(capsys: pytest.CaptureFixture[str]) -> None:
    found = script("imap", "S: * OK\nC: a IDLE\nS: + go\nS: * 4 EXISTS\nS: * 1 EXPUNGE\nC: DONE\nS: a OK x")
    print_report(report_of(Play(found, [Outcome(found.steps[0], Answer("OK", b"x"), 1.0)])), as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "must be\t1\t1\tIDLE\tresponse (2)\t4 EXISTS\t\t1\twhat happens during IDLE is other people's doing"
    ]


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tables, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    print_report(report_of(play(), play()), as_json=False)
    printed = capsys.readouterr()
    rows = columns(printed.out)
    assert rows[0] == ["real", "1", "1", "NOOP", "response", "a", "", "2", ""]
    assert rows[-1] == ["NOOP", "2", "250.0", "250.0", "250.0", "1000.0"]
    assert "\x1b[2J" not in printed.out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(play())
    report.notes["a note"] = 1
    report.failures["it broke"] = 2
    print_report(report, as_json=True)
    printed = capsys.readouterr()
    value = json.loads(printed.out)
    assert value["same"] is False
    assert value["differences"][0] == {
        "real": True,
        "session": 1,
        "command": 1,
        "verb": "NOOP",
        "what": "response",
        "captured": "a",
        "live": "",
        "why": "",
        "plays": 1,
    }
    assert value["left_out"] == [
        {"session": 1, "command": 2, "verb": "MAIL", "why": "it sends mail", "plays": 1}
    ]
    assert value["latencies"][1]["median_seconds"] == 0.25
    assert (value["notes"], value["failures"]) == (["a note"], ["it broke"])
    assert printed.err == "mailproxy: error: it broke (2 plays)\n"

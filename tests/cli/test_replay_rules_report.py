"""How it is printed what rules would have done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.model import Stream
from mailproxy.cli.replay_rules_report import Report, words_of
from mailproxy.whatif.outcome import Outcome, Verdict

PATH = Path("a.pcapng")
FORWARDED = {"verb": "DELE", "verdict": "forward"}


def outcome(*verdicts: Verdict, number: int = 1) -> Outcome:
    made = Outcome(Conversation(number, Stream(0, "192.0.2.7:1", "192.0.2.1:110"), "pop3", 0.0), "aiko")
    for verdict in verdicts:
        made.add(verdict)
    return made


KEPT = Verdict(1.0, "aiko", "DELE", "1", "keep", "r", "because", "local", then=FORWARDED)
PLAIN = Verdict(2.0, "aiko", "NOOP", "", "forward", then=FORWARDED)
WOULD = Verdict(3.0, "aiko", "DELE", "2", "forward", would=(("look", "block"),))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (KEPT, {"keep", "any", "change"}),
        (PLAIN, {"forward"}),
        (WOULD, {"forward", "observe"}),
        (Verdict(0.0, "", "STAT", "", "answered"), {"answered"}),
        (Verdict(0.0, "", "XYZ", "", "refuse"), {"refuse", "any"}),
        (Verdict(0.0, "", "DELE", "1", "allow", "r"), {"allow"}),
    ],
)
def test_what_a_verdict_meets(verdict: Verdict, words: set[str]) -> None:
    assert words_of(verdict) == words


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(frozenset({"keep"}))
    report.print([(PATH, outcome(KEPT, PLAIN, WOULD))])
    assert capsys.readouterr().out.splitlines() == [
        "1\t1970-01-01T00:00:01+00:00\taiko\tDELE\t1\tkeep\tforward\tr\tbecause",
        "1\t1970-01-01T00:00:03+00:00\taiko\tDELE\t2\tforward (would be: block by look)\t\t\t",
    ]
    assert report.met == 1
    report.say_summary(1)
    said = capsys.readouterr().err
    assert "3 commands in 1 session of 1 file: 2 forward, 1 keep" in said
    assert "2 verdicts of the live proxy beside them: 1 would be another" in said
    assert "--fail-on keep: 1 time" in said


def test_sessions_of_several_files(capsys: pytest.CaptureFixture[str]) -> None:
    second = outcome(PLAIN, number=2)
    second.left, second.ended = 3, "by a rule"
    Report(frozenset(), sessions=True, several=True).print([(PATH, outcome(KEPT)), (PATH, second)])
    out = capsys.readouterr()
    assert out.out.splitlines() == [
        "a.pcapng\t1\t1970-01-01T00:00:00+00:00\tpop3\t192.0.2.7:1\taiko\t1\t1 keep\t1\t",
        "a.pcapng\t2\t1970-01-01T00:00:00+00:00\tpop3\t192.0.2.7:1\taiko\t1\t1 forward\t0\t3 (by a rule)",
    ]
    assert "a.pcapng, session 2: 3 commands not run: by a rule" in out.err


def test_changes_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Report(frozenset(), changes=True).print([(PATH, outcome(KEPT, WOULD)), (PATH, outcome(WOULD, number=2))])
    assert [line.split("\t")[4] for line in capsys.readouterr().out.splitlines()] == ["1"]


def test_nothing_to_compare_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(frozenset(), changes=True)
    report.print([(PATH, outcome(WOULD))])
    report.say_summary(1)
    assert "nothing to compare" in capsys.readouterr().err


def test_too_many_notes(capsys: pytest.CaptureFixture[str]) -> None:
    noted = outcome(PLAIN)
    noted.notes = [f"note {number}" for number in range(30)]
    Report(frozenset()).print([(PATH, noted)])
    said = capsys.readouterr().err
    assert "note 19" in said
    assert "note 20" not in said
    assert "10 more notes" in said


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    recorded = outcome(KEPT, PLAIN)
    recorded.recorded_by, recorded.notes = "watch", ["a note"]
    read: list[dict[str, object]] = []

    def outcomes() -> Iterator[tuple[Path, Outcome]]:
        yield PATH, recorded
        read.append({"file": "a.pcapng"})

    report = Report(frozenset({"capture", "any"}))
    report.print_json(outcomes(), iter(read))
    said = json.loads(capsys.readouterr().out)
    (session,) = said["sessions"]
    assert session["notes"] == ["a note"]
    assert session["counts"] == {"keep": 1, "forward": 1}
    (command,) = session["commands"]
    assert command["changed"] is True
    assert command["then"] == {"verdict": "forward", "rule": "", "why": "", "status": ""}
    assert said["files"] == [{"file": "a.pcapng"}]
    assert said["summary"]["met"] == report.met == 2

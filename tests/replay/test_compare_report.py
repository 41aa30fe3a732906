"""Plays, summed up."""

from __future__ import annotations

import pytest

from mailproxy.replay import compare_report
from mailproxy.replay.client import Play
from mailproxy.replay.client_player import Outcome
from mailproxy.replay.compare_answer import Answer
from tests.replay.client_scene import report_of, script, told

SCRIPT = script("smtp", "S: 220 x\nC: NOOP\nS: 250 a\nC: QUIT\nS: 221 x")


def play(*answers: bytes, seconds: float = 0.5, failed: str = "") -> Play:
    outcomes = [
        Outcome(step, Answer("250", b"", [answer]), seconds)
        for step, answer in zip(SCRIPT.steps, answers, strict=False)
    ]
    return Play(SCRIPT, outcomes, failed=failed)


def test_the_same_difference_is_counted() -> None:
    report = report_of(play(b"b"), play(b"b"), play(b"a"))
    assert [times for _, times in report.real] == [2, 2]
    assert told(report.real) == [("NOOP", "response", "a", ""), ("NOOP", "response", "", "b")]
    assert (report.plays, report.said, report.same) == (3, 3, False)


def test_passing_words_make_no_new_difference() -> None:
    report = report_of(*(play(b"queued as %d" % number) for number in range(5)))
    assert {times for _, times in report.real} == {5}
    assert len(report.real) == 2


def test_no_password_is_told() -> None:
    report = report_of(play(b"no tea-Party-31, xtea-Party-31y, dGVhLVBhcnR5LTMx"))
    assert told(report.real)[1][3] == "no ************, x************y, ****************"
    report = report_of(play(failed="it said tea-Party-31"))
    assert list(report.failures) == ["it said ************"]


def test_latencies() -> None:
    report = report_of(*(play(b"a", seconds=float(number)) for number in range(1, 101)))
    (noop,) = report.latencies
    assert (noop.verb, noop.times, noop.least, noop.middle, noop.most) == ("NOOP", 100, 1.0, 50.5, 96.0)
    assert noop.captured == 1.0


def test_what_was_left_out_is_no_difference() -> None:
    step = SCRIPT.steps[0]
    report = report_of(Play(SCRIPT, [Outcome(step, left_out="why not")]))
    assert report.same
    assert [(one.verb, one.why) for one in report.left_out] == [("NOOP", "why not")]
    assert report.said == 0


def test_the_greeting_is_compared() -> None:
    report = report_of(Play(SCRIPT, greeting=Answer("554", b"", [b"x"])))
    assert told(report.real) == [("(greeting)", "status", "220", "554")]


def test_a_server_that_is_new_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_report, "_MOST_FINDINGS", 4)
    report = report_of(*(play(bytes([97 + number]) * 3) for number in range(9)))
    assert len(report.findings) == 4
    assert report.more > 0
    assert not report.same


def test_fetching_may_have_effects() -> None:
    report = report_of()
    report.remark([SCRIPT])
    assert not report.notes
    report.remark([script("pop3", "S: +OK\nC: RETR 1\nS: -ERR")])
    assert len(report.notes) == 1

"""Responses to IMAP commands that were open together."""

from __future__ import annotations

import pytest

from mailproxy.replay.client import Play
from mailproxy.replay.client_player import Outcome
from mailproxy.replay.compare_answer import Answer
from mailproxy.replay.interleaved import as_captured
from mailproxy.replay.script import Script
from tests.replay.client_scene import report_of, script

PIPELINED = """\
S: * PREAUTH hi
C: a FETCH 1 FLAGS
C: b FETCH 2 FLAGS
S: * 1 FETCH (FLAGS ())
S: * 2 FETCH (FLAGS ())
S: a OK done
S: b OK done
C: c FETCH 3 FLAGS
S: * 3 FETCH (FLAGS ())
S: c OK done
"""
ONE, TWO, THREE = (b"%d FETCH (FLAGS ())" % number for number in (1, 2, 3))


def outcomes(replayed: Script, *responses: list[bytes] | None) -> list[Outcome]:
    return [
        Outcome(step, None if heard is None else Answer("OK", b"done", heard), 0.5)
        for step, heard in zip(replayed.steps, responses, strict=True)
    ]


def responses(found: list[Outcome]) -> list[list[bytes] | None]:
    return [None if one.answer is None else one.answer.responses for one in found]


SAID: list[tuple[list[list[bytes] | None], list[list[bytes] | None]]] = [
    # as the captured server did it, as most servers do it, and both too late
    ([[ONE, TWO], [], [THREE]], [[ONE, TWO], [], [THREE]]),
    ([[ONE], [TWO], [THREE]], [[ONE, TWO], [], [THREE]]),
    ([[], [ONE, TWO], [THREE]], [[ONE, TWO], [], [THREE]]),
    # twice is once too often, and never is never
    ([[ONE, TWO], [TWO], [THREE]], [[ONE, TWO], [TWO], [THREE]]),
    ([[ONE], [], [THREE]], [[ONE], [], [THREE]]),
    # a command that was not open then is no taker, and no giver
    ([[ONE], [], [TWO, THREE]], [[ONE], [], [TWO, THREE]]),
    ([[ONE, THREE], [TWO], []], [[ONE, THREE, TWO], [], []]),
    # nobody answered the command that it was captured with
    ([None, [ONE, TWO], [THREE]], [None, [ONE, TWO], [THREE]]),
]


@pytest.mark.parametrize(("heard", "expected"), SAID)
def test_responses_go_where_they_were_captured(
    heard: list[list[bytes] | None], expected: list[list[bytes] | None]
) -> None:
    assert responses(as_captured(outcomes(script("imap", PIPELINED), *heard))) == expected


def test_answers_that_came_in_another_order_are_put_back() -> None:
    first, second, third = outcomes(script("imap", PIPELINED), [ONE], [TWO], [THREE])
    found = as_captured([second, first, third])
    assert [one.step.number for one in found] == [1, 2, 3]


@pytest.mark.parametrize(("heard", "same"), [([[ONE], [TWO], [THREE]], True), ([[ONE], [], [THREE]], False)])
def test_a_report_goes_by_it(heard: list[list[bytes] | None], same: bool) -> None:
    replayed = script("imap", PIPELINED)
    assert report_of(Play(replayed, outcomes(replayed, *heard))).same is same

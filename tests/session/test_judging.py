"""How a session asks its rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mailproxy.events import CaptureWanted, Event, WouldHave
from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Limits, Slot
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.judging import Judging, words
from mailproxy.session.verdict import Action, Decision, Facts, Judge


@dataclass
class Court:
    """Rules that decide the same of everything, and what is said of it."""

    decision: Decision | None
    verbs: frozenset[str] = frozenset({"DELE", "PASS", "AUTH"})
    events: list[Event] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    def judging(self) -> Judging:
        def decide(command: Command, facts: Facts) -> Decision | None:
            self.users.append(facts.user)
            return self.decision

        dialect = Pop3(Policy(guard=True, starttls=False, login=True), Limits())
        dialect.user = "ann"
        return Judging(Judge(self.verbs, decide), Facts("pop3"), dialect, self.events.append)


def slot(verb: str = "DELE", args: bytes = b"1") -> Slot:
    return Slot(Command(verb, verb.encode() + b" " + args + b"\r\n", args, VERBS[verb]), 0.0)


def test_a_verb_without_rules_is_not_judged() -> None:
    court = Court(Decision(Action.BLOCK, "r"))
    assert court.judging().ruling(slot("RETR")) is None
    assert court.users == []


def test_the_slot_says_whose_decision_it_is() -> None:
    one = slot()
    decision = Court(Decision(Action.KEEP, "r", "because")).judging().ruling(one)
    assert decision is not None
    assert (one.rule, one.why, one.verdict) == ("r", "because", "keep")


def test_what_is_allowed_is_forwarded() -> None:
    one = slot()
    assert Court(Decision(Action.ALLOW, "r")).judging().ruling(one) is not None
    assert (one.rule, one.verdict) == ("", "forward")


def test_a_lifted_rule_says_so() -> None:
    one = slot()
    assert Court(Decision(Action.BLOCK, "r", lifted=True)).judging().ruling(one) is not None
    assert (one.rule, one.verdict, one.why) == ("r", "allow", "the rule is lifted")


@pytest.mark.parametrize(
    "decision", [Decision(Action.OBSERVE, "r"), Decision(Action.BLOCK, "r", enforced=False)]
)
def test_what_would_have_been(decision: Decision) -> None:
    court, one = Court(decision), slot()
    assert court.judging().ruling(one) is None
    assert court.events == [WouldHave("DELE", "r", decision.action.value)]
    assert one.verdict == "forward"


def test_a_login_is_judged_by_the_name_that_asks() -> None:
    court = Court(None)
    judging = court.judging()
    judging.ruling(slot("AUTH", b"PLAIN AGJvYgBzZWNyZXQ="))
    assert court.users == ["bob"]
    assert judging.facts.user == "ann"


def test_a_late_name_is_judged_again() -> None:
    court, login = Court(Decision(Action.BLOCK, "r", "no")), slot("AUTH", b"PLAIN")
    assert court.judging().late(login) is not None
    assert (login.rule, login.verdict) == ("r", "block")


@pytest.mark.parametrize(
    "decision", [None, Decision(Action.ALLOW, "r"), Decision(Action.BLOCK, "r", lifted=True)]
)
def test_a_late_name_that_is_let_in(decision: Decision | None) -> None:
    assert Court(decision).judging().late(slot("AUTH", b"PLAIN")) is None


def test_only_logins_are_judged_late() -> None:
    court = Court(Decision(Action.BLOCK, "r"))
    assert court.judging().late(slot("DELE")) is None
    assert court.judging().late(None) is None


def test_what_would_have_been_is_told_once_for_a_login() -> None:
    court, login = Court(Decision(Action.BLOCK, "r", enforced=False)), slot("AUTH", b"PLAIN")
    judging = court.judging()
    judging.late(login)
    judging.late(login)
    assert court.events == [WouldHave("AUTH", "r", "block")]


def test_the_words_of_a_refusal() -> None:
    assert words(Decision(Action.BLOCK, "r", reply="not here")) == "not here"
    assert "r" in words(Decision(Action.BLOCK, "r"))


@dataclass
class Recordings:
    """Rules that want sessions recorded whose user is ``user``, and what is said of it."""

    decision: Decision
    user: str = ""
    events: list[Event] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def judging(self) -> Judging:
        def capture(command: Command, facts: Facts) -> Decision | None:
            self.asked.append(facts.user)
            return self.decision if facts.user == self.user or not self.user else None

        dialect = Pop3(Policy(guard=True, starttls=False, login=True), Limits())
        judge = Judge(captures=frozenset({"DELE", "PASS", "AUTH"}), capture=capture)
        return Judging(judge, Facts("pop3"), dialect, self.events.append)


CAPTURE = Decision(Action.CAPTURE, "r")


def test_a_session_is_wanted_once() -> None:
    recordings = Recordings(CAPTURE)
    judging = recordings.judging()
    for _ in range(3):
        judging.capture(slot("DELE").command)
    assert recordings.events == [CaptureWanted("r")]
    assert len(recordings.asked) == 1


def test_verbs_without_such_rules_are_not_asked_about() -> None:
    recordings = Recordings(CAPTURE)
    recordings.judging().capture(slot("RETR").command)
    assert recordings.asked == []


def test_it_is_asked_again_until_a_rule_matches() -> None:
    recordings = Recordings(CAPTURE, "ann")
    judging = recordings.judging()
    judging.capture(slot("DELE").command)
    judging._dialect.user = "ann"
    judging.capture(slot("DELE").command)
    assert recordings.asked == ["", "ann"]
    assert recordings.events == [CaptureWanted("r")]


def test_a_rule_that_is_tried_out_is_told_once_and_does_not_stop_others() -> None:
    recordings = Recordings(Decision(Action.CAPTURE, "tried", enforced=False))
    judging = recordings.judging()
    for _ in range(3):
        judging.capture(slot("DELE").command)
    recordings.decision = CAPTURE
    judging.capture(slot("DELE").command)
    assert recordings.events == [WouldHave("DELE", "tried", "capture"), CaptureWanted("r")]


@pytest.mark.parametrize("args", [b"PLAIN", b"PLAIN AGFubgBzZWNyZXQ="])
def test_who_has_logged_in_is_known_behind_the_login(args: bytes) -> None:
    """The name may have come in a response of SASL, which is forgotten by then."""
    recordings = Recordings(CAPTURE, "ann")
    judging = recordings.judging()
    judging._dialect.user, judging._dialect.mechanism = "ann", "PLAIN"
    judging.capture(slot("AUTH", args).command, logged_in=True)
    assert recordings.events == [CaptureWanted("r")]

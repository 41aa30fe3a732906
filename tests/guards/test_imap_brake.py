"""The brake in front of IMAP's commands: what it counts, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproxy.events import Anomaly, BrakeHeld, Event, WouldHave
from mailproxy.guards.asking import Offers
from mailproxy.guards.brake import Brake
from mailproxy.guards.imap_brake import ImapBrake
from mailproxy.guards.memory import Memory
from mailproxy.guards.selected import Selected
from mailproxy.guards.trash_mailbox import TrashMailbox
from mailproxy.proto.tokens import BadArguments
from mailproxy.session.guard import Forward, Situation
from mailproxy.session.verdict import Action, Decision, Facts, Judge, Settings
from tests.guards.driving import TRASH, Script, command, session
from tests.guards.remembering import NOW, RememberedArchive, RememberedBrakes, RememberedMail

LIMIT = Decision(Action.BRAKE, "brake", settings=Settings(limit=3))
PERCENT = Decision(Action.BRAKE, "brake", settings=Settings(percent=50))
OBSERVED = replace(LIMIT, enforced=False)
CAPABILITY = ("CAPABILITY", "* CAPABILITY IMAP4rev1 MOVE ESEARCH|OK")
LIST = ('LIST "" "*"', r'* LIST (\Trash) "/" Trash|OK')


def memory(brakes: RememberedBrakes) -> Memory:
    return Memory(RememberedMail(), brakes, RememberedArchive())


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a EXPUNGE", "UID SEARCH DELETED"),
        ("a CLOSE", "UID SEARCH DELETED"),
        ("a UID EXPUNGE 4:9", "UID SEARCH UID 4:9 DELETED"),
        ("a MOVE 4:9 Trash", "SEARCH 4:9"),
        ("a UID MOVE 4:9 Archive", "UID SEARCH UID 4:9"),
    ],
)
@pytest.mark.parametrize(("found", "held"), [("1 2 3", False), ("1 2 3 4", True)])
def test_what_a_command_removes_is_counted(text: str, asked: str, found: str, held: bool) -> None:
    others = [] if text.startswith("a MOVE") else [CAPABILITY, LIST]
    script = Script((asked, f"* SEARCH {found}|OK"), *others)
    aiko = session(brake=LIMIT)
    driven = aiko.must(text, script, None)
    assert script.over()
    if held:
        assert driven.answer.startswith(b"a NO [LIMIT] Not removed: Deletions are held")
        assert aiko.events == [BrakeHeld("aiko", "brake", "4 messages within 1 hour, where 3 are allowed")]
    else:
        assert driven.outcome == Forward()
        assert aiko.memory.brakes.recent("main", "aiko", 0.0) == 3


def test_deletions_add_up_and_then_none_is_made() -> None:
    aiko = session(brake=LIMIT)
    first = Script(("UID SEARCH UID 1:2 DELETED", "* SEARCH 1 2|OK"), CAPABILITY, LIST)
    assert aiko.must("a UID EXPUNGE 1:2", first, None).outcome == Forward()
    second = Script(("UID SEARCH UID 3:4 DELETED", "* SEARCH 3 4|OK"))
    assert aiko.must("b UID EXPUNGE 3:4", second, None).answer.startswith(b"b NO [LIMIT] ")
    third = Script(("UID SEARCH UID 9 DELETED", "* SEARCH 9|OK"))
    assert aiko.must("c UID EXPUNGE 9", third, None).answer.startswith(b"c NO [LIMIT] ")
    nothing = Script(("UID SEARCH DELETED", "* SEARCH|OK"))
    assert aiko.must("d CLOSE", nothing, None).outcome == Forward()


@pytest.mark.parametrize(
    ("text", "asked", "of_all"),
    [
        ("a EXPUNGE", "UID SEARCH DELETED", "UID SEARCH RETURN (COUNT) ALL"),
        ("a UID MOVE 4:9 Trash", "UID SEARCH UID 4:9", "UID SEARCH RETURN (COUNT) ALL"),
    ],
)
@pytest.mark.parametrize(("size", "held"), [(24, False), (23, True), (19, False)])
def test_a_part_of_the_mailbox(text: str, asked: str, of_all: str, size: int, held: bool) -> None:
    script = Script(
        (asked, "* SEARCH 1 2 3 4 5 6 7 8 9 10 11 12|OK"),
        CAPABILITY,
        LIST,
        (of_all, f'* ESEARCH (TAG "P4") UID COUNT {size}|OK'),
    )
    driven = session(brake=PERCENT).must(text, script, None)
    assert script.over()
    assert isinstance(driven.outcome, Forward) is not held


@pytest.mark.parametrize(("size", "held"), [(24, False), (23, True)])
def test_in_front_of_move_no_expunge_can_be_told(size: int, held: bool) -> None:
    """Only searches are asked: the numbers of the client's command mean what they meant (RFC 9051 §7.5.1)."""
    everything = " ".join(str(number) for number in range(1, size + 1))
    script = Script(
        ("SEARCH 1:12", "* SEARCH 1 2 3 4 5 6 7 8 9 10 11 12|OK"), ("SEARCH ALL", f"* SEARCH {everything}|OK")
    )
    driven = session("Trash", brake=PERCENT).must("a MOVE 1:12 INBOX", script, None)
    assert script.over()
    assert isinstance(driven.outcome, Forward) is not held


def test_the_trash_may_be_emptied_but_not_by_who_is_held() -> None:
    aiko = session("Trash", brake=LIMIT)
    search = ("UID SEARCH DELETED", "* SEARCH 1 2 3 4 5 6|OK")
    assert aiko.must("a EXPUNGE", Script(search, CAPABILITY, LIST), None).outcome == Forward()
    assert aiko.memory.brakes.recent("main", "aiko", 0.0) == 0
    aiko.memory.brakes.hold("main", "aiko", "brake", "", 0.0)
    assert aiko.must("b EXPUNGE", Script(search), None).answer.startswith(b"b NO [LIMIT] ")


def test_a_rule_that_is_only_observed() -> None:
    aiko = session(brake=Decision(Action.BRAKE, "brake", enforced=False, settings=Settings(limit=1)))
    script = Script(("UID SEARCH DELETED", "* SEARCH 1 2|OK"), CAPABILITY, LIST)
    assert aiko.must("a EXPUNGE", script, None).outcome == Forward()
    assert aiko.events == [WouldHave("EXPUNGE", "brake", "brake")]


def test_what_is_held_does_not_go_to_the_trash_either() -> None:
    script = Script(("UID SEARCH DELETED", "* SEARCH 1 2 3 4|OK"), CAPABILITY, LIST)
    assert session(brake=LIMIT).must("a EXPUNGE", script, TRASH).answer.startswith(b"a NO [LIMIT] ")


def test_what_may_go_goes_to_the_trash() -> None:
    search = ("UID SEARCH DELETED", "* SEARCH 1 2|OK")
    script = Script(
        search,
        CAPABILITY,
        LIST,
        search,
        (r"UID STORE 1:2 -FLAGS.SILENT (\Deleted)", "OK"),
        ('UID MOVE 1:2 "Trash"', "OK"),
    )
    assert session(brake=LIMIT).must("a EXPUNGE", script, TRASH).answer == b"a OK EXPUNGE completed\r\n"


@pytest.mark.parametrize("failing", range(4))
def test_what_cannot_be_counted_is_not_removed(failing: int) -> None:
    turns = [
        ("UID SEARCH DELETED", "* SEARCH 1 2|OK"),
        CAPABILITY,
        LIST,
        ("UID SEARCH RETURN (COUNT) ALL", '* ESEARCH (TAG "P4") UID COUNT 40|OK'),
    ]
    turns[failing] = (turns[failing][0], "NO not now")
    driven = session(brake=PERCENT).must("a EXPUNGE", Script(*turns), None)
    assert driven.answer == b"a NO Not removed: not now\r\n"


def test_a_memory_that_fails_removes_nothing() -> None:
    aiko = session(brake=LIMIT, kept=memory(RememberedBrakes(broken=True)))
    script = Script(("UID SEARCH DELETED", "* SEARCH 1|OK"), CAPABILITY, LIST)
    assert aiko.must("a EXPUNGE", script, None).answer.startswith(b"a NO [UNAVAILABLE] Not removed")


def test_a_memory_that_fails_under_a_rule_that_is_only_observed() -> None:
    aiko = session(brake=OBSERVED, kept=memory(RememberedBrakes(broken=True)))
    script = Script(("UID SEARCH DELETED", "* SEARCH 1|OK"), CAPABILITY, LIST)
    assert aiko.must("a EXPUNGE", script, None).outcome == Forward()
    assert aiko.events == [Anomaly("deletions_not_counted", "proxy", "the disk is full")]


@pytest.mark.parametrize("failing", range(4))
def test_an_observed_rule_refuses_nothing_that_cannot_be_counted(failing: int) -> None:
    turns = [
        ("UID SEARCH DELETED", "* SEARCH 1 2|OK"),
        CAPABILITY,
        LIST,
        ("UID SEARCH RETURN (COUNT) ALL", '* ESEARCH (TAG "P4") UID COUNT 40|OK'),
    ]
    turns[failing] = (turns[failing][0], "NO not now")
    aiko = session(brake=replace(PERCENT, enforced=False))
    assert aiko.must("a EXPUNGE", Script(*turns), None).outcome == Forward()
    assert aiko.events == [Anomaly("deletions_not_counted", "server", "not now")]


@pytest.mark.parametrize("enforced", [True, False])
def test_only_an_observed_rule_leaves_a_bad_command_to_the_server(enforced: bool) -> None:
    events: list[Event] = []
    situation = Situation(Facts("imap", user="aiko"), Judge(), events.append)
    offers = Offers(frozenset)
    brake = ImapBrake(Brake(RememberedBrakes(), lambda: NOW), situation, offers, TrashMailbox(offers))
    passing = brake.passed(
        command("a UID EXPUNGE x"), Selected(b"INBOX", False), replace(LIMIT, enforced=enforced)
    )
    with pytest.raises(BadArguments if enforced else StopIteration):
        next(passing)
    assert [event.name for event in events] == ([] if enforced else ["deletions_not_counted"])


def test_a_rule_that_could_not_be_evaluated_refuses() -> None:
    broken = Decision(Action.BLOCK, "brake", why="rule brake could not be evaluated")
    script = Script(("UID SEARCH DELETED", "* SEARCH 1|OK"), CAPABILITY, LIST)
    assert b"could not be evaluated" in session(brake=broken).must("a EXPUNGE", script, None).answer

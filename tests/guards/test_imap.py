"""The guard of an IMAP session: which commands it cares about, and whom it leaves them to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproxy.session.guard import Forward
from mailproxy.session.verdict import Action, Decision
from tests.guards.driving import ALONE, TRASH, Script, session

ARCHIVE = Decision(Action.ARCHIVE, "archive")
BRAKE = Decision(Action.BRAKE, "brake")


def test_what_it_wants_to_see() -> None:
    guard = session().guard
    assert guard.alone == ALONE
    assert guard.verbs == ALONE | {"SELECT", "EXAMINE"}
    assert guard.opened() is None


@pytest.mark.parametrize(
    "decision",
    [None, Decision(Action.ALLOW, "allow"), replace(TRASH, lifted=True), replace(ARCHIVE, lifted=True)],
)
def test_what_no_rule_is_about_goes_upstream(decision: Decision | None) -> None:
    assert session().treat("a EXPUNGE", Script(), decision) is None
    assert session().treat("a SELECT INBOX", Script(), None) is None


def test_a_brake_that_is_lifted() -> None:
    assert session(brake=replace(BRAKE, lifted=True)).treat("a EXPUNGE", Script(), None) is None


@pytest.mark.parametrize("text", ["a EXPUNGE", "a UID EXPUNGE 1", "a CLOSE", "a UID REPLACE 1 Drafts {3}"])
def test_a_mailbox_that_is_read_only_is_left_to_the_server(text: str) -> None:
    assert session(verb="EXAMINE").must(text, Script()).outcome == Forward()


@pytest.mark.parametrize("decision", [TRASH, ARCHIVE])
def test_without_a_mailbox_nothing_goes_upstream(decision: Decision) -> None:
    assert session("").must("a EXPUNGE", Script(), decision).answer == b"a BAD No mailbox is selected\r\n"


def test_the_mailbox_is_the_one_that_was_selected_last() -> None:
    aiko = session("Trash", verb="EXAMINE")
    aiko.select("b SELECT Plans")
    search = ("UID SEARCH DELETED", "* SEARCH|OK")
    assert aiko.must("c EXPUNGE", Script(search)).answer.startswith(b"c OK ")
    aiko.select("d SELECT Gone", "NO")
    assert aiko.must("e EXPUNGE", Script()).answer.startswith(b"e BAD ")


@pytest.mark.parametrize("text", ["a UID EXPUNGE", "a UID EXPUNGE x"])
def test_a_command_that_cannot_be_read(text: str) -> None:
    assert session().must(text, Script()).answer.startswith(b"a BAD ")


@pytest.mark.parametrize("action", [Action.KEEP, Action.DELAY])
def test_an_action_that_is_not_for_imap_removes_nothing(action: Action) -> None:
    driven = session().must("a EXPUNGE", Script(), Decision(action, "keep"))
    assert driven.answer.startswith(b"a NO [CANNOT] Not removed: ")


def test_archive_is_not_for_replace() -> None:
    driven = session().must("a UID REPLACE 1 Drafts {3}", Script(), ARCHIVE)
    assert driven.answer.startswith(b"a NO [CANNOT] ")


def test_what_is_to_be_archived_goes_there() -> None:
    script = Script(("CAPABILITY", "* CAPABILITY IMAP4rev1|OK"))
    driven = session().must("a EXPUNGE", script, ARCHIVE)
    assert b"no UIDPLUS" in driven.answer

"""The guard of an IMAP session: which commands it cares about, and whom it leaves them to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproxy.session.guard import Local
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


@pytest.mark.parametrize("text", ["a EXPUNGE", "a UID EXPUNGE 1", "a UID REPLACE 1 Drafts {3}"])
@pytest.mark.parametrize("decision", [TRASH, ARCHIVE, None])
def test_from_a_mailbox_that_is_read_only_nothing_is_removed(text: str, decision: Decision | None) -> None:
    """Not even by a server that opens it for writing though EXAMINE was said."""
    examined = session(verb="EXAMINE", brake=None if decision else BRAKE)
    driven = examined.must(text, Script(), decision)
    assert driven.answer == b"a NO [READ-ONLY] Not removed: the mailbox is opened read-only\r\n"
    assert isinstance(driven.outcome, Local)
    assert driven.outcome.by is None


@pytest.mark.parametrize("decision", [TRASH, ARCHIVE])
def test_a_mailbox_that_is_read_only_is_left(decision: Decision) -> None:
    able = Script(("CAPABILITY", "* CAPABILITY IMAP4rev1 UNSELECT|OK"))
    assert session(verb="EXAMINE").must("a CLOSE", able, decision).forwarded == b"a UNSELECT\r\n"
    unable = Script(
        ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK"), ('EXAMINE "INBOX"', "OK [READ-WRITE] as you like")
    )
    assert session(verb="EXAMINE").must("a CLOSE", unable, decision).answer.startswith(b"a NO ")


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


@pytest.mark.parametrize(
    "text", ["a UID EXPUNGE", "a UID EXPUNGE x", "a EXPUNGE 5", "a CLOSE x", "a UID EXPUNGE 1 2"]
)
@pytest.mark.parametrize("decision", [TRASH, ARCHIVE, None])
def test_a_command_that_cannot_be_read(text: str, decision: Decision | None) -> None:
    driven = session(brake=None if decision else BRAKE).must(text, Script(), decision)
    assert driven.answer.startswith(b"a BAD ")


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

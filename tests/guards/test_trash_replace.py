r"""REPLACE: what is replaced is copied to the trash first."""

from __future__ import annotations

import pytest

from mailproxy.session.guard import Forward
from mailproxy.session.verdict import Action, Decision, Settings
from tests.guards.driving import Script, session
from tests.guards.imap_server import DELETED, ImapServer

REPLACE = ["a REPLACE 2 Drafts {310}", "a UID REPLACE 5 Drafts (\\Seen) {310}"]


def messages() -> dict[int, set[str]]:
    return {4: set(), 5: {DELETED}, 6: set()}


@pytest.mark.parametrize("text", REPLACE)
def test_the_message_is_copied_and_the_command_goes_on(text: str) -> None:
    server = ImapServer(messages())
    driven = session().must(text, server)
    assert driven.outcome == Forward()
    assert server.boxes["Trash"] == [(5, set())]
    assert server.here == messages()


def test_the_dialogue_by_number() -> None:
    script = Script(
        ("FETCH 2 (UID)", r"* 2 FETCH (FLAGS (\Seen))|* 2 FETCH (UID 5)|OK"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 REPLACE|OK"),
        ('LIST "" "*"', '* LIST () "/" Trash|OK'),
        ("UID SEARCH UID 5 DELETED", "* SEARCH|OK"),
        ('UID COPY 5 "Trash"', "* 3 EXPUNGE|OK"),
        ("FETCH 2 (UID)", "* 2 FETCH (UID 5)|OK"),
    )
    driven = session().must(REPLACE[0], script)
    assert driven.outcome == Forward()
    assert driven.passed == [b"* 2 FETCH (FLAGS (\\Seen))\r\n", b"* 3 EXPUNGE\r\n"]


def test_a_number_that_means_another_message_meanwhile() -> None:
    script = Script(
        ("FETCH 2 (UID)", "* 2 FETCH (UID 5)|OK"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 REPLACE|OK"),
        ('LIST "" "*"', '* LIST () "/" Trash|OK'),
        ("UID SEARCH UID 5 DELETED", "* SEARCH|OK"),
        ('UID COPY 5 "Trash"', "* 1 EXPUNGE|OK"),
        ("FETCH 2 (UID)", "* 2 FETCH (UID 6)|OK"),
    )
    assert session().must(REPLACE[0], script).answer.startswith(b"a NO [EXPUNGEISSUED] Not removed")


@pytest.mark.parametrize("step", range(9))
@pytest.mark.parametrize("text", REPLACE)
def test_it_does_not_go_on_without_a_copy(text: str, step: int) -> None:
    server = ImapServer(messages(), fails=frozenset({step}))
    driven = session().must(text, server)
    if isinstance(driven.outcome, Forward):
        assert server.trashed == {5}
    else:
        assert driven.answer.startswith(b"a NO ")
        assert len(driven.asked) > step
    if "+FLAGS" not in "".join(server.heard[step : step + 1]):  # what fails is to mark it again
        assert server.here == messages()


def test_a_number_that_means_another_message_in_the_trash() -> None:
    script = Script(
        ("FETCH 2 (UID)", "* 2 FETCH (UID 5)|OK"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 REPLACE|OK"),
        ('LIST "" "*"', '* 1 EXPUNGE|* LIST () "/" Trash|OK'),
        ("FETCH 2 (UID)", "BAD there is none"),
    )
    assert session("Trash").must(REPLACE[0], script).answer.startswith(b"a NO ")


@pytest.mark.parametrize("text", REPLACE)
def test_in_the_trash_nothing_is_copied(text: str) -> None:
    server = ImapServer(messages())
    assert session("Trash").must(text, server).outcome == Forward()
    assert server.trashed == set()


@pytest.mark.parametrize("text", REPLACE)
def test_in_a_trash_that_may_not_be_emptied_nothing_is_replaced(text: str) -> None:
    server, stays = ImapServer(messages()), Decision(Action.TRASH, "stays", settings=Settings(empty=False))
    assert session("Trash").must(text, server, stays).answer.startswith(b"a NO [NOPERM] ")
    assert session().must(text, server, stays).outcome == Forward()
    assert server.trashed == {5}


def test_the_last_message_has_no_number_to_rely_on() -> None:
    assert session().must("a UID REPLACE * Drafts {310}", Script()).answer.startswith(b"a NO [CANNOT] ")


def test_a_trash_is_made_where_there_is_none() -> None:
    server = ImapServer(messages(), boxes=["INBOX"])
    assert session().must(REPLACE[1], server).outcome == Forward()
    assert server.trashed == {5}

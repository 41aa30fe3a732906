"""Leaving a mailbox without expunging it."""

from __future__ import annotations

import pytest

from mailproxy.guards.asking import Offers, Unfulfilled
from mailproxy.guards.leaving import leave
from mailproxy.guards.selected import Selected
from mailproxy.session.guard import Forward
from tests.guards.driving import Driven, Script, command, run


def left(mailbox: bytes, *turns: tuple[str, str]) -> Driven:
    script = Script(*turns)
    driven = run(leave(command("a CLOSE"), Selected(mailbox, False), Offers(frozenset)), script)
    assert script.over()
    return driven


@pytest.mark.parametrize("offer", ["UNSELECT", "IMAP4rev2"])
def test_with_unselect(offer: str) -> None:
    driven = left(b"INBOX", ("CAPABILITY", f"* CAPABILITY IMAP4rev1 {offer}|OK"))
    assert driven.forwarded == b"a UNSELECT\r\n"
    assert isinstance(driven.outcome, Forward)
    assert driven.outcome.command is not None
    assert driven.outcome.command.verb == "UNSELECT"


def test_without_it_the_mailbox_is_made_read_only_before() -> None:
    driven = left(
        b'a "b"',
        ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK"),
        (r'EXAMINE "a \"b\""', "* 4 EXISTS|OK [READ-ONLY] done"),
    )
    assert driven.outcome == Forward()


@pytest.mark.parametrize("answer", ["NO gone", "BAD what", "OK [READ-WRITE] done"])
def test_close_does_not_go_upstream_otherwise(answer: str) -> None:
    with pytest.raises(Unfulfilled):
        left(b"INBOX", ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK"), ('EXAMINE "INBOX"', answer))


def test_a_name_that_cannot_be_said() -> None:
    with pytest.raises(Unfulfilled, match="cannot be quoted"):
        left(b"a\r\nb", ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK"))

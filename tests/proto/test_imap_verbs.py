"""The table of IMAP. The sets stand here a second time, so that no change of them goes unnoticed."""

from __future__ import annotations

from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import Phase, Shape
from tests.proto.verb_tables import check, named


def test_rows_are_consistent() -> None:
    check(VERBS)


def test_what_removes_mail_or_lets_others_do_it() -> None:
    assert named(VERBS, lambda verb: verb.removes) == {
        *("DELETE", "RENAME", "CLOSE", "EXPUNGE", "UID EXPUNGE", "STORE", "UID STORE"),
        *("MOVE", "UID MOVE", "REPLACE", "UID REPLACE", "SETACL", "DELETEACL"),
    }


def test_what_carries_a_secret() -> None:
    secret = named(VERBS, lambda verb: verb.secret)
    assert secret == {"AUTHENTICATE", "LOGIN", "GENURLAUTH", "URLFETCH"}


def test_behind_what_the_client_waits() -> None:
    assert named(VERBS, lambda verb: verb.hold) == {
        *("LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN", "ENABLE"),
        *("SELECT", "EXAMINE", "CLOSE", "UNSELECT", "IDLE"),
    }


def test_what_waits_for_all_before_it() -> None:
    assert named(VERBS, lambda verb: verb.alone) == {"STARTTLS"}


def test_what_is_never_forwarded() -> None:
    refused = named(VERBS, lambda verb: verb.refused)
    assert refused == {"COMPRESS", "UNAUTHENTICATE", "GETJMAPACCESS", "CONVERT", "UID CONVERT"}


def test_every_reply_is_tagged() -> None:
    assert {verb.shape for verb in VERBS.values()} == {Shape.TAGGED}


def test_what_may_come_before_the_login() -> None:
    before = named(VERBS, lambda verb: Phase.AUTHORIZATION in verb.phases)
    assert before == {
        *("CAPABILITY", "NOOP", "LOGOUT", "ID", "LANGUAGE", "STARTTLS", "AUTHENTICATE", "LOGIN"),
    }


def test_uid_variants_are_like_the_verbs_themselves() -> None:
    for name in named(VERBS, lambda verb: verb.name.startswith("UID ")) - {"UID EXPUNGE"}:
        plain, uid = VERBS[name.removeprefix("UID ")], VERBS[name]
        assert (uid.phases, uid.removes, uid.refused) == (plain.phases, plain.removes, plain.refused), name
        assert uid.fields == plain.fields, name
    assert VERBS["UID EXPUNGE"].fields == ("mailbox", "set"), "EXPUNGE itself has no set"


def test_what_works_on_messages_needs_a_mailbox() -> None:
    selected = named(VERBS, lambda verb: verb.phases == {Phase.SELECTED})
    assert named(VERBS, lambda verb: "set" in verb.fields) <= selected
    assert {"CLOSE", "UNSELECT", "EXPUNGE", "SEARCH"} <= selected

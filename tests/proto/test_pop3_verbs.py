"""The table of POP3. The sets stand here a second time, so that no change of them goes unnoticed."""

from __future__ import annotations

from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Phase, Shape
from tests.proto.verb_tables import check, named


def test_rows_are_consistent() -> None:
    check(VERBS)


def test_what_removes_mail() -> None:
    assert named(VERBS, lambda verb: verb.removes) == {"DELE", "QUIT"}


def test_what_carries_a_secret_is_what_logs_in() -> None:
    assert named(VERBS, lambda verb: verb.secret) == {"PASS", "APOP", "AUTH"}


def test_behind_what_the_client_waits() -> None:
    assert named(VERBS, lambda verb: verb.hold) == {"PASS", "APOP", "AUTH", "STLS", "UTF8", "QUIT"}


def test_what_waits_for_all_before_it() -> None:
    assert named(VERBS, lambda verb: verb.alone) == {"PASS", "STLS"}


def test_what_is_never_forwarded() -> None:
    assert named(VERBS, lambda verb: verb.refused) == {"XTND"}


def test_what_is_answered_with_a_body() -> None:
    bodies = named(VERBS, lambda verb: verb.shape is Shape.BODY)
    assert bodies == {"CAPA", "LANG", "LIST", "UIDL", "RETR", "TOP"}
    assert named(VERBS, lambda verb: verb.shape is Shape.SASL) == {"AUTH"}


def test_what_may_come_before_the_login() -> None:
    before = named(VERBS, lambda verb: Phase.AUTHORIZATION in verb.phases)
    assert before == {"USER", "PASS", "APOP", "AUTH", "STLS", "CAPA", "UTF8", "LANG", "QUIT"}
    both = named(VERBS, lambda verb: verb.phases == {Phase.AUTHORIZATION, Phase.TRANSACTION})
    assert both == {"CAPA", "LANG", "QUIT"}


def test_what_names_a_message() -> None:
    assert named(VERBS, lambda verb: verb.fields == ("set",)) == {"LIST", "UIDL", "RETR", "TOP", "DELE"}
    assert named(VERBS, lambda verb: verb.fields) == {"LIST", "UIDL", "RETR", "TOP", "DELE"}

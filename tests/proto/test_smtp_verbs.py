"""The table of SMTP. The sets stand here a second time, so that no change of them goes unnoticed."""

from __future__ import annotations

from mailproxy.proto.smtp_verbs import VERBS
from mailproxy.proto.tokens import Phase, Shape
from tests.proto.verb_tables import check, named


def test_rows_are_consistent() -> None:
    check(VERBS)


def test_nothing_removes_mail() -> None:
    assert named(VERBS, lambda verb: verb.removes) == set()


def test_what_carries_a_secret_is_what_logs_in() -> None:
    assert named(VERBS, lambda verb: verb.secret) == {"AUTH"}


def test_behind_what_the_client_waits() -> None:
    assert named(VERBS, lambda verb: verb.hold) == {"EHLO", "HELO", "STARTTLS", "AUTH", "DATA", "QUIT"}


def test_what_waits_for_all_before_it() -> None:
    assert named(VERBS, lambda verb: verb.alone) == {"STARTTLS", "MAIL"}


def test_what_is_never_forwarded() -> None:
    refused = named(VERBS, lambda verb: verb.refused)
    assert refused == {"TURN", "ATRN", "ETRN", "XCLIENT", "XFORWARD", "BURL"}


def test_shapes() -> None:
    assert named(VERBS, lambda verb: verb.shape is Shape.SASL) == {"AUTH"}
    assert named(VERBS, lambda verb: verb.shape is not Shape.CODES) == {"AUTH"}


def test_what_belongs_to_a_mail_transaction() -> None:
    assert named(VERBS, lambda verb: verb.phases == {Phase.MAIL}) == {"RCPT", "DATA", "BDAT", "BURL"}
    assert VERBS["MAIL"].phases == {Phase.TRANSACTION}
    assert VERBS["AUTH"].phases == {Phase.TRANSACTION}, "RFC 4954 §4: never inside one"


def test_fields() -> None:
    assert {name: verb.fields for name, verb in VERBS.items() if verb.fields} == {
        "MAIL": ("sender", "domain", "size"),
        "RCPT": ("sender", "recipient", "domain", "recipients"),
        "DATA": ("sender", "recipients"),
        "BDAT": ("sender", "recipients", "size"),
        "VRFY": ("recipient", "domain"),
    }

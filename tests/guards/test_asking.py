"""Steps of a dialogue, and answers to the client."""

from __future__ import annotations

import pytest

from mailproxy.guards.asking import Asking, Offers, Unfulfilled, ask, completed, misplaced, refused
from mailproxy.session.guard import Answer, Local
from tests.guards.driving import Script, command, run


def given(asking: Asking[object], *turns: tuple[str, str]) -> object:
    """What this part of a dialogue finds out."""
    found: list[object] = []

    def dialogue() -> Asking[Local]:
        found.append((yield from asking))
        return Local(b"")

    script = Script(*turns)
    run(dialogue(), script)
    assert script.over()
    return found[0]


def test_ask_gives_the_answer() -> None:
    answer = given(
        ask(b"NOOP", lambda line: b"EXISTS" in line), ("NOOP", "* 1 EXISTS|* 1 RECENT|OK [X] done")
    )
    assert answer == Answer("OK", b"OK [X] done\r\n", b"* 1 EXISTS\r\n")


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        ("NO [OVERQUOTA] full", b"OVERQUOTA", b"full"),
        ("NO [TRYCREATE] none", b"", b"none"),
        ("BAD what", b"", b"what"),
        ("NO", b"", b"the server gives no reason"),
    ],
)
def test_a_server_that_does_not_agree(status: str, code: bytes, text: bytes) -> None:
    with pytest.raises(Unfulfilled) as failure:
        given(ask(b"NOOP"), ("NOOP", status))
    assert (failure.value.code, failure.value.text) == (code, text)


def test_the_server_is_asked_once_what_it_offers() -> None:
    offers = Offers(lambda: frozenset({"IDLE"}))
    first = given(offers.known(), ("CAPABILITY", "* CAPABILITY IMAP4rev1 move|OK"))
    assert first == {"IDLE", "IMAP4REV1", "MOVE"}
    assert given(offers.known()) == first


def test_it_is_asked_again_when_it_did_not_tell() -> None:
    offers = Offers(frozenset)
    with pytest.raises(Unfulfilled):
        given(offers.known(), ("CAPABILITY", "NO not now"))
    assert given(offers.known(), ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK")) == {"IMAP4REV1"}


def test_answers_to_the_client() -> None:
    expunge = command("a1 EXPUNGE")
    assert completed(expunge, b"done").answer == b"a1 OK done\r\n"
    assert completed(expunge, b"done", b"HIGHESTMODSEQ 4").answer == b"a1 OK [HIGHESTMODSEQ 4] done\r\n"
    assert refused(expunge, b"why", b"LIMIT").answer == b"a1 NO [LIMIT] why\r\n"
    assert misplaced(expunge, b"why").answer == b"a1 BAD why\r\n"

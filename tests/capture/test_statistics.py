"""Conversations summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from mailproxy.capture.conversations import Item
from mailproxy.capture.model import CaptureError
from mailproxy.capture.statistics import OTHERS, Statistics, Totals, add
from tests.capture.talks import Cut, Talk, byte_by_byte, items, overlapping, whole

SESSION = """
S: +OK ready
C: USER aiko
S: +OK
C: PASS geheim
S: +OK
C: RETR 1
S: +OK
S: Subject: x
S: .
C: RETR 2
S: -ERR no
C: XSECRET word
S: -ERR what
C: QUIT
"""


def totals(*some: list[Item]) -> Totals:
    statistics = Statistics()
    for each in some:
        statistics.take(each)
    return statistics.totals


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_verbs(cut: Cut) -> None:
    found = totals(items(Talk("pop3", SESSION), cut=cut), items(Talk("pop3", SESSION), cut=cut))
    assert set(found.verbs) == {("pop3", verb) for verb in ("USER", "PASS", "RETR", "QUIT", "(unknown)")}
    retr = found.verbs["pop3", "RETR"]
    assert (retr.count, retr.statuses, retr.unanswered) == (4, {"OK": 2, "ERR": 2}, 0)
    assert retr.octets == [4 * 8, 2 * (5 + 12 + 3 + 9)]
    assert (retr.wait.count, retr.wait.longest) == (4, pytest.approx(0.1, abs=1e-3))
    quitting = found.verbs["pop3", "QUIT"]
    assert (quitting.count, quitting.unanswered, quitting.wait.count) == (2, 2, 0)
    assert (found.sessions, found.messages, found.logins) == ({"pop3": 2}, {"pop3": 2}, {"aiko": 2})


def test_the_wait_ends_with_the_first_of_an_answer() -> None:
    said = """
        S: * OK
        C: a LOGIN x y
        S: a OK
        C: b FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS ())
        S: * 2 FETCH (FLAGS ())
        S: b OK
    """
    fetch = totals(items(Talk("imap", said))).verbs["imap", "FETCH"]
    assert (fetch.wait.count, fetch.wait.longest) == (1, pytest.approx(0.1, abs=1e-3))
    assert fetch.statuses == {"OK": 1}


def test_smtp_counts_final_replies() -> None:
    said = """
        S: 220 x
        C: EHLO y
        S: 250 x
        C: MAIL FROM:<a@b.example>
        S: 250 ok
        C: RCPT TO:<c@d.example>
        S: 250 ok
        C: DATA
        S: 354 go
        C: x
        C: .
        S: 451 later
    """
    data = totals(items(Talk("smtp", said))).verbs["smtp", "DATA"]
    assert (data.statuses, data.octets) == ({"451": 1}, [6 + 3 + 3, 8 + 11])


def test_both_legs_count_once_but_both_servers_are_told() -> None:
    client = Talk("pop3", SESSION, session="s1", leg="client", server=("192.0.2.9", 110))
    server = Talk("pop3", SESSION, session="s1", leg="server", number=2)
    found = totals(overlapping(client, server))
    assert (found.sessions, found.verbs["pop3", "RETR"].count) == ({"pop3": 1}, 2)
    assert set(found.servers) == {("pop3", "192.0.2.9:110"), ("pop3", "198.51.100.9:110")}
    assert totals(items(server)).verbs["pop3", "RETR"].count == 2


def test_what_the_proxy_said() -> None:
    said = """
        S: +OK
        C: USER aiko
        S: +OK
        C: PASS x
        S: +OK
        ! login {"user": "aiko"}
        ! login_failed {"user": "eve"}
        ! verdict {"verdict": "keep"}
        ! verdict {"verdict": "forward"}
    """
    found = totals(items(Talk("pop3", said, session="s1", leg="client")))
    assert (found.logins, found.refused, found.verdicts) == ({"aiko": 1}, {"eve": 1}, {"keep": 1})


def test_what_is_not_there_and_what_cannot_be_read() -> None:
    found = totals(
        items(Talk("pop3", "S: +OK\ngap S 70\nS: what")),
        items(Talk("pop3", "S: +OK\nC: STLS\nS: +OK\nC: \\x16\\x03")),
    )
    assert (found.missing, found.unread, found.sealed) == (70, 6, 4)


def test_a_file_that_breaks_off_is_counted_up_to_there() -> None:
    def broken() -> Iterator[Item]:
        yield from items(Talk("pop3", SESSION))[:-1]
        raise CaptureError("damaged")

    statistics = Statistics()
    with pytest.raises(CaptureError):
        statistics.take(broken())
    statistics.take(items(Talk("pop3", SESSION)))
    assert statistics.totals.messages == {"pop3": 2}
    assert statistics.totals.verbs["pop3", "QUIT"].unanswered == 2


def test_names_are_bounded() -> None:
    counter: Counter[str] = Counter()
    for number in range(5000):
        add(counter, f"user{number}")
    add(counter, "user7")
    assert len(counter) == 1001
    assert (counter["user7"], counter[OTHERS]) == (2, 4000)

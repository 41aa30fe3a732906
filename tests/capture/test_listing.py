"""Sessions as rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailproxy.capture.conversations import Item
from mailproxy.capture.listing import Listing, Row
from mailproxy.capture.model import CaptureError
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
    C: QUIT
    S: +OK bye
"""
CLIENT = Talk("pop3", SESSION, session="s1", leg="client", number=1)
SERVER = Talk("pop3", SESSION, session="s1", leg="server", number=2)


def rows(*talks: Talk, legs: bool = False) -> list[Row]:
    return list(Listing(legs=legs).rows(items(*talks)))


def only(protocol: str, said: str, session: str = "") -> Row:
    [row] = rows(Talk(protocol, said, session=session, leg="client" if session else ""))
    return row


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_what_is_counted(cut: Cut) -> None:
    [row] = Listing().rows(items(Talk("pop3", SESSION), cut=cut))
    assert (row.user, row.commands, row.messages, row.left, row.how) == ("aiko", 4, 1, True, "fin")
    assert row.octets == [38, 50]
    assert row.seconds == pytest.approx(1.2)
    assert (row.tls, row.gaps, row.missing, row.unread, row.sealed) == ("", 0, 0, 0, 0)


def test_where_the_file_ends_is_no_end_of_a_session() -> None:
    row = only("pop3", "S: +OK ready\nend cut")
    assert (row.how, row.left, row.seconds) == ("cut", False, pytest.approx(0.1))


def test_starttls_and_what_is_behind_it() -> None:
    row = only("imap", "S: * OK\nC: a STARTTLS\nS: a OK\nC: \\x16\\x03\\x01abc\nend rst")
    assert (row.tls, row.sealed, row.how) == ("starttls", 8, "rst")


def test_gaps_and_what_is_behind_them() -> None:
    row = only("pop3", "S: +OK\ngap S 100\nS: what is this")
    assert (row.gaps, row.missing, row.unread) == (1, 100, 14)


def test_what_the_proxy_said() -> None:
    row = only(
        "pop3",
        """
        ! tls {"side": "server", "version": "TLSv1.2"}
        ! tls {"side": "client", "version": "TLSv1.3"}
        S: +OK
        ! login_failed {"user": "eve"}
        ! login {"user": "aiko"}
        ! verdict {"verb": "DELE", "verdict": "keep"}
        ! verdict {"verb": "DELE", "verdict": "keep"}
        ! verdict {"verb": "NOOP", "verdict": "forward"}
        ! verdict {"verb": "NOOP", "verdict": ["no", "text"]}
        """,
        session="s1",
    )
    assert (row.user, row.refused, row.tls) == ("aiko", "eve", "TLSv1.3")
    assert row.verdicts == {"keep": 2}


def test_both_legs_are_one_row() -> None:
    assert [row.conversation.leg for row in Listing().rows(overlapping(CLIENT, SERVER))] == ["client"]
    both = Listing(legs=True).rows(overlapping(CLIENT, SERVER))
    assert sorted(row.conversation.leg for row in both) == ["client", "server"]


def test_a_leg_behind_another_need_not_be_read() -> None:
    listing = Listing()
    client, server = items(CLIENT), items(SERVER)
    assert list(listing.rows(client[:2])) == []
    assert not listing.wants(server[0].conversation)
    assert Listing(legs=True).wants(server[0].conversation)
    [row] = listing.rows(client[2:])
    assert row.conversation.leg == "client"
    assert listing.wants(server[0].conversation)


def test_a_leg_alone_has_its_row() -> None:
    other = Talk("pop3", SESSION, session="s2", leg="client", number=1)
    assert [row.conversation.leg for row in Listing().rows(overlapping(other, SERVER))] == [
        "client",
        "server",
    ]


def test_rows_of_a_file_that_breaks_off() -> None:
    listing = Listing()

    def broken() -> Iterator[Item]:
        yield from items(Talk("pop3", SESSION))
        yield from items(Talk("pop3", "S: +OK\nC: STAT", number=2))[:-1]
        raise CaptureError("damaged")

    found: list[Row] = []
    with pytest.raises(CaptureError):
        found.extend(listing.rows(broken()))
    rest = list(listing.rest())
    assert [(row.conversation.number, row.how) for row in rest] == [(2, "cut")]
    assert list(listing.rest()) == []

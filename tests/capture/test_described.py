"""A conversation as data."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from mailproxy.capture.described import Described, descriptions, moment
from tests.capture.talks import STARTED, STEP, Cut, Talk, byte_by_byte, items, overlapping, whole

TALK = Talk(
    "pop3",
    r"""
    S: +OK ready
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: +OK
    ! login {"user": "aiko", "mechanism": "USER"}
    ! verdict {"verb": "PASS", "verdict": "forward"}
    C: LIST
    S: +OK
    S: 1 7
    S: .
    C: RETR 1
    S: +OK
    S: hello
    S: .
    ! verdict {"verb": "LIST", "verdict": "forward"}
    ! verdict {"verb": "RETR", "verdict": "allow", "rule": "r"}
    C: RETR 2
    S: +OK
    gap S 40
    S: .
    """,
    session="s1",
    leg="client",
)


def described(cut: Cut = whole) -> Described:
    (found,) = descriptions(items(TALK, cut=cut))
    return found


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_exchanges(cut: Cut) -> None:
    found = described(cut)
    assert [(one["number"], one["verb"], one["status"]) for one in found["exchanges"]] == [
        (0, "(greeting)", "OK"),
        (1, "USER", "OK"),
        (2, "PASS", "OK"),
        (3, "LIST", "OK"),
        (4, "RETR", "OK"),
        (5, "RETR", "OK"),
    ]
    verdicts = [one.get("verdict", {}).get("verdict") for one in found["exchanges"]]
    assert verdicts == [None, None, "forward", "forward", "allow", None]
    assert found["gaps"][0]["octets"] == 40
    assert found["user"] == "aiko"


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_lists_are_text_and_messages_are_not(cut: Cut) -> None:
    exchanges = described(cut)["exchanges"]
    listed = "".join(said["text"] for said in exchanges[3]["said"] if said["side"] == "server")
    assert listed == "+OK\r\n1 7\r\n.\r\n"
    body = exchanges[4]["said"][-1]
    assert (body["kind"], body["octets"], body["sha256"]) == (
        "body",
        10,
        sha256(b"hello\r\n.\r\n").hexdigest(),
    )
    assert "hello" not in json.dumps(exchanges)


def test_messages() -> None:
    one, other = described()["messages"]
    assert (one["verb"], one["id"], one["octets"], one["complete"]) == ("RETR", "1", 7, True)
    assert one["sha256"] == sha256(b"hello\r\n").hexdigest()
    assert (other["missing"], other["complete"]) == (40, False)


def test_secrets_are_masked_and_not_even_hashed() -> None:
    text = json.dumps(described())
    assert "hemmelig" not in text
    assert sha256(b"hemmelig\r\n").hexdigest() not in text
    assert "PASS ********" in text


def test_a_message_that_came_with_its_response_is_no_text() -> None:
    talk = Talk(
        "imap", "S: * OK\nC: a FETCH 1 BODY[]\nS: * 1 FETCH (BODY[] {7}\nS: hello\nS: )\nS: a OK done"
    )
    (found,) = descriptions(items(talk))
    assert "hello" not in json.dumps(found["exchanges"])
    assert found["messages"][0]["sha256"] == sha256(b"hello\r\n").hexdigest()


def test_times() -> None:
    found = described()
    assert found["began"] == "2023-11-14T22:13:20.000000+00:00"
    assert found["exchanges"][1]["seconds"] == pytest.approx(STEP)
    assert found["seconds"] == pytest.approx(STEP * 22)
    assert moment(STARTED) == found["began"]
    assert moment(1e300) == "1e+300"


def test_conversations_that_overlap() -> None:
    other = Talk("smtp", "S: 220 x\nC: QUIT\nS: 221 bye", number=2)
    assert sorted(one["protocol"] for one in descriptions(overlapping(TALK, other))) == ["pop3", "smtp"]

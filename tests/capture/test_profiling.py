"""What is learned from a conversation."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mailproxy.capture.profile import Profile, Seen
from mailproxy.capture.profiling import profiles
from tests.capture.talks import STEP, Cut, Talk, byte_by_byte, items, overlapping, whole

POP = Talk(
    "pop3",
    """
    S: +OK ready <1.2@x>
    C: CAPA
    S: +OK
    S: TOP
    S: SASL PLAIN
    S: .
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: -ERR wrong
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: +OK
    C: CAPA
    S: +OK
    S: UIDL
    S: .
    C: LIST
    S: +OK 2 messages
    S: 1 20
    S: 2 30 odd
    S: x
    S: .
    C: UIDL
    S: +OK
    S: 1 aaa
    S: 2 bbb
    S: .
    C: UIDL 3
    S: +OK 3 ccc
    C: LIST 4
    S: -ERR none
    C: RETR 1
    S: +OK
    S: Message-ID: <one@example.jp>
    S:
    S: Message-ID: <no@example.jp>
    S: .
    C: TOP 2 0
    S: +OK
    S: message-id:
    S:  <two@example.jp>
    S: .
    """,
)
SMTP = Talk(
    "smtp",
    """
    S: 220 x ESMTP
    C: EHLO c
    S: 250-x hello
    S: 250-SIZE 100
    S: 250 AUTH PLAIN
    C: AUTH PLAIN AGEAYg==
    S: 235 ok
    C: EHLO c
    S: 250-x hello
    S: 250 SIZE 200
    C: RSET
    S: 250 ok
    C: QUIT
    S: 221 bye
    """,
    number=2,
)


def profile(talk: Talk, cut: Cut = whole) -> Profile:
    (found,) = profiles(items(talk, cut=cut))
    return found


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_pop3(cut: Cut) -> None:
    found = profile(POP, cut)
    assert (found.user, found.sessions, found.greeting) == ("aiko", [1], "+OK ready <1.2@x>")
    assert found.capabilities == {"before login": {"TOP", "SASL PLAIN"}, "after login": {"UIDL"}}
    assert found.octets == {1: 20, 2: 30}
    assert found.uidls == {1: "aaa", 2: "bbb", 3: "ccc"}
    assert found.statuses["PASS"] == {"ERR": 1, "OK": 1}
    assert found.statuses["LIST"] == {"ERR": 1, "OK": 1}
    message = b"Message-ID: <one@example.jp>\r\n\r\nMessage-ID: <no@example.jp>\r\n"
    assert found.seen == [
        Seen(number=1, message_id="<one@example.jp>", digest=sha256(message).hexdigest()),
        Seen(number=2, message_id="<two@example.jp>"),
    ]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_smtp(cut: Cut) -> None:
    found = profile(SMTP, cut)
    assert found.capabilities == {"before login": {"SIZE 100", "AUTH PLAIN"}, "after login": {"SIZE 200"}}
    assert found.statuses["EHLO"] == {"250": 2}
    assert found.replies["AUTH", "235"] == "# ok"


def test_times_to_the_reply() -> None:
    assert profile(SMTP).seconds["RSET"] == pytest.approx([STEP], rel=1e-3)
    assert profile(POP).seconds["LIST"] == pytest.approx([STEP, STEP], rel=1e-3)


def test_the_word_of_the_proxy_on_who_it_was() -> None:
    talk = Talk("pop3", 'S: +OK\n! login {"user": "bo"}\nC: QUIT\nS: +OK', session="s", leg="client")
    assert profile(talk).user == "bo"


def test_conversations_that_overlap() -> None:
    assert {one.protocol: one.sessions for one in profiles(overlapping(POP, SMTP))} == {
        "pop3": [1],
        "smtp": [2],
    }

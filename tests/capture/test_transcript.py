"""A conversation as lines."""

from __future__ import annotations

import pytest

from mailproxy.capture.conversations import Item, Said
from mailproxy.capture.transcript import Transcript, escaped
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

TALK = Talk(
    "pop3",
    r"""
    S: +OK ready
    C: USER aiko
    S: +OK
    C: PASS hemmelig
    S: +OK
    C: RETR 1
    S: +OK
    S: t\x09b\x1b[2J\xc3\xa9\xff\x00\x5c bare\x0d
    S:
    S: .
    C: QUIT\
    end cut
    """,
)
TEXT = r"""S> +OK ready
C> USER aiko
S> +OK
C> PASS ********
S> +OK
C> RETR 1
S> +OK
S> t\tb\x1b[2Jé\xff\0\\ bare\r
S>
S> .
C> QUIT\-
"""


def text(found: list[Item]) -> str:
    transcript = Transcript()
    return "".join(transcript.said(one.part) for one in found if isinstance(one, Said)) + transcript.finish()


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_a_dialogue(cut: Cut) -> None:
    shown = text(items(TALK, cut=cut))
    # a command without its end cannot be read, and may be a password
    assert shown == TEXT.replace("QUIT", "****")


def test_what_is_missing() -> None:
    talk = Talk("pop3", "S: +OK\nC: RETR 1\nS: +OK\nS: one\ngap S 9\nS: two\nS: .")
    shown = text(items(talk))
    assert shown.splitlines()[3:] == [
        "S> one",
        "# 9 octets of the server are not in the capture",
        "S> two",
        "S> .",
    ]


def test_tls() -> None:
    talk = Talk("pop3", r"S: +OK" "\n" r"C: STLS" "\n" r"S: +OK go" "\n" r"C: \x16\x03\x01abc\\"[:-1])
    assert text(items(talk)).splitlines()[3:] == ["! tls", "# 6 octets of the client in TLS"]


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(b"\\x", r"\\x"), ("\u202e\u2028".encode(), r"\xe2\x80\xae\xe2\x80\xa8"), (b"\x7f", r"\x7f")],
)
def test_nothing_commands_the_terminal(octets: bytes, shown: str) -> None:
    assert escaped(octets) == shown

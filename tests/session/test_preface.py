"""Before TLS nothing of the server is believed but what TLS needs, whatever it says."""

from __future__ import annotations

import re

import pytest

from mailproxy.session.preface import Preface, PrefaceFailed

NAME = "[192.0.2.1]"
TAG = b"<tag>"  # stands for the tag that the preface chose

# protocol, what the server says each time it was asked, what we say in between, the greeting believed
GOOD = {
    "pop3": ("pop3", [b"+OK ready\r\n", b"+OK go\r\n"], [b"STLS\r\n"], b"+OK ready\r\n"),
    "pop3 APOP": (
        "pop3",
        [b"+OK hello <1896.697170952@dbc.mtview.ca.us>\r\n", b"+OK\r\n"],
        [b"STLS\r\n"],
        b"+OK hello <1896.697170952@dbc.mtview.ca.us>\r\n",
    ),
    "imap": (
        "imap",
        [b"* OK ready\r\n", TAG + b" OK begin\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK ready\r\n",
    ),
    "imap small letters": (
        "imap",
        [b"* ok ready\r\n", TAG + b" OK\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK ready\r\n",
    ),
    "imap with capabilities": (
        "imap",
        [b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready\r\n", TAG + b" OK begin\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK ready\r\n",
    ),
    "imap code alone": (
        "imap",
        [b"* OK [CAPABILITY IMAP4rev1]\r\n", TAG + b" OK begin\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK Ready\r\n",
    ),
    # ST-15: an alert in clear may be anybody's
    "imap alert": (
        "imap",
        [b"* OK [ALERT] pay here\r\n", b"* OK [ALERT] and here\r\n" + TAG + b" OK begin\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK pay here\r\n",
    ),
    # ST-14: a message that nobody asked for
    "imap injected message": (
        "imap",
        [b"* OK ready\r\n", b"* 1 EXISTS\r\n* 1 FETCH (FLAGS ())\r\n" + TAG + b" OK begin\r\n"],
        [TAG + b" STARTTLS\r\n"],
        b"* OK ready\r\n",
    ),
    "smtp": (
        "smtp",
        [b"220 mail ready\r\n", b"250-mail\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", b"220 go\r\n"],
        [b"EHLO [192.0.2.1]\r\n", b"STARTTLS\r\n"],
        b"220 mail ready\r\n",
    ),
    "smtp long greeting": (
        "smtp",
        [b"220-mail\r\n220 ready\r\n", b"250-mail\r\n250-starttls\r\n250 HELP\r\n", b"220 go\r\n"],
        [b"EHLO [192.0.2.1]\r\n", b"STARTTLS\r\n"],
        b"220-mail\r\n220 ready\r\n",
    ),
}

EHLO = b"250-mail\r\n250 STARTTLS\r\n"

# protocol, what the server says each time, what the error says
BAD = {
    # ST-06 to ST-08: octets behind the consent would be taken for words said inside TLS
    "imap injection": (
        "imap",
        [b"* OK hi\r\n", TAG + b" OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n2 OK done\r\n"],
        "more than it was asked for",
    ),
    "pop3 injection": (
        "pop3",
        [b"+OK hi\r\n", b"+OK go\r\n+OK\r\nPLAIN\r\n.\r\n"],
        "more than it was asked for",
    ),
    "smtp injection": (
        "smtp",
        [b"220 hi\r\n", EHLO, b"220 go\r\n250-x\r\n250 AUTH LOGIN\r\n"],
        "more than it was asked for",
    ),
    "half an injected line": ("pop3", [b"+OK hi\r\n", b"+OK go\r\n+"], "more than it was asked for"),
    "imap consent before the question": (
        "imap",
        [b"* OK hi\r\na OK begin\r\n"],
        "more than it was asked for",
    ),
    "pop3 consent before the question": ("pop3", [b"+OK hi\r\n+OK go\r\n"], "more than it was asked for"),
    "smtp consent before the question": (
        "smtp",
        [b"220 hi\r\n", EHLO + b"220 go\r\n"],
        "more than it was asked for",
    ),
    # ST-10
    "imap PREAUTH": ("imap", [b"* PREAUTH hi\r\n"], "PREAUTH, which rules out STARTTLS"),
    "imap preauth": ("imap", [b"* preauth hi\r\n"], "PREAUTH, which rules out STARTTLS"),
    # ST-11
    "smtp without STARTTLS": (
        "smtp",
        [b"220 hi\r\n", b"250-mail\r\n250 HELP\r\n"],
        "does not offer STARTTLS",
    ),
    "smtp STARTTLSX": ("smtp", [b"220 hi\r\n", b"250-mail\r\n250 STARTTLSX\r\n"], "does not offer STARTTLS"),
    # ST-12
    "imap BAD": ("imap", [b"* OK hi\r\n", TAG + b" BAD x\r\n"], "refused STARTTLS"),
    "imap NO": ("imap", [b"* OK hi\r\n", TAG + b" NO x\r\n"], "refused STARTTLS"),
    "imap another tag": ("imap", [b"* OK hi\r\n", b"x OK begin\r\n"], "refused STARTTLS"),
    "pop3 -ERR": ("pop3", [b"+OK hi\r\n", b"-ERR no\r\n"], "refused STLS"),
    "smtp 454": ("smtp", [b"220 hi\r\n", EHLO, b"454 x\r\n"], "refused STARTTLS"),
    "smtp 502": ("smtp", [b"220 hi\r\n", EHLO, b"502 x\r\n"], "refused STARTTLS"),
    # ST-13
    "imap continuation": ("imap", [b"* OK hi\r\n", b"+ go on\r\n"], "refused STARTTLS"),
    "smtp 354": ("smtp", [b"220 hi\r\n", EHLO, b"354 go\r\n"], "refused STARTTLS"),
    # greetings that are none
    "pop3 -ERR greeting": ("pop3", [b"-ERR busy\r\n"], "greeting is not +OK"),
    "imap BYE": ("imap", [b"* BYE busy\r\n"], "greeting is not OK"),
    "imap nonsense": ("imap", [b"SSH-2.0-OpenSSH_9.2\r\n"], "greeting is not OK"),
    "smtp 554": ("smtp", [b"554 no\r\n"], "greeting is not 220"),
    "smtp EHLO refused": ("smtp", [b"220 hi\r\n", b"502 no\r\n"], "refused EHLO"),
    # without end
    "a line without end": ("imap", [b"* OK " + b"x" * 10_000], "too long"),
    "lines without end": ("imap", [b"* OK hi\r\n", b"* OK still here\r\n" * 300], "without end"),
}


def play(protocol: str, says: list[bytes], cut: int) -> tuple[Preface, list[bytes]]:
    """Let a server talk, ``cut`` octets at a time; returns what it was told."""
    preface = Preface(protocol, NAME)
    told: list[bytes] = []
    tag = b""
    for said in says:
        data = said.replace(TAG, tag)
        for at in range(0, len(data), cut):
            preface.receive(data[at : at + cut])
        out = preface.take()
        found = re.fullmatch(rb"(\S+) STARTTLS\r\n", out)
        if found:
            tag = found[1]
            out = out.replace(tag, TAG)
        if out:
            told.append(out)
    return preface, told


@pytest.mark.parametrize("cut", [1, 7, 100_000])
@pytest.mark.parametrize("name", GOOD)
def test_led_on_to_tls(name: str, cut: int) -> None:
    protocol, says, wanted, greeting = GOOD[name]
    preface, told = play(protocol, says, cut)
    assert preface.ready
    assert told == wanted
    assert preface.greeting == greeting


@pytest.mark.parametrize("name", BAD)
def test_not_led_on(name: str) -> None:
    protocol, says, why = BAD[name]
    with pytest.raises(PrefaceFailed, match=re.escape(why)):
        play(protocol, says, 100_000)


@pytest.mark.parametrize("name", GOOD)
def test_not_ready_before_the_last_octet(name: str) -> None:
    protocol, says, _, _ = GOOD[name]
    preface, _ = play(protocol, [*says[:-1], says[-1][:-1]], 100_000)
    assert not preface.ready


def test_the_tag_cannot_be_known_beforehand() -> None:
    tags = set()
    for _ in range(3):
        preface = Preface("imap", NAME)
        preface.receive(b"* OK hi\r\n")
        tags.add(preface.take())
    assert len(tags) == 3


def test_what_was_taken_is_forgotten() -> None:
    preface = Preface("pop3", NAME)
    preface.receive(b"+OK hi\r\n")
    assert preface.take() == b"STLS\r\n"
    assert preface.take() == b""

"""Rows of sessions."""

from __future__ import annotations

import json
from collections import Counter

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.listing import Row
from mailproxy.capture.model import Stream
from mailproxy.cli.capture_rows import HEAD, SHORT_HEAD, cells, remarks, row_described, short_cells

STREAM = Stream(0, "192.0.2.1:40000", "198.51.100.9:110")
PLAIN = Row(Conversation(1, STREAM, "pop3", 1_700_000_000.0))
FULL = Row(
    Conversation(2, STREAM, "pop3", 1_700_000_000.0, "s1", "client"),
    refused="eve",
    tls="TLSv1.3",
    commands=1,
    messages=2,
    octets=[10, 2000],
    seconds=1.5,
    how="fin",
    left=True,
    verdicts=Counter({"keep": 2, "block": 1}),
    gaps=2,
    missing=1,
    unread=5,
    sealed=1,
)


def test_cells() -> None:
    row = dict(zip(HEAD, cells(FULL), strict=True))
    assert row == {
        "no": "2",
        "started": "2023-11-14T22:13:20+00:00",
        "protocol": "pop3",
        "client": "192.0.2.1:40000",
        "server": "198.51.100.9:110",
        "user": "eve (refused)",
        "tls": "TLSv1.3",
        "commands": "1",
        "messages": "2",
        "from client": "10",
        "from server": "2000",
        "seconds": "1.500",
        "end": "quit, fin",
        "session": "s1 client",
        "remarks": "block 1, keep 2, 2 gaps (1 octet), 5 octets unread, 1 octet in TLS",
    }
    assert remarks(PLAIN) == ""


def test_short_cells() -> None:
    assert dict(zip(SHORT_HEAD, short_cells(FULL), strict=True)) == {
        "no": "2",
        "session": "2023-11-14T22:13:20+00:00 pop3 TLSv1.3 192.0.2.1:40000 → 198.51.100.9:110 eve (refused)",
        "said": "1 command, 2 messages, 10 → 2000, 1.500 s, quit, fin",
        "remarks": "client's leg, block 1, keep 2, 2 gaps (1 octet), 5 octets unread, 1 octet in TLS",
    }


def test_described() -> None:
    found = row_described(FULL)
    assert json.loads(json.dumps(found)) == found
    assert (found["refused"], found["octets_server"], found["verdicts"]) == (
        "eve",
        2000,
        {"keep": 2, "block": 1},
    )
    assert row_described(PLAIN).keys() == found.keys()

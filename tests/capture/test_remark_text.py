"""Remarks in words."""

from __future__ import annotations

import pytest

from mailproxy.capture.comments import Remark
from mailproxy.capture.remark_text import in_words


@pytest.mark.parametrize(
    ("word", "fields", "text"),
    [
        ("session", {"id": "x"}, ""),
        ("verdict", {"verdict": "forward"}, ""),
        ("verdict", {"verdict": "block", "rule": "no-dele", "why": "never"}, "block by no-dele: never"),
        ("verdict", {"verdict": "refuse"}, "refuse"),
        ("would_have", {"action": "block", "rule": "no-dele"}, "would have been: block by no-dele"),
        ("tls", {"side": "client", "version": "TLSv1.3", "cipher": "X"}, "TLS with the client: TLSv1.3 X"),
        ("tls", {"side": "server"}, "TLS with the server"),
        (
            "starttls",
            {"command": "STLS\r\n", "reply": "+OK\r\n"},
            "not among the packets: STLS → +OK; TLS begins here",
        ),
        ("login", {"user": "aiko", "mechanism": "PLAIN"}, "logged in as aiko (PLAIN)"),
        ("login_failed", {"user": "eve"}, "not let in: eve"),
        (
            "lost",
            {"octets": 1234, "why": "the disk is full"},
            "1,234 octets were not written: the disk is full",
        ),
        ("capture", {"rule": "record-alice"}, "recorded by record-alice"),
        ("lost", {"octets": "many"}, "octets were not written"),
        (
            "end",
            {"seconds": 1.5, "commands": 7, "reason": "QUIT"},
            "the session ended after 1.500 seconds and 7 commands: QUIT",
        ),
        ("end", {}, "the session ended"),
        ("anomaly", {"name": "bare-cr", "side": "client"}, "anomaly name bare-cr, side client"),
        ("verdict", {"verdict": ["odd"], "why": 5}, "['odd']: 5"),
    ],
)
def test_in_words(word: str, fields: dict[str, object], text: str) -> None:
    assert in_words(Remark(word, fields)) == text

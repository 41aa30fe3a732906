"""Remarks of the proxy without names."""

from __future__ import annotations

from typing import Any

import pytest

from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_remarks import anonymous_remark
from mailproxy.capture.comments import Remark, read

NAMES = Names(b"s" * 32)


def name(text: str) -> str:
    return NAMES.text(text.encode()).decode()


@pytest.mark.parametrize(
    ("word", "fields", "expected"),
    [
        (
            "session",
            {"id": "ab12", "leg": "client", "protocol": "imap", "listener": "10.0.0.1:143", "client": "x"},
            {"id": name("ab12"), "leg": "client", "protocol": "imap"},
        ),
        (
            "tls",
            {"side": "client", "version": "TLSv1.3", "cipher": "A B"},
            {"side": "client", "version": "TLSv1.3"},
        ),
        (
            "login",
            {"user": "aiko", "mechanism": "PLAIN", "tls": True},
            {"user": name("aiko"), "mechanism": "PLAIN", "tls": True},
        ),
        ("login_failed", {"user": "aiko", "mechanism": "AIKO"}, {"user": name("aiko")}),
        (
            "verdict",
            {
                "verb": "DELE",
                "text": "1",
                "verdict": "keep",
                "status": "OK",
                "rule": "for-aiko",
                "why": "Aiko",
            },
            {"verb": "DELE", "verdict": "keep", "status": "OK", "rule": name("for-aiko")},
        ),
        ("verdict", {"verb": "AIKO", "verdict": "no word Of Ours"}, {}),
        ("failure", {"fault": "network", "what": "aiko's server", "detail": "x"}, {"fault": "network"}),
        (
            "end",
            {"user": "aiko", "seconds": 1.5, "reason": "x", "verdicts": {"keep": 2, "Aiko": 1}},
            {"user": name("aiko"), "seconds": 1.5, "verdicts": {"keep": 2}},
        ),
        (
            "starttls",
            {"command": "a1 STARTTLS", "reply": "+OK go on, aiko"},
            {"command": name("a1") + " STARTTLS", "reply": f"+OK go on, {name('aiko')}"},
        ),
        ("starttls", {"reply": "220 2.0.0 ready mx"}, {"reply": f"220 2.0.0 ready {name('mx')}"}),
        ("lost", {"octets": 5, "why": "disk of aiko"}, {"octets": 5}),
    ],
)
def test_remarks(word: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    comment = anonymous_remark(NAMES, Remark(word, fields))
    assert comment is not None
    assert read(comment) == Remark(word, expected)


def test_what_is_not_known_is_left_out() -> None:
    assert anonymous_remark(NAMES, Remark("aiko", {"user": "aiko"})) is None


@pytest.mark.parametrize("value", [["aiko"], {"aiko": "aiko"}, 5, True, "\udcff aiko"])
@pytest.mark.parametrize(
    "word", ["session", "tls", "login", "verdict", "end", "lost", "starttls", "would_have"]
)
def test_fields_of_any_kind(word: str, value: Any) -> None:
    names = (
        "id",
        "leg",
        "side",
        "cipher",
        "user",
        "mechanism",
        "tls",
        "verb",
        "status",
        "rule",
        "seconds",
        "verdicts",
        "octets",
        "command",
        "reply",
    )
    comment = anonymous_remark(NAMES, Remark(word, dict.fromkeys(names, value)))
    assert "aiko" not in (comment or "")

"""The tables of capability names."""

from __future__ import annotations

import pytest

from mailproxy.proto import known_capabilities as tables
from mailproxy.proto.known_capabilities import Names


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("A", True),
        ("B=", True),
        ("B=x", True),
        ("B=x=y", True),
        ("B", False),
        ("A=", False),
        ("a", False),
        ("", False),
    ],
)
def test_names(name: str, inside: bool) -> None:
    assert (name in Names("A B=")) is inside


@pytest.mark.parametrize(
    ("known", "never", "names"),
    [
        (
            tables.IMAP_KNOWN,
            tables.IMAP_NEVER,
            "IMAP4REV2 UIDPLUS MOVE SPECIAL-USE X-GM-EXT-1 APPENDLIMIT=1 THREAD=REFS UTF8=ACCEPT AUTH=PLAIN",
        ),
        (tables.POP3_KNOWN, tables.POP3_NEVER, "TOP UIDL SASL EXPIRE STLS"),
        (tables.SMTP_KNOWN, tables.SMTP_NEVER, "SIZE 8BITMIME CHUNKING AUTH SMTPUTF8 LIMITS"),
    ],
)
def test_what_is_known_is_not_forbidden(known: Names, never: Names, names: str) -> None:
    for name in names.split():
        assert name in known
        assert name not in never


@pytest.mark.parametrize(
    "name", ["COMPRESS=DEFLATE", "JMAPACCESS", "LOGIN-REFERRALS", "UNAUTHENTICATE", "CONVERT"]
)
def test_imap_never(name: str) -> None:
    assert name in tables.IMAP_NEVER
    assert name not in tables.IMAP_KNOWN

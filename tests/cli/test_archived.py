"""Rows of the index and files it does not know, as one list."""

from __future__ import annotations

import pytest

from mailproxy.cli.archived import header_of, subject_of


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\n\r\nbody\r\n\r\n", b"A: b\r\n\r\n"),
        (b"A: b\n\nbody", b"A: b\n\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"", b""),
    ],
)
def test_headers(message: bytes, header: bytes) -> None:
    assert header_of(message) == header


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"Subject: plain\r\n\r\n", "plain"),
        (b"subject: =?utf-8?q?caf=C3=A9?=\r\n\tau lait\r\n\r\n", "café au lait"),
        (b"Subject: =?utf-8?b?4pyT?= =?iso-8859-1?q?=E9?=\r\n\r\n", "✓é"),
        (b"From: a\r\n\r\n", ""),
        (b"Subject: =?no-such-charset?q?a?=\r\n\r\n", ""),
        (b"Subject: =?utf-8?b?x?=\r\n\r\n", ""),
        (b"", ""),
        (b"\x00\xff\r\n", ""),
    ],
)
def test_subjects(header: bytes, subject: str) -> None:
    assert subject_of(header) == subject


def test_a_subject_of_octets_does_not_fail() -> None:
    assert isinstance(subject_of(b"Subject: caf\xe9\r\n\r\n"), str)

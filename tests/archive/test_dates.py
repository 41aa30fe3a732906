"""INTERNALDATE."""

from __future__ import annotations

import pytest

from mailproxy.archive.dates import date_time, internaldate_of, seconds_of


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("01-Jan-1970 00:00:00 +0000", 0.0),
        (" 1-Jan-1970 00:00:00 +0000", 0.0),
        ("17-Jul-1996 02:44:25 -0700", 837596665.0),
        ("31-Dec-1969 23:59:59 +0000", -1.0),
        ("01-Jan-2026 00:00:00 +0930", 1767191400.0),
        ("", None),
        ("17 Jul 1996 02:44:25 -0700", None),
        ("17-jul-1996 02:44:25 -0700", 837596665.0),
        ("17-JUL-1996 02:44:25 -0700", 837596665.0),
        ("17-Jux-1996 02:44:25 -0700", None),
        ("31-Dec-2016 23:59:60 +0000", None),
        ("01-Jan-2026 00:00:00 +2400", None),
        ("01-Jan-0001 00:00:00 +2359", -62135683140.0),
        ("31-Feb-2026 00:00:00 +0000", None),
        ("01-Jan-2026 25:00:00 +0000", None),
        ("01-Jan-2026 00:00:00 +9999", None),
        ("01-Jan-0000 00:00:00 +0000", None),
        ('01-Jan-2026 00:00:00 +0000"', None),
    ],
)
def test_dates(date: str, seconds: float | None) -> None:
    assert seconds_of(date) == seconds


@pytest.mark.parametrize("seconds", [0.0, 837596665.0, 1767191400.0])
def test_there_and_back(seconds: float) -> None:
    assert seconds_of(internaldate_of(seconds + 0.9)) == seconds


def test_as_imap_prints_it() -> None:
    assert internaldate_of(837596665.0) == "17-Jul-1996 09:44:25 +0000"
    assert internaldate_of(0.0) == " 1-Jan-1970 00:00:00 +0000"


@pytest.mark.parametrize(
    ("date", "sent"),
    [
        ("17-JUL-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -0700"),
        (" 1-Jan-2026 00:00:00 +0930", " 1-Jan-2026 00:00:00 +0930"),
        ("1-jan-0026 00:00:00 +0930\r", " 1-Jan-0026 00:00:00 +0930"),
        ("31-Dec-2016 23:59:60 +0000", None),
        ("", None),
    ],
)
def test_as_it_may_be_sent(date: str, sent: str | None) -> None:
    assert date_time(date) == sent

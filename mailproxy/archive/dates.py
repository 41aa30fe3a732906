"""INTERNALDATE (RFC 9051 §2.3.3), read without regard to the locale."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(
    r"([ 0-3]?[0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)


def seconds_of(internaldate: str) -> float | None:
    """Seconds since 1970-01-01 UTC; None for what is no ``date-time`` (RFC 9051 §9), or no real one."""
    when = _read(internaldate)
    return None if when is None else when.timestamp()


def date_time(internaldate: str) -> str | None:
    """The same moment in the very form of ``date-time``, fit for a command; None as :func:`seconds_of`."""
    when = _read(internaldate)
    return None if when is None else _written(when)


def internaldate_of(seconds: float) -> str:
    """The ``date-time`` of a moment, in UTC."""
    return _written(datetime.fromtimestamp(int(seconds), UTC))


def _read(internaldate: str) -> datetime | None:
    match = _DATE.fullmatch(internaldate.strip())
    if match is None or (month := match[2].capitalize()) not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    east = timedelta(hours=int(match[8]), minutes=int(match[9])) * (1 if match[7] == "+" else -1)
    try:
        zone = timezone(east)
        return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second, tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _written(when: datetime) -> str:
    return f"{when.day:2d}-{_MONTHS[when.month - 1]}-{when.year:04d} {when:%H:%M:%S %z}"

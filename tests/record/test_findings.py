"""When a person should know, and when not yet."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mailproxy.events import Conflict, KeptMailGrows, MailboxNearlyFull
from mailproxy.record.findings import KEEPING_RULE, conflict, kept_grows, nearly_full

MIB = 1024 * 1024


@dataclass(frozen=True)
class Use:
    protocol: str
    client: str
    deleted: int
    last: float


@dataclass(frozen=True)
class Sizes:
    messages: int | None = None
    octets: int | None = None
    used: int | None = None
    limit: int | None = None


READS = Use("imap", "192.0.2.2", 0, 50.0)
DELETES = Use("pop3", "192.0.2.1", 2, 40.0)


@pytest.mark.parametrize(
    "uses",
    [
        [],
        [READS],
        [DELETES],
        [READS, Use("pop3", "192.0.2.1", 0, 40.0)],
        [DELETES, Use("pop3", "192.0.2.2", 1, 40.0)],
        [READS, Use("imap", "192.0.2.1", 3, 40.0)],
    ],
)
def test_no_conflict(uses: list[Use]) -> None:
    assert conflict("main", "aiko", uses) is None


def test_conflict() -> None:
    uses = [
        Use("pop3", "192.0.2.8", 5, 30.0),
        DELETES,
        Use("pop3", "192.0.2.9", 0, 99.0),
        READS,
        Use("imap", "192.0.2.3", 0, 60.0),
    ]
    assert conflict("main", "aiko", uses) == Conflict(
        "main", "aiko", "192.0.2.1", "192.0.2.3", deleted=7, since_days=7, rule=KEEPING_RULE
    )


@pytest.mark.parametrize(
    ("used", "limit", "full"),
    [
        (91, 100, True),
        (90, 100, False),
        (200, 100, True),
        (91, 0, False),
        (None, None, False),
        (91, None, False),
    ],
)
def test_nearly_full(used: int | None, limit: int | None, full: bool) -> None:
    found = nearly_full("main", "aiko", Sizes(used=used, limit=limit), 5)
    assert found == (MailboxNearlyFull("main", "aiko", used or 0, limit or 0, 5) if full else None)


@pytest.mark.parametrize(
    ("sizes", "kept", "share"),
    [
        (Sizes(octets=190 * MIB), 100 * MIB, 100 / 190),
        (Sizes(octets=200 * MIB), 100 * MIB, None),  # no more than half of it
        (Sizes(octets=190 * MIB), 100 * MIB - 1, None),  # not worth telling
        (Sizes(octets=10 * MIB), 100 * MIB, 1.0),  # the mailbox was seen before the mail was kept
        (Sizes(octets=0), 100 * MIB, None),
        (Sizes(used=76 * MIB, limit=100 * MIB), 20 * MIB, 20 / 76),
        (Sizes(used=76 * MIB, limit=100 * MIB), 19 * MIB, None),  # no more than a quarter
        (Sizes(used=75 * MIB, limit=100 * MIB), 20 * MIB, None),  # there is room
        (Sizes(used=76 * MIB, limit=0), 20 * MIB, None),
        (Sizes(used=76 * MIB, limit=100 * MIB), 0, None),
        (Sizes(), 100 * MIB, None),
        (Sizes(octets=100 * MIB, used=76 * MIB, limit=100 * MIB), 40 * MIB, 40 / 76),
    ],
)
def test_kept_grows(sizes: Sizes, kept: int, share: float | None) -> None:
    found = kept_grows("main", "aiko", sizes, 3, kept)
    assert found == (KeptMailGrows("main", "aiko", 3, kept, share) if share else None)

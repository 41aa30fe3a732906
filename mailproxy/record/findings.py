"""What follows from how a mailbox is used, and from how full it is. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailproxy.events import Conflict, KeptMailGrows, MailboxNearlyFull

CONFLICT_DAYS = 7
KEEPING_RULE = "pop3-keep.toml"

_NEARLY_FULL = 0.9  # of the quota
_TIGHT = 0.75  # of the quota: from here on, kept mail counts
_SHARE_OF_TIGHT = 0.25  # of what is used
_SHARE_OF_ANY = 0.5  # of the mailbox, whatever its quota is
_WORTH_TELLING = 100 * 1024 * 1024  # octets; half of a small mailbox is no trouble


class Use(Protocol):
    """How one program used a mailbox. ``deleted`` messages went from the server in all; ``last`` is when it
    was seen, in seconds since 1970-01-01 UTC."""

    @property
    def protocol(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def deleted(self) -> int: ...
    @property
    def last(self) -> float: ...


class Sizes(Protocol):
    """How much was in a mailbox when it was seen last. Octets but for ``messages``; None: never told."""

    @property
    def messages(self) -> int | None: ...
    @property
    def octets(self) -> int | None: ...
    @property
    def used(self) -> int | None: ...
    @property
    def limit(self) -> int | None: ...


def conflict(upstream: str, user: str, uses: Sequence[Use]) -> Conflict | None:
    """Does a POP3 program delete what an IMAP program reads? ``uses`` are those of the last days."""
    pop3 = [use for use in uses if use.protocol == "pop3" and use.deleted > 0]
    imap = [use for use in uses if use.protocol == "imap"]
    if not pop3 or not imap:
        return None
    return Conflict(
        upstream,
        user,
        pop3_client=max(pop3, key=_last).client,
        imap_client=max(imap, key=_last).client,
        deleted=sum(use.deleted for use in pop3),
        since_days=CONFLICT_DAYS,
        rule=KEEPING_RULE,
    )


def nearly_full(upstream: str, user: str, sizes: Sizes, kept: int) -> MailboxNearlyFull | None:
    """Is there less than a tenth of the quota left? ``kept`` are octets."""
    if sizes.used is None or not sizes.limit or sizes.used <= _NEARLY_FULL * sizes.limit:
        return None
    return MailboxNearlyFull(upstream, user, sizes.used, sizes.limit, kept)


def kept_grows(upstream: str, user: str, sizes: Sizes, messages: int, kept: int) -> KeptMailGrows | None:
    """Does kept mail take up too much: of a large mailbox, or of one whose quota gets tight?

    ``kept`` are the octets of its ``messages``.
    """
    share = 0.0
    if sizes.octets and kept >= _WORTH_TELLING and kept > _SHARE_OF_ANY * sizes.octets:
        share = kept / sizes.octets
    elif sizes.used and sizes.limit and sizes.used > _TIGHT * sizes.limit:
        share = kept / sizes.used if kept > _SHARE_OF_TIGHT * sizes.used else 0.0
    # Both numbers may be of different days: what is kept can have outgrown what was seen.
    return KeptMailGrows(upstream, user, messages, kept, min(share, 1.0)) if share else None


def _last(use: Use) -> float:
    return use.last

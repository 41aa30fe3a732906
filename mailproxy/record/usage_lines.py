"""How it is said in the log what is in mailboxes, and what becomes of it.

A warning is what a person has to do something about; its ``hint`` says what, in plain words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlog.typing import FilteringBoundLogger

from mailproxy.events import (
    Conflict,
    Deleted,
    ExpireZero,
    GmailPop,
    KeepUnavailable,
    KeptMailGrows,
    MailboxNearlyFull,
    MailboxSeen,
    OverQuota,
    QuotaSeen,
    UidlChurn,
    UsageLost,
)

NO_ROOM = "the server has no room for this mail: empty its trash, delete large messages, or ask for more room"
CHURN = (
    "the server has numbered its mail anew, or has lost mail: nothing is forgotten for now; "
    "programs may download what was hidden from them. Ask who runs the server whether the mailbox was moved"
)
NOT_KEPT = "deletions are refused in this session, so nothing is lost; read the mailbox with IMAP instead"
EXPIRES = (
    "this server says that it may delete mail as soon as a POP3 program has read it, and no rule can prevent "
    "that: change this in the server's settings, or read the mailbox with IMAP only"
)
GMAIL = (
    "Gmail itself decides what becomes of mail that a POP3 program has read. In Gmail's web settings, "
    'under "Forwarding and POP/IMAP", choose "keep Gmail\'s copy in the Inbox"'
)
CONFLICT = (
    "whoever reads this mailbox with IMAP misses what the POP3 program deletes. "
    "With the rule file {rule} it stays on the server; or tell the POP3 program to leave mail on the server"
)
KEPT_FILLS = "kept mail takes up room: set keep_for in the rule that keeps it, so that old mail is deleted"
FULL = "soon no mail can come in: empty the trash, delete large messages, or ask for more room"
LOST = "mail is not affected, but warnings of conflicts and full mailboxes may be missing; mend the store"


def _mailbox_seen(log: FilteringBoundLogger, event: MailboxSeen) -> None:
    log.debug("mailbox.seen", messages=event.messages, octets=event.octets)


def _quota_seen(log: FilteringBoundLogger, event: QuotaSeen) -> None:
    log.debug("quota.seen", used=event.used, limit=event.limit)


def _over_quota(log: FilteringBoundLogger, event: OverQuota) -> None:
    log.warning("quota.exceeded", where=event.where, hint=NO_ROOM)


def _deleted(log: FilteringBoundLogger, event: Deleted) -> None:
    log.info("deleted", messages=event.messages, kept=event.kept)


def _uidl_churn(log: FilteringBoundLogger, event: UidlChurn) -> None:
    log.warning("uidl_churn", missing=event.missing, kept=event.kept, hint=CHURN)


def _keep_unavailable(log: FilteringBoundLogger, event: KeepUnavailable) -> None:
    log.warning("keep.unavailable", why=event.why, hint=NOT_KEPT)


def _expire_zero(log: FilteringBoundLogger, event: ExpireZero) -> None:
    log.warning("expire_zero", upstream=event.upstream, hint=EXPIRES)


def _gmail_pop(log: FilteringBoundLogger, event: GmailPop) -> None:
    log.warning("gmail_pop", upstream=event.upstream, hint=GMAIL)


def _conflict(log: FilteringBoundLogger, event: Conflict) -> None:
    log.warning(
        "conflict",
        upstream=event.upstream,
        user=event.user,
        pop3_client=event.pop3_client,
        imap_client=event.imap_client,
        deleted=event.deleted,
        since_days=event.since_days,
        rule=event.rule,
        hint=CONFLICT.format(rule=event.rule),
    )


def _mailbox_nearly_full(log: FilteringBoundLogger, event: MailboxNearlyFull) -> None:
    log.warning(
        "mailbox.nearly_full",
        upstream=event.upstream,
        user=event.user,
        used=event.used,
        limit=event.limit,
        kept=event.kept,
        hint=KEPT_FILLS if event.kept else FULL,
    )


def _kept_mail_grows(log: FilteringBoundLogger, event: KeptMailGrows) -> None:
    log.warning(
        "kept.grows",
        upstream=event.upstream,
        user=event.user,
        messages=event.messages,
        octets=event.octets,
        share=int(event.share * 1000) / 1000,
        hint=KEPT_FILLS,
    )


def _usage_lost(log: FilteringBoundLogger, event: UsageLost) -> None:
    log.warning("usage.lost", events=event.events, why=event.why, hint=LOST)


USAGE: dict[type, Callable[[FilteringBoundLogger, Any], None]] = {
    MailboxSeen: _mailbox_seen,
    QuotaSeen: _quota_seen,
    OverQuota: _over_quota,
    Deleted: _deleted,
    UidlChurn: _uidl_churn,
    KeepUnavailable: _keep_unavailable,
    ExpireZero: _expire_zero,
    GmailPop: _gmail_pop,
    Conflict: _conflict,
    MailboxNearlyFull: _mailbox_nearly_full,
    KeptMailGrows: _kept_mail_grows,
    UsageLost: _usage_lost,
}
"""How each of these events is said."""

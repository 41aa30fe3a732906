"""What a server's replies tell about the room in a mailbox, and about what it deletes by itself.

Pure functions. A session asks :func:`observers` once for its table, and looks each verb up
in it when the final reply is there; a verb that is not in the table costs that look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mailproxy.events import Event, ExpireZero, GmailPop, MailboxSeen, OverQuota, QuotaSeen
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.tokens import Reply

Observer = Callable[[Reply], Event | None]

_STORAGE_OCTETS = 1024  # RFC 9208 §5.1: the unit of STORAGE
# 18 digits: what follows from them, multiplied by the unit too, fits into 63 bits for a database.
_STAT = re.compile(rb"\+OK ([0-9]{1,18}) ([0-9]{1,18})(?=[ \r\n])", re.I)
_EXPIRE_ZERO = re.compile(rb"^EXPIRE[ \t]+0+(?:[ \t]+USER)?[ \t]*\r?$", re.I | re.M)
_GMAIL = re.compile(rb"\+OK Gpop ready\b", re.I)
_IMAP_OVER = re.compile(rb"[^ ]+ NO \[OVERQUOTA[\] ]", re.I)
_QUOTA = re.compile(rb'\* QUOTA (?:"(?:[^"\\\r\n]|\\.)*"|[^ "({\r\n]+) \(([^()\r\n]*)\)', re.I)
_STORAGE = re.compile(rb"(?:^| )STORAGE ([0-9]{1,15}) ([0-9]{1,15})(?= |$)", re.I)
# RFC 3463 §3.3: X.2.2 is "mailbox full"; other codes behind 552 and 452 are about other things.
_ENHANCED = re.compile(rb"[0-9]{3}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?=[ \r\n])")
_QUOTA_OR_NO = frozenset({b"Q", b"q", b"N", b"n"})
_FULL = frozenset({b"4.2.2", b"5.2.2"})
# Without one: 552 to MAIL refuses the size of this one message (RFC 1870 §6.1), and 452 to RCPT
# may say that there are too many recipients (RFC 5321 §4.5.3.1.10).
_BARE = frozenset(
    {("MAIL", "452"), ("RCPT", "552"), ("DATA", "552"), ("DATA", "452"), ("BDAT", "552"), ("BDAT", "452")}
)


def _stat(reply: Reply) -> Event | None:
    """RFC 1939 §5: ``+OK``, the number of messages, their octets."""
    match = _STAT.match(reply.data)
    return MailboxSeen(int(match[1]), int(match[2])) if match else None


def expires_zero(capabilities: bytes) -> bool:
    """Does the server delete what was read (RFC 2449 §6.7)? ``capabilities`` are lines of CAPA."""
    return _EXPIRE_ZERO.search(capabilities) is not None


def _capa(reply: Reply) -> Event | None:
    return ExpireZero() if reply.status == "OK" and expires_zero(reply.data) else None


def _greeting(reply: Reply) -> Event | None:
    return GmailPop() if _GMAIL.match(reply.data) else None


def _imap_refusal(verb: str) -> Observer:
    def observe(reply: Reply) -> Event | None:
        return OverQuota(f"imap {verb}") if _IMAP_OVER.match(reply.data) else None

    return observe


def _smtp_refusal(verb: str) -> Observer:
    def observe(reply: Reply) -> Event | None:
        if reply.status[:1] not in ("4", "5"):
            return None
        enhanced = _ENHANCED.match(reply.data)
        over = enhanced[1] in _FULL if enhanced else (verb, reply.status) in _BARE
        return OverQuota(f"smtp {verb}") if over else None

    return observe


_OBSERVERS: Mapping[str, Mapping[str, Observer]] = {
    "pop3": {"STAT": _stat, "CAPA": _capa, GREETING: _greeting},
    "imap": {
        verb: _imap_refusal(verb)
        for verb in (
            "APPEND",
            "COPY",
            "UID COPY",
            "MOVE",
            "UID MOVE",
            "REPLACE",
            "UID REPLACE",
            "CREATE",
            "RENAME",
        )
    },
    "smtp": {verb: _smtp_refusal(verb) for verb in ("MAIL", "RCPT", "DATA", "BDAT")},
}


def observers(protocol: str) -> Mapping[str, Observer]:
    """For each verb that may tell something: what makes an event of the server's final reply to it."""
    return _OBSERVERS[protocol]


def untagged(reply: Reply) -> Event | None:
    """What an untagged IMAP response tells: ``* QUOTA`` (RFC 9208 §4.2.1), or NO with OVERQUOTA (§4.3.1).

    A quota root that comes as a literal is passed over. One comparison tells that a response is
    none of these.
    """
    if reply.data[2:3] not in _QUOTA_OR_NO:
        return None
    if reply.status == "NO":
        return OverQuota("imap") if _IMAP_OVER.match(reply.data) else None
    resources = _QUOTA.match(reply.data)
    storage = _STORAGE.search(resources[1]) if resources else None
    if storage is None:
        return None
    return QuotaSeen(int(storage[1]) * _STORAGE_OCTETS, int(storage[2]) * _STORAGE_OCTETS)

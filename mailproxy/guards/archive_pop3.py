"""A copy of a POP3 message before its DELE goes upstream.

A server may give two messages one UIDL, at once or after the first is gone, though RFC 1939 §7
says otherwise. Whoever believed it would delete the second without a copy. So a message is
known by its UIDL together with its header; where one of them cannot be had, it is copied anew.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Generator
from typing import Any

from mailproxy.guards.memory import Archive, MemoryFailed, Message, Writing
from mailproxy.guards.unstuff import Unstuffer
from mailproxy.session.guard import Answer, Ask, Do, Step
from mailproxy.session.verdict import Facts

_UIDL = re.compile(rb"\+OK [0-9]+ ([\x21-\x7e]{1,70})[ \t]*\r?\n", re.IGNORECASE)
_HEADER_OCTETS = 1 << 20


_EMPTY_OCTETS = len(b"\r\n.\r\n")  # of an answer to TOP in which there is no header


def archive_message(
    number: int, archive: Archive, facts: Facts, rule: str, now: float
) -> Generator[Step, Any, str]:
    """Copies the message with this number of the session upstream.

    Returns the empty text when the copy is durable, or was already; else the reason why
    the message must not be deleted, for the operator: it may name a file.
    """
    message = Message(
        upstream=facts.upstream,
        user=facts.user,
        protocol="pop3",
        mailbox="INBOX",
        id=(yield from _identity(number)),
        rule=rule,
    )
    writing: Writing | None = None
    try:
        writing = yield Do(lambda: archive.begin(message))
        if writing is None:
            return ""
        body = Unstuffer(writing.write)
        answer: Answer = yield Ask(b"RETR %d" % number, sink=body.feed)
        if not answer.good:
            return "the server did not give the message (RETR), so no copy could be made"
        if not body.ended:
            return "the message that the server gave (RETR) has no end"
        if not body.octets:
            return "the server gave an empty message (RETR): it may have it no more"
        finish = writing.finish
        yield Do(lambda: finish(now))
        return ""
    except MemoryFailed as error:
        return str(error)
    finally:
        if writing is not None:
            writing.abandon()


def _identity(number: int) -> Generator[Step, Any, str]:
    uidl: Answer = yield Ask(b"UIDL %d" % number)
    match = _UIDL.fullmatch(uidl.line) if uidl.good else None
    if match is None:
        return secrets.token_hex(16)
    header = _Header()
    top: Answer = yield Ask(b"TOP %d 0" % number, sink=header.feed)
    if not top.good or header.octets <= _EMPTY_OCTETS:
        return secrets.token_hex(16)
    return f"{match[1].decode('ascii')} {header.digest.hexdigest()[:24]}"


class _Header:
    """What TOP gives, of which a hash is enough."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.octets = 0

    def feed(self, data: bytes) -> None:
        # A server that takes no notice of "0" gives all of the message; its header decides.
        self.digest.update(data[: max(_HEADER_OCTETS - self.octets, 0)])
        self.octets += len(data)

"""Copies of IMAP messages, each made durable before the next one is asked for.

A message is known by UIDVALIDITY and UID together with its date and size: there are servers
with one UIDVALIDITY for all mailboxes that ever had a name, and who believed them
would take a new message for one that is in the archive.

The client never sees the answers to what is asked here. So that it does not miss the flags that
stand in them, the server is made to tell them once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from mailproxy.guards.asking import Asking, Unfulfilled, ask
from mailproxy.guards.fetch_reader import BODY, Fetched, FetchReader, has_item, unquoted
from mailproxy.guards.memory import Archive, MemoryFailed, Message, Writing
from mailproxy.session.guard import Answer, Ask, Do
from mailproxy.session.verdict import Facts

_SIZE = b"RFC822.SIZE"
_DATE = b"INTERNALDATE"


class Copier:
    """Copies messages of the selected mailbox into the archive."""

    def __init__(self, archive: Archive, facts: Facts, now: Callable[[], float]) -> None:
        self._archive = archive
        self._facts = facts
        self._now = now

    def copy(self, uids: bytes, validity: int, mailbox: str, rule: str) -> Asking[list[int]]:
        """Those of the set ``uids`` that are in the archive now. What is missing has left the mailbox.

        In the end, also when it fails, the client is told the flags of all of ``uids``.

        Raises:
            Unfulfilled: the server did not give a message.
            MemoryFailed: the archive did not take one.
        """
        try:
            copied = yield from self._copy_all(uids, validity, mailbox, rule)
        except (Unfulfilled, MemoryFailed):
            yield from _tell_flags(uids)
            raise
        yield from _tell_flags(uids)
        return copied

    def _copy_all(self, uids: bytes, validity: int, mailbox: str, rule: str) -> Asking[list[int]]:
        copied = []
        for fetched in (yield from _described(uids)):
            message = self._message(fetched, validity, mailbox, rule)
            if (yield from self._copy(message, fetched)):
                copied.append(fetched.uid)
        return copied

    def _message(self, fetched: Fetched, validity: int, mailbox: str, rule: str) -> Message:
        date, size = fetched.items.get(_DATE, b""), fetched.items[_SIZE]
        more = hashlib.sha256(date + b" " + size).hexdigest()[:16]
        return Message(
            upstream=self._facts.upstream,
            user=self._facts.user,
            protocol="imap",
            mailbox=mailbox,
            id=f"{validity}.{fetched.uid} {more}",
            internaldate=unquoted(date).decode("ascii", "replace"),
            flags=tuple(fetched.items.get(b"FLAGS", b"").decode("ascii", "replace").strip("()").split()),
            rule=rule,
        )

    def _copy(self, message: Message, fetched: Fetched) -> Asking[bool]:
        """Is there a durable copy now? False when the message has left the mailbox."""
        writing: Writing | None = yield Do(lambda: self._archive.begin(message))
        if writing is None:
            return True
        finish = writing.finish
        try:
            reader = FetchReader(writing.write)
            line = b"UID FETCH %d (UID BODY.PEEK[])" % fetched.uid
            answer: Answer = yield Ask(line, has_item(BODY), sink=reader.feed)
            if not answer.good:
                raise Unfulfilled.by(answer)
            if reader.whole and not reader.responses:
                return False
            _check(reader, fetched, writing)
            now = self._now()
            yield Do(lambda: finish(now))
            return True
        finally:
            writing.abandon()


def _described(uids: bytes) -> Asking[list[Fetched]]:
    """What is to be known of each message before it is copied."""
    answer = yield from ask(b"UID FETCH " + uids + b" (UID FLAGS INTERNALDATE RFC822.SIZE)", has_item(_SIZE))
    reader = FetchReader()
    reader.feed(answer.data)
    if not reader.whole or any(not each.uid or _SIZE not in each.items for each in reader.responses):
        raise Unfulfilled(reader.flaw.encode() or b"the server does not tell which messages these are")
    return list({each.uid: each for each in reader.responses}.values())


def _tell_flags(uids: bytes) -> Asking[None]:
    """The answer is the client's, and so is nothing of it ours; a server that refuses has no news."""
    yield Ask(b"UID FETCH " + uids + b" (UID FLAGS)")


def _check(reader: FetchReader, fetched: Fetched, writing: Writing) -> None:
    """Raise Unfulfilled unless the server gave exactly this message."""
    if not reader.whole:
        raise Unfulfilled(reader.flaw.encode() or b"the server did not give all of a message")
    if len(reader.responses) != 1 or reader.responses[0].uid != fetched.uid or reader.bodies > 1:
        raise Unfulfilled(b"the server gave another message than was asked for")
    octets = reader.octets
    if not reader.bodies:  # a short text may come in quotes (RFC 9051 §9, "nstring")
        value = reader.responses[0].items.get(BODY, b"")
        if value[:1] != b'"':
            raise Unfulfilled(b"the server does not give the text of a message")
        text = unquoted(value)
        writing.write(text)
        octets = len(text)
    if not octets and fetched.items[_SIZE] != b"0":
        raise Unfulfilled(b"the server gave nothing in place of a message")

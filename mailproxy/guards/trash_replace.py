r"""REPLACE under ``do = "trash"``: what is replaced is copied to the trash first (RFC 8508)."""

from __future__ import annotations

from mailproxy.guards.asking import Asking, Unfulfilled, ask
from mailproxy.guards.imap_answers import Unreadable, fetched_uid, of_fetched_uid
from mailproxy.guards.searching import search, sent_set
from mailproxy.guards.selected import Selected
from mailproxy.guards.trash import copied_without_mark, in_the_trash
from mailproxy.guards.trash_mailbox import TrashMailbox, is_trash, sent
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Forward, Outcome
from mailproxy.session.verdict import Settings


def replace(command: Command, here: Selected, mailbox: TrashMailbox, settings: Settings) -> Asking[Outcome]:
    """REPLACE and UID REPLACE. The new message, a literal that is still to come, is not touched.

    Raises:
        BadArguments: no message is named.
        Unfulfilled: it must not be replaced: there is no copy, or it is in a trash that may not be emptied.
    """
    number = sent_set(command).encode("ascii")
    if number == b"*":
        raise Unfulfilled(b"name the message by its number: the last one may be another soon", b"CANNOT")
    by_uid = command.verb == "UID REPLACE"
    uid = number if by_uid else (yield from _uid_of(number))
    trash = yield from mailbox.find(settings.mailbox)
    if trash is None:
        trash = yield from mailbox.make(settings.mailbox)
    if is_trash(here.mailbox, trash):
        in_the_trash(settings)
    else:
        doomed = yield from search(b"UID SEARCH UID " + uid + b" DELETED")
        yield from copied_without_mark(uid, sent(trash), bool(doomed))
    # An EXPUNGE that was told meanwhile has moved the numbers; during FETCH none is told (RFC 9051 §7.5.1).
    if not by_uid and (yield from _uid_of(number)) != uid:
        raise Unfulfilled(b"the message has another number now", b"EXPUNGEISSUED")
    return Forward()


def _uid_of(number: bytes) -> Asking[bytes]:
    answer = yield from ask(b"FETCH " + number + b" (UID)", of_fetched_uid)
    try:
        return fetched_uid(answer.data)
    except Unreadable as error:
        raise Unfulfilled(str(error).encode()) from error

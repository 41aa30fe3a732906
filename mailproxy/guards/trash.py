r"""What would be expunged is moved to the trash: the dialogues of ``do = "trash"``.

Only UIDs are used, so that it does not matter what else happens in the mailbox. What
is moved loses its \Deleted flag first, or the next program would expunge it from the trash.
The server's own EXPUNGE or VANISHED responses go on to the client: they are what it waits for.

Invariants: outside of the trash no EXPUNGE or CLOSE goes upstream. A message is removed only
by a MOVE to the trash, or by UID EXPUNGE of a set that the server has copied there before.
In the trash they go upstream only if it may be emptied.
"""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.events import Event, MovedToTrash, TrashFailed
from mailproxy.guards.asking import (
    LONGEST_SET,
    Asking,
    Offers,
    Unfulfilled,
    ask,
    completed,
)
from mailproxy.guards.imap_answers import of_copyuid, status_text
from mailproxy.guards.leaving import leave
from mailproxy.guards.mailbox_names import readable
from mailproxy.guards.number_set import length
from mailproxy.guards.searching import marked
from mailproxy.guards.selected import Selected
from mailproxy.guards.trash_mailbox import TrashMailbox, is_trash, sent
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Answer, Ask, Forward, Outcome
from mailproxy.session.verdict import Settings

_CLEAR = b"UID STORE %b -FLAGS.SILENT (\\Deleted)"
_MARK = b"UID STORE %b +FLAGS.SILENT (\\Deleted)"


class ToTrash:
    """Expunging, without losing anything, in one session."""

    def __init__(self, offers: Offers, mailbox: TrashMailbox, emit: Callable[[Event], None]) -> None:
        self._offers = offers
        self._mailbox = mailbox
        self._emit = emit

    def expunge(self, command: Command, here: Selected, settings: Settings) -> Asking[Outcome]:
        """EXPUNGE and UID EXPUNGE.

        Raises:
            BadArguments: UID EXPUNGE without a set.
            Unfulfilled: something could not be moved, or the trash may not be emptied; it is still there.
        """
        last = yield from self._empty(command, here, settings.mailbox)
        if last is None:
            return in_the_trash(settings)
        # The client may need HIGHESTMODSEQ (RFC 7162 §3.2.7); COPYUID answers nothing that it asked.
        code = status_text(last)[0]
        kept = code if code.upper().startswith(b"HIGHESTMODSEQ ") else b""
        return completed(command, command.verb.encode() + b" completed", kept)

    def close(self, command: Command, here: Selected, settings: Settings) -> Asking[Outcome]:
        """CLOSE, which expunges silently (RFC 9051 §6.4.1). What cannot be moved stays in the mailbox.

        Raises:
            Unfulfilled: the mailbox cannot be closed without expunging.
        """
        try:
            last = yield from self._empty(command, here, settings.mailbox)
        except Unfulfilled as failure:
            # A client that leaves a mailbox does not expect NO, and nothing is removed by leaving it.
            self._emit(TrashFailed(readable(here.mailbox), str(failure)))
        else:
            if last is None and settings.empty:
                return Forward()
        return (yield from leave(command, here, self._offers))

    def _empty(self, command: Command, here: Selected, preferred: str) -> Asking[bytes | None]:
        """Move what the command would expunge; the server's last status line, None in the trash itself."""
        doomed = yield from marked(command)
        if not doomed:
            return b""
        trash = yield from self._mailbox.find(preferred)
        if trash is None:
            trash = yield from self._mailbox.make(preferred)
        if is_trash(here.mailbox, trash):
            return None
        name, last, moved = sent(trash), b"", 0
        try:
            for uids in doomed.chunks(LONGEST_SET):
                last = yield from self._move(uids, name)
                moved += length(uids)
        finally:
            if moved:
                self._emit(MovedToTrash(readable(here.mailbox), readable(trash.name), moved))
        return last

    def _move(self, uids: bytes, trash: bytes) -> Asking[bytes]:
        offers = yield from self._offers.known()
        if not offers & {"MOVE", "IMAP4REV2", "UIDPLUS"}:
            text = b"This server has neither MOVE nor UIDPLUS, so nothing can be moved to the trash"
            raise Unfulfilled(text, b"CANNOT")
        try:
            yield from ask(_CLEAR % uids)
            if offers & {"MOVE", "IMAP4REV2"}:
                answer = yield from ask(b"UID MOVE %b %b" % (uids, trash), of_copyuid)
                return answer.line
            yield from ask(b"UID COPY %b %b" % (uids, trash))
            yield from ask(_MARK % uids)
            answer = yield from ask(b"UID EXPUNGE %b" % uids)
            return answer.line
        except Unfulfilled:
            yield Ask(_MARK % uids)  # as it was; if that fails too, the message merely stays unmarked
            self._mailbox.forget()
            raise


def in_the_trash(settings: Settings) -> Forward:
    """What becomes of a command that removes something from the trash itself.

    Raises:
        Unfulfilled: the trash may not be emptied.
    """
    if not settings.empty:
        raise Unfulfilled(b"what is in the trash stays there", b"NOPERM")
    return Forward()


def copied_without_mark(uid: bytes, trash: bytes, is_marked: bool) -> Asking[Answer]:
    r"""Copy a message to the trash; the copy is not \Deleted.

    Raises:
        Unfulfilled: it was not copied.
    """
    if not is_marked:
        return (yield from ask(b"UID COPY %b %b" % (uid, trash)))
    answer: Answer = yield Ask(_CLEAR % uid)
    if answer.good:
        answer = yield Ask(b"UID COPY %b %b" % (uid, trash))
    yield Ask(_MARK % uid)
    if not answer.good:
        raise Unfulfilled.by(answer)
    return answer

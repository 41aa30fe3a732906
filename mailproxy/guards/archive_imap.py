r"""What would be expunged is archived first: the dialogues of ``do = "archive"``.

While the copies are made another program may mark more messages as \Deleted. So it is never left
to EXPUNGE or CLOSE what goes: exactly the UIDs that are in the archive are expunged, and a server
that cannot do that (UIDPLUS, RFC 4315) is asked for nothing.

Invariant: no EXPUNGE or CLOSE of a mailbox that can be written goes upstream, and no UID EXPUNGE of a
message that :class:`~mailproxy.guards.memory.Archive` has not taken durably.
"""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.events import ArchiveFailed, Event
from mailproxy.guards.archive_copy import Copier
from mailproxy.guards.archive_validity import validity
from mailproxy.guards.asking import LONGEST_SET, Asking, Offers, Unfulfilled, ask, completed
from mailproxy.guards.leaving import leave
from mailproxy.guards.mailbox_names import readable
from mailproxy.guards.memory import Archive, MemoryFailed
from mailproxy.guards.number_set import NumberSet
from mailproxy.guards.searching import marked
from mailproxy.guards.selected import Selected
from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Forward, Outcome
from mailproxy.session.verdict import Facts

MOST = 100_000  # messages that are archived for one command


class ToArchive:
    """Archiving before expunging, in one session.

    ``emit`` is told why something could not be archived, in words for the operator; the
    client hears less, since these may name files of the proxy.
    """

    def __init__(
        self,
        offers: Offers,
        archive: Archive,
        facts: Facts,
        emit: Callable[[Event], None],
        now: Callable[[], float],
    ) -> None:
        """``now`` gives seconds since 1970-01-01 UTC."""
        self._offers = offers
        self._copier = Copier(archive, facts, now)
        self._emit = emit

    def archive_expunge(self, command: Command, here: Selected, rule: str) -> Asking[Outcome]:
        """What becomes of EXPUNGE, UID EXPUNGE and CLOSE, where the rule of this name says ``archive``.

        For CLOSE the untagged responses of the whole dialogue must be hushed, and it ends with leaving the
        mailbox also when messages could not be archived: these stay in it. A client that leaves does not
        expect NO, and it would not know how the rest is numbered.

        Raises:
            BadArguments: UID EXPUNGE without a set.
            Unfulfilled: something could not be archived; then nothing of it was expunged.
        """
        try:
            chunks = yield from self._archived(command, here, rule)
            for chunk in chunks if command.verb == "CLOSE" else chunks[:-1]:
                yield from ask(b"UID EXPUNGE " + chunk)
        except (Unfulfilled, MemoryFailed) as error:
            self._emit(ArchiveFailed(readable(here.mailbox), str(error)))
            if command.verb != "CLOSE":
                raise _told(error) from error
        if command.verb == "CLOSE":
            return (yield from leave(command, here, self._offers))
        return _expunging(command, chunks[-1]) if chunks else completed(command, b"Nothing is to be expunged")

    def _archived(self, command: Command, here: Selected, rule: str) -> Asking[list[bytes]]:
        """The UIDs that may be expunged now, in sets as they are sent."""
        offered = yield from self._offers.known()
        if not offered & {"UIDPLUS", "IMAP4REV2"}:
            text = b"This server has no UIDPLUS, so nothing can be expunged that is sure to be archived"
            raise Unfulfilled(text, b"CANNOT")
        doomed = yield from marked(command)
        if not doomed:
            return []
        if len(doomed) > MOST:
            raise Unfulfilled(b"These are too many messages to be archived at once; expunge fewer", b"LIMIT")
        generation = yield from validity(here.mailbox)
        archived: list[int] = []
        for chunk in doomed.chunks(LONGEST_SET):
            archived += yield from self._copier.copy(chunk, generation, readable(here.mailbox), rule)
        return list(NumberSet.of((uid, uid) for uid in archived).chunks(LONGEST_SET))


def _told(error: Unfulfilled | MemoryFailed) -> Unfulfilled:
    if isinstance(error, Unfulfilled):
        return error
    return Unfulfilled(b"the archive of this proxy takes no message now; tell who runs it")


def _expunging(command: Command, uids: bytes) -> Forward:
    line = command.tag + b" UID EXPUNGE " + uids + b"\r\n"
    verb = "UID EXPUNGE"
    return Forward(command=Command(verb, line, uids, VERBS[verb], command.tag, parse=imap_fields))

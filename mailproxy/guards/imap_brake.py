"""The brake of an IMAP session: counts, before they go upstream, the messages that a command removes."""

from __future__ import annotations

from mailproxy.guards.asking import Asking, Offers, Unfulfilled
from mailproxy.guards.brake import Brake, not_counted
from mailproxy.guards.searching import marked, moved, size
from mailproxy.guards.selected import Selected
from mailproxy.guards.trash_mailbox import TrashMailbox, is_trash
from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.session.guard import Situation
from mailproxy.session.verdict import Decision

_MOVES = frozenset({"MOVE", "UID MOVE"})


class ImapBrake:
    """Lets a command through, or raises."""

    def __init__(self, brake: Brake, situation: Situation, offers: Offers, mailbox: TrashMailbox) -> None:
        self._brake = brake
        self._situation = situation
        self._offers = offers
        self._mailbox = mailbox

    def passed(self, command: Command, here: Selected, decision: Decision) -> Asking[None]:
        """Count what the command removes, and note it before it happens: so nothing is removed uncounted.

        A command that finds nothing to remove passes. What is in the trash is there to be
        removed: it is not counted, but refused as all else while the user is held. A decision
        that is not enforced lets everything pass, also what cannot be counted.

        Raises:
            BadArguments: the command has no set where it needs one.
            MemoryFailed: it cannot be known whether it is too much.
            Unfulfilled: it is too much, or the server does not tell.
        """
        try:
            yield from self._counted(command, here, decision)
        except (BadArguments, Unfulfilled) as error:
            if decision.enforced:
                raise
            side = "client" if isinstance(error, BadArguments) else "server"
            self._situation.emit(not_counted(side, error))

    def _counted(self, command: Command, here: Selected, decision: Decision) -> Asking[None]:
        found = yield from moved(command) if command.verb in _MOVES else _marked(command)
        if not found:
            return
        count, holds = yield from self._weight(command, here, decision, found)
        why = yield from self._brake.admit(self._situation, decision, count, holds, command.verb)
        if why:
            raise Unfulfilled(why.encode("ascii", "replace"), b"LIMIT")

    def _weight(
        self, command: Command, here: Selected, decision: Decision, found: int
    ) -> Asking[tuple[int, int]]:
        """How many messages count, and how many there are; the latter only if it matters.

        In front of MOVE only searches are asked, and so it counts in the trash too: during other
        commands a server may tell EXPUNGE, and the numbers in MOVE would mean other messages.
        """
        if command.verb == "MOVE":
            offers = frozenset[str]()
        elif is_trash(here.mailbox, (yield from self._mailbox.find(decision.settings.mailbox))):
            return 0, 0
        else:
            offers = yield from self._offers.known()
        if not decision.settings.percent:
            return found, 0
        return found, (yield from size(offers, command.verb != "MOVE"))


def _marked(command: Command) -> Asking[int]:
    return len((yield from marked(command)))

"""The guard of an IMAP session: deletions go to the trash, into the archive, or not too far."""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.guards.archive_imap import ToArchive
from mailproxy.guards.asking import Asking, Offers, Unfulfilled, misplaced, refused
from mailproxy.guards.brake import Brake
from mailproxy.guards.imap_brake import ImapBrake
from mailproxy.guards.leaving import leave
from mailproxy.guards.memory import Memory, MemoryFailed
from mailproxy.guards.selected import SELECTING, Selected, selected_by
from mailproxy.guards.trash import ToTrash
from mailproxy.guards.trash_mailbox import TrashMailbox
from mailproxy.guards.trash_replace import replace
from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.session.guard import Dialogue, Forward, Opening, Outcome, Situation, Treatment
from mailproxy.session.verdict import Action, Decision, Settings

_EXPUNGES = frozenset({"EXPUNGE", "UID EXPUNGE", "CLOSE"})


class ImapGuard:
    """See :class:`~mailproxy.session.guard.Guard`."""

    def __init__(self, situation: Situation, memory: Memory, now: Callable[[], float]) -> None:
        """``now`` gives seconds since 1970-01-01 UTC."""
        self._situation = situation
        self._selected: Selected | None = None
        self._offers = Offers(situation.capabilities)
        self._mailbox = TrashMailbox(self._offers)
        self._trash = ToTrash(self._offers, self._mailbox, situation.emit)
        self._archive = ToArchive(self._offers, memory.archive, situation.facts, situation.emit, now)
        self._brake = ImapBrake(Brake(memory.brakes, now), situation, self._offers, self._mailbox)

    @property
    def verbs(self) -> frozenset[str]:
        return self.alone | SELECTING

    @property
    def alone(self) -> frozenset[str]:
        return self._situation.judge.dialogues | self._situation.judge.brakes

    def opened(self) -> Opening | None:
        return None

    def replied(self, command: Command, status: str) -> None:
        if command.verb in SELECTING:
            self._selected = selected_by(command, status, self._selected)

    def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
        judge, facts = self._situation.judge, self._situation.facts
        brake = judge.brake(command, facts) if command.verb in judge.brakes else None
        act = None if decision is None or decision.lifted or decision.action is Action.ALLOW else decision
        brake = None if brake is None or brake.lifted else brake
        if act is None and brake is None:
            return None
        here = self._selected if facts.mailbox else None
        # A server may do EXPUNGE, and pass over what stands behind it.
        flaw = command.misfit or ("" if here is not None else "No mailbox is selected")
        if (
            act is None
            and not (brake is not None and brake.enforced)
            and (flaw or here is None or here.read_only)
        ):
            return None  # it is only watched, and there is nothing to be counted
        if flaw or here is None:
            return Treatment(misplaced(command, flaw.encode()))
        return Treatment(self._dialogue(command, here, brake, act), hush=command.verb == "CLOSE")

    def _dialogue(
        self, command: Command, here: Selected, brake: Decision | None, act: Decision | None
    ) -> Dialogue:
        """The brake comes first: what it holds is not moved or archived either."""
        by: Decision | None = None
        try:
            if here.read_only:
                return (yield from self._read_only(command, here))
            by = brake
            if brake is not None:
                yield from self._brake.passed(command, here, brake)
            by = None
            return (yield from self._act(command, here, act))
        except BadArguments as error:
            return misplaced(command, str(error).encode())
        except Unfulfilled as failure:
            return refused(command, b"Not removed: " + failure.text, failure.code, by)
        except MemoryFailed:
            return refused(command, b"Not removed: deletions cannot be recorded now", b"UNAVAILABLE", by)

    def _read_only(self, command: Command, here: Selected) -> Asking[Outcome]:
        """Behind EXAMINE nothing is removed (RFC 9051 §6.3.3), whatever the server makes of it."""
        if command.verb == "CLOSE":
            return (yield from leave(command, here, self._offers))
        raise Unfulfilled(b"the mailbox is opened read-only", b"READ-ONLY")

    def _act(self, command: Command, here: Selected, decision: Decision | None) -> Asking[Outcome]:
        if decision is None:
            return Forward()
        if decision.action is Action.TRASH:
            return (yield from self._to_trash(command, here, decision.settings))
        if decision.action is Action.ARCHIVE and command.verb in _EXPUNGES:
            return (yield from self._archive.archive_expunge(command, here, decision.rule))
        raise Unfulfilled(f"{decision.action.value} is not for {command.verb}".encode(), b"CANNOT")

    def _to_trash(self, command: Command, here: Selected, settings: Settings) -> Asking[Outcome]:
        match command.verb:
            case "EXPUNGE" | "UID EXPUNGE":
                return (yield from self._trash.expunge(command, here, settings))
            case "CLOSE":
                return (yield from self._trash.close(command, here, settings))
            case "REPLACE" | "UID REPLACE":
                return (yield from replace(command, here, self._mailbox, settings))
            case _:
                raise Unfulfilled(f"trash is not for {command.verb}".encode(), b"CANNOT")

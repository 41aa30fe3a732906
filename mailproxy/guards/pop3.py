"""The guard of a POP3 session in which deletions have a rule.

With kept mail in force it answers for the maildrop: listings are its own, and numbers are
translated. Whatever the rules say, QUIT is its own affair: the server deletes at QUIT and
at no other moment (RFC 1939 §6), so a session in which nothing was to be deleted sends RSET
before it, and a server that deletes what was only read (EXPIRE 0) never gets one.
"""

from __future__ import annotations

from collections.abc import Callable

from mailproxy.events import Anomaly, Deleted, ExpireZero, KeepUnavailable
from mailproxy.guards.archive_pop3 import archive_message
from mailproxy.guards.brake import Brake
from mailproxy.guards.keep import Keeper
from mailproxy.guards.maildrop import Maildrop
from mailproxy.guards.memory import Memory
from mailproxy.guards.pop3_answers import answer_from, translated
from mailproxy.guards.pop3_brake import Pop3Brake
from mailproxy.proto.pop3_args import number, pop3_fields
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import (
    Answer,
    Ask,
    Dialogue,
    Do,
    Forward,
    Local,
    Opening,
    Situation,
    Treatment,
)
from mailproxy.session.sizes import expires_zero
from mailproxy.session.verdict import Action, Decision

# A number that no rule is about: the answer is for the whole session.
_PROBE = Command("DELE", b"DELE 2147483647\r\n", b"2147483647", VERBS["DELE"], parse=pop3_fields)
_NOTES = frozenset({Action.ALLOW, Action.OBSERVE})
_BYE = b"+OK Signing off\r\n"
_EXPIRES = b"-ERR [SYS/PERM] Not deleted: with it the server would delete all that was read (EXPIRE 0)\r\n"
_NO_SUCH = b"-ERR There is no such message\r\n"


def concerns(situation: Situation) -> bool:
    """Can a rule about deletions do anything in this session? One for another user cannot."""
    judge, facts = situation.judge, situation.facts
    if "DELE" not in judge.settled:
        return True
    said = (
        judge.decide(_PROBE, facts) if "DELE" in judge.verbs else None,
        judge.brake(_PROBE, facts) if "DELE" in judge.brakes else None,
    )
    return any(each is not None and each.enforced and each.action not in _NOTES for each in said)


class Pop3Guard:
    """See :class:`~mailproxy.session.guard.Guard`."""

    def __init__(self, situation: Situation, memory: Memory, now: Callable[[], float]) -> None:
        self._situation = situation
        self._memory = memory
        self._now = now
        self._keeper = self._make_keeper()
        self._brake = Pop3Brake(Brake(memory.brakes, now), situation)
        self._deleted: set[int] = set()  # numbers of the server, that it has marked
        self._pipelining = False
        self._expires = False  # the server deletes what was read
        self.verbs = frozenset({"DELE", "RSET", "QUIT"})
        if self._keeper is not None:
            self.verbs |= {"STAT", "LIST", "UIDL", "LAST", "RETR", "TOP"}
        # What was retrieved is known only when the answers to RETR are there.
        self.alone = frozenset({"QUIT", "LAST", "RSET"}) | (
            (situation.judge.dialogues | situation.judge.brakes) & frozenset({"DELE"})
        )

    def _make_keeper(self) -> Keeper | None:
        """Kept mail is in force for a whole session, so it is decided before its first deletion."""
        situation = self._situation
        decision = None
        if "DELE" in situation.judge.verbs:
            decision = situation.judge.decide(_PROBE, situation.facts)
        if decision is None or not decision.enforced or decision.action not in (Action.KEEP, Action.DELAY):
            return None
        if not situation.facts.user:  # by a mechanism that is not known here: whose mail it is, nobody knows
            situation.emit(KeepUnavailable("the name of the user is not known"))
            return None
        return Keeper(situation, decision, self._memory.kept, self._now)

    @property
    def _maildrop(self) -> Maildrop | None:
        return self._keeper.maildrop if self._keeper is not None else None

    def opened(self) -> Opening:
        """What the server can do, and what is kept."""
        keeper = self._keeper
        if keeper is None:
            self._learn((yield Ask(b"CAPA")))
            return
        # A server that opens a large mailbox takes its time, and so may the store.
        capabilities, kept = yield Ask(b"CAPA"), Do(keeper.recall)
        self._learn(capabilities)
        yield from keeper.open(self._pipelining, kept)

    def _learn(self, capabilities: Answer) -> None:
        lines = capabilities.data.upper().splitlines() if capabilities.good else []
        self._pipelining = b"PIPELINING" in lines
        self._expires = capabilities.good and expires_zero(capabilities.data)
        if self._expires:
            self._situation.emit(ExpireZero())

    def treat(self, command: Command, decision: Decision | None) -> Treatment | None:
        """What becomes of a command that concerns the maildrop."""
        if command.verb in ("QUIT", "RSET") and command.args:
            return Treatment(Local(b"-ERR " + command.verb.encode() + b" takes no argument\r\n"), "refuse")
        if command.verb == "QUIT":
            return Treatment(self._quit())
        if command.verb == "RSET":
            return Treatment(self._reset())
        keeper, maildrop = self._keeper, self._maildrop
        if keeper is not None and keeper.broken:
            return Treatment(Local(_temporary("It is not known which mail is to be hidden")), "refuse")
        if command.verb == "DELE":
            return self._delete(command, decision)
        if maildrop is None:
            return None
        if command.verb in ("RETR", "TOP"):
            line = translated(command, maildrop)
            return Treatment(Forward(line) if line else Local(_NO_SUCH))
        return Treatment(Local(answer_from(command, maildrop)))

    def _reset(self) -> Dialogue:
        """Only a server that agrees has unmarked anything."""
        answer = yield Ask(b"RSET")
        if answer.good:
            self._deleted.clear()
            self._brake.reset()
            if self._maildrop is not None:
                self._maildrop.reset()
        return Local(answer.line)

    # -- DELE ---------------------------------------------------------------------------

    def _delete(self, command: Command, decision: Decision | None) -> Treatment:
        asked = number(command.args)
        message = self._maildrop.find(asked or 0) if self._maildrop is not None else None
        # The server's refusal of a second DELE would look like one of the first.
        gone = asked in self._deleted if self._maildrop is None else message is None
        if asked is None or gone:
            return Treatment(Local(_NO_SUCH), "answered")
        passes = decision is None or decision.lifted or decision.action is Action.ALLOW
        keeps = decision is not None and not passes and decision.action in (Action.KEEP, Action.DELAY)
        if keeps:
            refused = self._cannot_keep(asked)
            if refused:
                return Treatment(Local(refused), "refuse")
        elif self._expires:
            return Treatment(Local(_EXPIRES), "refuse")
        braked = (
            self._situation.judge.brake(command, self._situation.facts)
            if "DELE" in self._situation.judge.brakes
            else None
        )
        archives = decision is not None and not passes and decision.action is Action.ARCHIVE
        if braked is None and not archives:
            return Treatment(self._carry_out(asked, keeps))
        return Treatment(self._considered(asked, keeps, braked, decision if archives else None))

    def _cannot_keep(self, asked: int) -> bytes:
        """Why this message cannot be kept, as an answer; empty when it can."""
        keeper, maildrop = self._keeper, self._maildrop
        if not self._situation.facts.user:
            return b"-ERR [SYS/PERM] Mail cannot be kept for a user whose name is not known\r\n"
        if keeper is None:
            return _temporary("a rule about kept mail came into force: please log in again")
        message = maildrop.find(asked) if maildrop is not None else None
        if message is None:
            return f"-ERR [SYS/PERM] Mail cannot be kept, so it is not deleted: {keeper.why}\r\n".encode()
        if not keeper.keeps(message):
            return b"-ERR [SYS/PERM] Other messages have the same unique-id: it is not deleted\r\n"
        return b""

    def _carry_out(self, asked: int, keeps: bool) -> Forward | Local:
        maildrop = self._maildrop
        if maildrop is None:
            self._deleted.add(asked)
            return Forward()
        message = maildrop.find(asked)
        assert message is not None, "it was found before"
        if keeps:
            maildrop.mark(asked)
            return Local(b"+OK Message %d deleted\r\n" % asked)
        maildrop.delete(asked)
        self._deleted.add(message.number)
        return Forward(b"DELE %d\r\n" % message.number)

    def _considered(
        self, asked: int, keeps: bool, braked: Decision | None, archives: Decision | None
    ) -> Dialogue:
        """A deletion that is counted, or that needs a copy first."""
        why = ""
        if braked is not None:
            size = len(self._maildrop) if self._maildrop is not None else -1
            why = yield from self._brake.one_more(braked, size)
        if why:
            return Local(_temporary(why), by=braked)
        if archives is not None:
            message = self._maildrop.find(asked) if self._maildrop is not None else None
            at = message.number if message is not None else asked
            failed = yield from archive_message(
                at, self._memory.archive, self._situation.facts, archives.rule, self._now()
            )
            if failed:
                self._situation.emit(Anomaly("not_archived", "proxy", failed))
                why = "The copy that has to be made first could not be made"
        if why:
            return Local(_temporary(why))
        if braked is not None:
            self._brake.mark(asked, braked)
        return self._carry_out(asked, keeps)

    def replied(self, command: Command, status: str) -> None:
        """A deletion that the server refused is none; and QUIT is what makes them true."""
        if command.verb == "QUIT" and status == "OK":
            self._ended()
        elif command.verb == "RETR" and status == "OK" and self._maildrop is not None:
            self._maildrop.last = max(self._maildrop.last, number(command.args) or 0)
        elif command.verb == "DELE" and status != "OK":
            asked, maildrop = number(command.args) or 0, self._maildrop
            self._brake.unmark(asked)
            if maildrop is not None:
                self._deleted.discard(maildrop.restore(asked))
            else:
                self._deleted.discard(asked)

    # -- QUIT ---------------------------------------------------------------------------

    def _quit(self) -> Dialogue:
        held, by = yield from self._brake.leave()
        if held:
            return Local(_temporary(held), cut=True, by=by)
        keeper = self._keeper
        if keeper is not None:
            failed = yield from keeper.commit()
            if failed:  # nothing is marked, here or there
                self._situation.emit(Anomaly("kept_mail_not_stored", "proxy", failed))
                return Local(_temporary("Nothing was deleted, since it could not be recorded"), cut=True)
        if not self._deleted:
            reset = yield Ask(b"RSET")
            if not reset.good or self._expires:
                self._ended()
                return Local(_BYE, cut=True)
        purged = (yield from keeper.delete_due(self._pipelining)) if keeper is not None else []
        if keeper is None or not purged:
            return Forward()
        answer = yield Ask(b"QUIT")
        if answer.good:
            yield from keeper.deleted(purged)
            self._ended()
        return Local(answer.line, close=True)

    def _ended(self) -> None:
        kept = len(self._maildrop.marked) if self._maildrop is not None else 0
        self._situation.emit(Deleted(len(self._deleted), kept))


def _temporary(why: str) -> bytes:
    return f"-ERR [SYS/TEMP] {why}\r\n".encode("ascii", "replace")

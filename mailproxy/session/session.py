"""One client and one server, followed octet by octet. No I/O.

Theory of operation. :meth:`Session.receive` stores what arrived from one side
and then turns: it pulls tokens from the dialect until neither side has one.
Each command of the client gets a *slot*. A slot either waits for the server's
reply or holds our own answer; replies leave in the order of the slots, and our
own never stand inside another reply.

Invariants:

1. With no rule in force each side gets the other's octets exactly, but for
   STARTTLS, the capability lists, and what :mod:`~mailproxy.session.screen` refuses.
2. A guarding session forwards nothing that two parsers could read in two ways.
3. What a line means follows from the server's answers: behind a command whose
   verb says ``hold``, nothing is read before the reply.
4. Nothing grows with the size of a message: bodies pass as they arrive.

Where a guarding session cannot read on, it ends; an observing one goes blind,
says so once, and passes everything on.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from mailproxy.events import Anomaly, Event, Failure, Fault, LoggedIn, LoginFailed
from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import GREETING, Cut, Refusal, Say, Slot
from mailproxy.proto.tokens import Chunk, Command, Reply, Side, WireError
from mailproxy.session.dialects import dialect_for
from mailproxy.session.dialogues import Dialogues
from mailproxy.session.guard import (
    Forward,
    Guard,
    GuardMaker,
    Local,
    Outcome,
    Situation,
    Treatment,
    no_guards,
)
from mailproxy.session.held import Held
from mailproxy.session.judging import Judging, words
from mailproxy.session.ledger import Ledger
from mailproxy.session.options import Options
from mailproxy.session.remarks import Remarks
from mailproxy.session.screen import LOGINS, STARTTLS, objection
from mailproxy.session.verdict import GUARDED, NO_RULES, Action, Decision, Facts, Judge

_NOTHING: Sequence[bytes] = ()
_HELD_OCTETS = 16_384  # of the client's input, while it must wait
_OPEN_OCTETS = 262_144  # of all commands that wait for an answer
_OWN_OCTETS = 65_536  # of our own answers, until the client has taken them
_HTTP = re.compile(rb"[A-Z]{3,7} \S+ HTTP/[0-9.]+\r?\n")
_ALERTS = {
    Refusal.SYNTAX: "malformed_command",
    Refusal.UNKNOWN: "unknown_command",
    Refusal.TOO_BIG: "too_big",
}


def _ignore(event: Event) -> None:
    pass


class Session:
    """Follows one session; the relay moves the octets."""

    __slots__ = (
        "_asides",
        "_concerned",
        "_deaf",
        "_dialogues",
        "_ended",
        "_errors",
        "_guard",
        "_guards",
        "_held",
        "_holding",
        "_hushed",
        "_judging",
        "_ledger",
        "_next",
        "_open",
        "_options",
        "_own_octets",
        "_remarks",
        "_screens",
        "blind",
        "clock",
        "closed",
        "commands",
        "dialect",
        "dropped",
        "emit",
        "facts",
        "octets",
        "out",
        "paused",
        "reason",
        "upgrade",
    )

    def __init__(
        self,
        protocol: str,
        options: Options,
        facts: Facts,
        judge: Judge = NO_RULES,
        emit: Callable[[Event], None] = _ignore,
        clock: Callable[[], float] = time.monotonic,
        guards: GuardMaker = no_guards,
    ) -> None:
        self.facts = facts
        self.emit = emit
        self.clock = clock
        self.closed = False  # flush what is left, then close both legs
        self.upgrade = False  # flush, do TLS with the client, then call upgraded()
        self.dropped = False  # the server's leg is to be cut off now, whatever it waits for
        self.paused = False  # what we had to say was taken: resume() lets the client go on
        self.blind = False
        self.commands = 0
        self.octets = [0, 0]  # received from each side
        self.reason = ""
        judge = judge if options.guard else NO_RULES
        self._guards = guards if options.guard else no_guards
        self._guard: Guard | None = None
        self._concerned = judge.verbs | judge.brakes | judge.captures
        self._screens = options.tls_required or protocol == "smtp"  # any verb may be objected to
        self._options = options
        self.dialect = dialect_for(protocol, self._policy(), options.limits, judge.verbs)
        self._judging = Judging(judge, facts, self.dialect, emit)
        self._ledger = Ledger(self.dialect, emit, clock)
        self._dialogues = Dialogues(self.dialect, self._ask, clock)
        self.out: tuple[list[bytes], list[bytes]] = ([], [])  # for each side, until take()
        self._open: tuple[Slot | None, Reply, Callable[[bytes], None]] | None = None  # its chunks still come
        self._holding: Slot | None = None
        self._hushed: Slot | None = None  # until it is answered, the client hears nothing of its mailbox
        self._held = Held()
        self._next: Command | None = None  # read, but it waits for what is before it
        self._asides: list[bytes] = []  # of ours to the client, outside of the order of replies
        self._ended = False  # the client sends no more
        self._deaf = False  # nothing more of the client is read
        self._remarks = Remarks(protocol, emit)
        self._errors = 0
        self._own_octets = 0
        self._ledger.open(Slot(Command(GREETING, b""), clock()))

    def _policy(self) -> Policy:
        options, tls = self._options, self.facts.tls
        return Policy(
            guard=options.guard, starttls=options.starttls and not tls, login=tls or not options.tls_required
        )

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many commands had which verdict, of those that are answered."""
        return self._ledger.verdicts

    # -- the relay's view ---------------------------------------------------------------

    def receive(self, side: Side, data: bytes) -> None:
        """Octets that arrived from ``side``."""
        self.octets[side] += len(data)
        if self.blind:
            self.out[side.other].append(data)
            return
        if self.dropped and side is Side.SERVER:
            return
        first = side is Side.CLIENT and self.octets[Side.CLIENT] == len(data)
        if first and data[:1] == b"\x16" and not self.facts.tls:
            self._foreign(Fault.TLS, "TLS on a plaintext port; it should use STARTTLS, or the TLS port")
            return
        self.dialect.inboxes[side].feed(data)
        self._turn(side)

    def _turn(self, side: Side) -> None:
        """Read on as far as that is possible, now that ``side`` may be read."""
        try:
            if side is Side.CLIENT:
                self._read_client()
            client = self.dialect.inboxes[Side.CLIENT]
            while side is Side.SERVER and not self.closed and self._from_server():
                # A reply may let go on what the client has sent before.
                if self._next is not None or client.data:
                    self._read_client()
            if self._ended and not self.closed:  # what it has sent before is not to be taken for a rest
                self._read_client()
        except WireError as error:
            self._lost(error)
        if self._ended and not self.closed:
            self._end_if_done()

    def _read_client(self) -> None:
        while not self.closed and self._from_client():
            pass

    def take(self, side: Side) -> Sequence[bytes]:
        """Octets to be sent to ``side``, in order; they are forgotten here."""
        out = self.out[side]
        if not out:
            return _NOTHING
        taken = out.copy()
        out.clear()
        if side is Side.CLIENT and self._own_octets:
            before = self._own_octets
            self._own_octets = sum(len(slot.answer) for slot in self.dialect.slots if slot.answer)
            self.paused = self.paused or self._own_octets <= _OWN_OCTETS < before
        return taken

    def resume(self) -> None:
        """The client took what was there for it: read on in what it has sent."""
        self.paused = False
        self._turn(Side.CLIENT)

    @property
    def job(self) -> Callable[[], object] | None:
        """Work to be done in another thread; :meth:`worked` is to be told what came of it."""
        return self._dialogues.job

    def worked(self, value: object, error: Exception | None = None) -> None:
        """The job has returned this value, or raised this error."""
        if self.closed and not self._dialogues.active:
            return
        try:
            self._dialogues.worked(value, error)
        except WireError as wrong:
            self._lost(wrong)
        if self.dropped and not self.closed and self.job is None:
            self._abandoned()
        self._turn(Side.SERVER)
        self._turn(Side.CLIENT)

    def _abandoned(self) -> None:
        """The server left while work was done. What is asked of it now is never answered."""
        if self._dialogues.active or any(slot.answer is None for slot in self.dialect.slots):
            self.emit(Failure(Fault.SERVER, "the server closed the connection with commands unanswered"))
            self.reason = self.reason or "server closed early"
        self._dialogues.stop()
        self.closed = True

    def wants(self, side: Side) -> bool:
        """May the relay read more from ``side`` now?"""
        if side is Side.SERVER or self.blind:
            return True
        if self._deaf or self._ended or self.upgrade:
            return False
        held = len(self.dialect.inboxes[Side.CLIENT])
        return held < _HELD_OCTETS or (held <= self._options.limits.line and not self._blocked())

    @property
    def unfinished(self) -> bool:
        """Has the client begun a command, or a body, that it has not ended?"""
        if self.blind or self._deaf or self.dialect.idling:
            return False
        return self.dialect.engaged or (bool(self.dialect.inboxes[Side.CLIENT].data) and not self._blocked())

    def eof(self, side: Side, clean: bool = True) -> None:
        """``side`` sends no more. Nothing is invented to complete what it left open."""
        if side is Side.SERVER:
            if self.dropped:
                return
            if self._dialogues.working:  # what is being written down is finished first
                self.dropped = True
                return
            open_slots = [slot for slot in self.dialect.slots if slot.answer is None]
            if (open_slots or self._open) and not self.closed:
                what = "closed the connection" if clean else "broke the connection off"
                self.emit(Failure(Fault.SERVER, f"the server {what} with commands unanswered"))
                self.reason = self.reason or "server closed early"
            self._dialogues.stop()
            self.closed = True
            return
        self._ended = True
        if not self.blind:  # what the server still says is not known to be the end
            self._turn(Side.CLIENT)

    def _end_if_done(self) -> None:
        """The client sends no more: over, once all that it has sent is answered."""
        dialect = self.dialect
        if self._dialogues.active or self._saying:
            return
        rest = dialect.engaged and not dialect.idling
        if not rest and (self._next is not None or (dialect.slots and not dialect.idling)):
            return
        if rest or dialect.inboxes[Side.CLIENT].data:
            self.emit(Anomaly("truncated", "client", "the connection ended in the middle of a command"))
            self.reason = self.reason or "client closed early"
        self.closed = True

    def upgraded(self, version: str) -> None:
        """The client's leg is encrypted: what was said before counts no more (RFC 3207 §4.2)."""
        self.upgrade = False
        self.facts.tls, self.facts.tls_version = True, version
        self.dialect.policy = self._policy()
        self.dialect.restarted()
        self._turn(Side.SERVER)  # what it said meanwhile was not to be passed on in clear

    def end(self, text: str, reason: str) -> None:
        """Say why, in the protocol's words if they can stand here, and close."""
        if self.closed:
            return
        inside = self._open is not None and self._open[2] == self.out[Side.CLIENT].append
        if (self.dialect.boundary or (self._dialogues.active and not inside)) and not self.blind:
            self.out[Side.CLIENT].append(self.dialect.farewell(text))
        self._dialogues.stop()
        self.reason = reason
        self.closed = True

    # -- the client's side --------------------------------------------------------------

    def _blocked(self) -> bool:
        """Must the next command wait for the server?"""
        slots = self.dialect.slots
        if self._saying or (self._guard is not None and self._dialogues.active):
            return not self.dialect.engaged
        if not slots and self._next is None:
            return False
        waits = (
            self._holding is not None
            or self._next is not None
            or len(slots) >= self._options.pipeline
            or self._ledger.octets > _OPEN_OCTETS
            or slots[0].verb == GREETING
        )
        return waits and not self.dialect.engaged

    @property
    def _saying(self) -> bool:
        """Has the client to take what we have said, before more is read of it?"""
        return self.paused or self._own_octets > _OWN_OCTETS

    def _from_client(self) -> bool:
        if self._deaf or self.upgrade:
            return False
        if self._next is None and not self.dialect.inboxes[0].data:
            return False
        if self._next is not None:
            if self.dialect.slots or self._dialogues.active:
                return False
            command, self._next = self._next, None
            self._command(command)
            return True
        if self._blocked():
            return False
        token = self.dialect.client()
        if token is None:
            return False
        if isinstance(token, Command):
            if self.dialect.slots and self._stands_alone(token):
                self._next = token
            else:
                self._command(token)
        elif isinstance(token, Chunk):
            if token.data and not (token.secret and self._refused_late()):
                self.out[Side.SERVER].append(token.data)
        elif isinstance(token, Say):
            self._asides.append(token.data)
            self._release()
        else:
            self._cut(token)
        return True

    def _stands_alone(self, command: Command) -> bool:
        """Must all that came before be answered first?"""
        if not self._options.guard:
            return command.verb in STARTTLS
        # A "+" says not which command it is for: one with literals has no other beside it.
        literals = command.partial or b"}\r\n" in command.line
        if self._guard is not None and command.verb in self._guard.alone:
            return True
        return literals or (command.spec is not None and command.spec.alone)

    def _command(self, command: Command) -> None:
        self.commands += 1
        if self.commands == 1 and self._options.guard and _HTTP.match(command.line):
            self._foreign(Fault.CLIENT, "HTTP on a mail port")
            return
        slot = Slot(command, self.clock())
        spec = command.spec
        objected = None
        if spec is None or spec.refused or spec.secret or spec.alone or command.flaw or self._screens:
            objected = objection(command, self.dialect, self._options, self.facts.tls)
        if objected:
            self._object(slot, *objected)
        elif command.verb in STARTTLS and spec:
            slot.verdict, slot.upgrade, self._deaf = "answered", True, True
            self._answer(slot, self.dialect.accepted(command, "Begin TLS negotiation now"))
        elif command.verb in self._concerned:
            self._judged(slot)
        else:
            if command.flaw or spec is None:
                self.emit(Anomaly("odd_command", "client", command.flaw or "a verb that is not known"))
            self._forward(slot)

    def _judged(self, slot: Slot) -> None:
        """What the rules say is done here, but for what they leave to the guard."""
        command = slot.command
        self._judging.capture(command)
        decision = self._judging.ruling(slot)
        if decision is not None and not decision.lifted and decision.action not in GUARDED | {Action.ALLOW}:
            self._enforce(slot, decision)
            return
        guard = self._guard
        treatment = guard.treat(command, decision) if guard and command.verb in guard.verbs else None
        if treatment is not None:
            self._treat(slot, treatment)
        elif decision is None or decision.lifted or decision.action is Action.ALLOW:
            self._forward(slot)
        else:
            self._refuse(slot, Refusal.TEMPORARY, f"Not possible now: {decision.action.value} needs a login")

    def _treat(self, slot: Slot, treatment: Treatment) -> None:
        slot.verdict = treatment.verdict or slot.verdict
        if isinstance(treatment.what, Forward | Local):
            self._become(slot, treatment.what)
            return

        def done(outcome: Outcome | None) -> None:
            assert outcome is not None, "the dialogue about a command says what becomes of it"
            self._become(slot, outcome)

        assert self._hushed is None, "what was held back has been told"
        self._hushed = slot if treatment.hush else None
        self._dialogues.start(treatment.what, done, slot)

    def _become(self, slot: Slot, outcome: Outcome) -> None:
        """What the guard has decided on."""
        if isinstance(outcome, Forward):
            slot.command = outcome.command or slot.command
            self._forward(slot, outcome.line)
            return
        if outcome.by is not None:
            slot.rule, slot.why, slot.verdict = outcome.by.rule, outcome.by.why, outcome.by.action.value
        slot.verdict = "answered" if slot.verdict == "forward" else slot.verdict
        slot.close = outcome.close or outcome.cut
        if outcome.cut:
            self.dropped = True
            self.reason = self.reason or "the server's leg was cut off by a guard"
        if slot.close:
            self._deaf = True
        self.dialect.refused(slot.command)
        if slot is self._hushed:
            self._unhush(outcome.answer.startswith(slot.command.tag + b" OK"))
        self._answer(slot, outcome.answer)

    def _unhush(self, left: bool) -> None:
        """It is known how the command ends during which the client heard nothing."""
        self._hushed = None
        self.out[Side.CLIENT].extend(self._held.release(left))

    def _ask(self, slot: Slot) -> None:
        self._ledger.open(slot)
        self.out[Side.SERVER].append(slot.command.line)

    def _refused_late(self) -> bool:
        slot = self._holding
        decision = self._judging.late(slot)
        if decision is None or slot is None:
            return False
        self._ledger.close(slot, "local")
        self._ledger.report(slot)
        answer = self.dialect.refusal(slot.command, Refusal.POLICY, words(decision))
        self._cut(
            Cut(answer + self.dialect.farewell("Closing the connection"), f"refused by {decision.rule}")
        )
        return True

    def _enforce(self, slot: Slot, decision: Decision) -> None:
        verb = {Action.EXAMINE: "EXAMINE", Action.UNSELECT: "UNSELECT"}.get(decision.action)
        if verb:
            changed = self.dialect.rewritten(slot.command, verb)
            if changed:
                slot.command = changed
                self._forward(slot)
                return
            slot.verdict = "block"
        slot.close = decision.action is Action.CLOSE
        self._refuse(slot, Refusal.POLICY, words(decision))

    def _forward(self, slot: Slot, line: bytes = b"") -> None:
        data = self.dialect.forwarded(slot.command)
        self._ledger.open(slot)
        if slot.command.spec is not None and slot.command.spec.hold:
            self._holding = slot
        self.out[Side.SERVER].append(line or data)

    def _object(self, slot: Slot, kind: Refusal, text: str) -> None:
        slot.verdict, slot.why = "refuse", text
        alert = _ALERTS.get(kind)
        if alert:
            self._errors += 1
            self.emit(Anomaly(alert, "client", slot.command.flaw))
            if self._errors > self._options.errors:
                slot.close = True
        self._refuse(slot, kind, text)

    def _refuse(self, slot: Slot, kind: Refusal, text: str) -> None:
        answer = self.dialect.refusal(slot.command, kind, text)
        if slot.close:
            answer += self.dialect.farewell("Closing the connection")
            self._deaf = True
        self.dialect.refused(slot.command)
        self._answer(slot, answer)

    def _answer(self, slot: Slot, answer: bytes) -> None:
        slot.answer = answer
        self._own_octets += len(answer)
        self._ledger.open(slot)
        self._release()

    def _cut(self, cut: Cut) -> None:
        """The client's input is at an end for us; what the server holds is never completed."""
        if cut.why:
            self.emit(Anomaly("unreadable", "client", cut.why))
            self.reason = cut.why
        if cut.last:
            self.out[Side.SERVER].append(cut.last)
        self.dropped = True
        self._dialogues.stop()
        self.unanswered()
        self._holding = self._next = None
        if cut.answer:
            if self.dialect.boundary:
                self.out[Side.CLIENT].append(cut.answer)
            self._deaf = self.closed = True

    def _foreign(self, fault: Fault, what: str) -> None:
        """Another protocol on this port: nothing of it is read as mail, answered or quoted."""
        self.emit(Failure(fault, f"the client speaks {what}"))
        self.reason = what
        self.closed = True

    # -- the server's side --------------------------------------------------------------

    def _from_server(self) -> bool:
        if self.dropped or self.upgrade or not self.dialect.inboxes[1].data:
            return False
        token = self.dialect.server()
        if token is None:
            return False
        if isinstance(token, Chunk):
            if self._open is None:
                self.out[Side.CLIENT].append(token.data)
            else:
                self._open[2](token.data)
            if token.end and self._open is not None:
                slot, reply, _ = self._open
                self._open = None
                if reply.final and slot is not None:
                    self._done(slot, reply)
            if token.end:
                self._release()
        elif isinstance(token, Say):  # the client need not see this part of the dialogue
            if token.data:
                self.out[token.side].append(token.data)
        else:
            self._reply(token)
        return True

    def _reply(self, reply: Reply) -> None:
        slot = self.dialect.slot_of(reply) if reply.final else None
        take = self.out[Side.CLIENT].append
        if self._guard is not None and (self._dialogues.active or self._hushed is not None):
            take = self._aside(slot, reply)
        if reply.final and slot is None and not self._unasked(reply):
            return
        if slot is None or not slot.own:
            take(reply.data)
            if reply.tag == b"*":
                self._remarks.unasked(reply)
        if reply.more:
            self._open = slot, reply, take
        elif slot is not None:
            self._done(slot, reply)
        else:
            self._release()

    def _aside(self, slot: Slot | None, reply: Reply) -> Callable[[bytes], None]:
        """Who gets this reply, and what belongs to it, while a guard holds a dialogue."""
        if slot is not None and slot.own:
            return self._dialogues.asked(slot).collect
        if slot is not None and slot is self._hushed:
            self._unhush(reply.status == "OK")
        asked = None if reply.final else self._dialogues.claims(reply)
        if asked is not None:
            return asked.collect
        if self._hushed is not None and reply.status != "BYE":
            return self._held.begin()
        return self.out[Side.CLIENT].append

    def _unasked(self, reply: Reply) -> bool:
        """A reply nobody waits for: a server may say why it ends (421, BYE), and nothing else."""
        if reply.tag == b"*" or reply.status in ("421", "ERR"):
            return True
        if self._options.guard:
            raise WireError(Side.SERVER, "a reply that no command waits for", reply.data)
        self.emit(Anomaly("unasked_reply", "server", reply.status))
        return True

    def _done(self, slot: Slot, reply: Reply) -> None:
        """The server's final word on a command."""
        self._ledger.close(slot, reply.status)
        if slot.own:
            self._ledger.report(slot)
            self.dialect.answered(slot, reply)
            self._dialogues.answered(self._dialogues.asked(slot), reply)
            return
        if self._holding is slot:
            self._holding = None
        asked = self.dialect.claimant(slot.command) if slot.verb in LOGINS else None
        changed = self.dialect.answered(slot, reply)
        if asked:
            self._login(slot.command, changed and reply.status in ("OK", "235"), *asked)
        self._ledger.report(slot)
        self._remarks.answered(slot.verb, reply)
        if self._guard is not None and slot.verb in self._guard.verbs:
            self._guard.replied(slot.command, reply.status)
        if slot.verb == GREETING and reply.status == "PREAUTH":
            self._engage()
        if (
            slot.verb == GREETING
            and reply.status == "PREAUTH"
            and self._options.tls_required
            and not self.facts.tls
        ):
            # RFC 9051 §7.1.4: STARTTLS is impossible from here on, and mail would go in clear.
            self.out[Side.CLIENT].clear()
            self.end("Encryption is required here, and the server leaves no room for it", "PREAUTH")
        if self.dialect.slots:
            self._release()
        elif self._deaf and not self.upgrade:
            self.closed = True  # the client sends no more, and all is answered

    def _login(self, command: Command, good: bool, user: str, mechanism: str) -> None:
        if good:
            self._judging.learn()
            self._judging.capture(command, logged_in=True)  # who it is may not have been clear before
            self.emit(LoggedIn(self.facts.user, self.facts.mechanism, self.facts.tls))
            self._engage()
        else:
            self.emit(LoginFailed(user, mechanism))

    def _engage(self) -> None:
        """From here on there is mail to be guarded."""
        situation = Situation(self.facts, self._judging.judge, self.emit, self._capabilities)
        self._guard = self._guards(situation)
        if self._guard is None:
            return
        self._remarks.guarded()
        self._concerned |= self._guard.verbs
        opening = self._guard.opened()
        if opening is not None:
            self._dialogues.start(opening, lambda outcome: None)

    def _capabilities(self) -> frozenset[str]:
        return getattr(self.dialect, "capabilities", None) or frozenset()

    def _release(self) -> None:
        """Let our own answers out, as far as nothing of the server's is due before them."""
        if not self.dialect.boundary or self._open is not None:
            return
        if self._asides:
            self.out[Side.CLIENT].extend(self._asides)
            self._asides.clear()
        slots = self.dialect.slots
        while slots and slots[0].answer is not None:
            slot = slots[0]
            self._ledger.close(slot, "local")
            self.out[Side.CLIENT].append(slot.answer or b"")
            self._ledger.report(slot)
            if slot.upgrade:
                self._deaf = False
                self.upgrade = True
                if len(self.dialect.inboxes[Side.CLIENT]):
                    # They came in clear and would be taken for what was said inside TLS.
                    self.emit(Anomaly("octets_behind_starttls", "client"))
                    self.reason = "octets behind STARTTLS"
                    self.closed = True
            if slot.close:
                self.reason = self.reason or "closed by a rule or after too many errors"
                self.closed = True

    def unanswered(self) -> None:
        """Report commands that are never answered: the server may have carried them out."""
        slot = self._dialogues.slot
        if slot is not None:
            self._dialogues.slot = None
            slot.status = "unanswered"
            self._ledger.report(slot)
        self._ledger.abandon()

    def _lost(self, error: WireError) -> None:
        """Octets that cannot be read: a guard ends here, an observer goes on blindly."""
        side = "client" if error.side is Side.CLIENT else "server"
        self.emit(Anomaly("unreadable", side, error.why))
        if not self._options.guard:
            self.blind = True
            if self._next is not None:
                self.out[Side.SERVER].append(self._next.line)
            self.out[Side.CLIENT].append(self.dialect.held())
            self.out[error.side.other].append(error.taken)
            for one in Side:
                inbox = self.dialect.inboxes[one]
                self.out[one.other].append(inbox.take(len(inbox)))
            return
        self.emit(
            Failure(
                Fault.SERVER if error.side is Side.SERVER else Fault.CLIENT, f"the {side} sent {error.why}"
            )
        )
        self.dropped = True
        self.end("The mail server sent something this proxy cannot read", f"{side}: {error.why}")

"""A captured conversation as what is to be said to a server again, step by step. No I/O.

Each command of the capture is one :class:`Step`. It waits for those that were answered before the
captured client said it, and for no time: ``after`` is the last of them. What changes mail is left
out, unless it was allowed; a login is made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum

from mailproxy.capture.exchanges import Exchange, Recording
from mailproxy.proto.dialect import GREETING
from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.sasl import SaslExchange, mechanism_name
from mailproxy.proto.tokens import BadArguments, Command, Side
from mailproxy.replay.compare_answer import Answer, AnswerReader
from mailproxy.replay.script_safety import destructive, instead, never_said

_LONGEST_PAUSE = 3600.0  # seconds; the times in a file may say anything
_LISTS_MAILDROP = frozenset({"STAT", "LIST", "UIDL", "LAST", "QUIT"})


class Do(Enum):
    """What becomes of a captured command."""

    SEND = "send"
    LOGIN = "login"
    LEAVE_OUT = "leave out"


@dataclass(slots=True)
class Step:
    """One captured command.

    ``after`` is the index of the last step that must be over first, -1 for the greeting. ``pause`` are
    the captured seconds between that reply and this command. ``instead`` is the verb to say in its
    place. ``why`` tells why it is left out. ``sequel``: its answer depends on what was left out.
    """

    exchange: Exchange
    verb: str
    captured: Answer
    do: Do = Do.SEND
    instead: str = ""
    why: str = ""
    after: int = -1
    pause: float = 0.0
    seconds: float = 0.0  # that the captured server took
    sequel: bool = False
    examined: bool = False  # said in a mailbox that the capture had opened for writing
    before_tls: bool = False

    @property
    def number(self) -> int:
        return self.exchange.number

    @property
    def command(self) -> Command:
        assert self.exchange.command is not None, "a step without one is left out"
        return self.exchange.command

    @property
    def holds(self) -> bool:
        """Must its reply be there before anything else is said?"""
        spec = self.command.spec
        return self.do is Do.LOGIN or (spec is not None and (spec.hold or spec.alone))

    def said(self) -> Iterator[bytes]:
        """All octets of the client for this command, in pieces."""
        for turn in self.exchange.turns:
            if turn.side is Side.CLIENT:
                yield from turn.body.chunks()


@dataclass(slots=True)
class Script:
    """One conversation to be replayed.

    ``user`` is who had logged in, empty when nobody knows. ``changed``: the captured session had
    changed mail or mailboxes. ``proxied``: it is the client's leg of a session of our own proxy.
    ``encrypted``: it was encrypted, in the end at least.
    """

    protocol: str
    session: int
    greeting: Answer
    steps: list[Step] = field(default_factory=list)
    user: str = ""
    changed: bool = False
    proxied: bool = False
    encrypted: bool = False

    @property
    def login(self) -> Step | None:
        """The step that logs in, None where there is none."""
        return next((step for step in self.steps if step.do is Do.LOGIN and step.verb != "USER"), None)


def script_of(
    recording: Recording, *, allow_destructive: bool, gaps: Collection[int] = (), tls_since: float = 0.0
) -> Script:
    """The script of a captured conversation.

    ``gaps`` are the exchanges of which octets are missing; ``tls_since`` is when STARTTLS was done.
    """
    protocol = recording.conversation.protocol
    greeting = Answer()
    steps: list[Step] = []
    for exchange in recording.exchanges:
        answer = _answer(protocol, exchange, whole=exchange.number not in gaps)
        if exchange.verb == GREETING:
            greeting = answer
            continue
        verb = exchange.command.verb if exchange.command is not None else ""
        step = Step(exchange, verb, answer, seconds=max(exchange.ended - exchange.began, 0.0))
        step.why = never_said(exchange.command)
        if not step.why and _sends_body(exchange) and (exchange.number in gaps or not exchange.status):
            step.why = "the capture has not all of it"
        steps.append(step)
    for step in _logins(protocol, steps):
        step.do = Do.LOGIN
    if not allow_destructive:
        _harmless(protocol, steps)
    for step in steps:
        if step.why:
            step.do = Do.LEAVE_OUT
    _order(steps)
    _mark_sequels(protocol, steps)
    script = Script(protocol, recording.conversation.number, greeting, steps)
    script.user = recording.login or _named(steps)
    script.changed = protocol != "smtp" and any(_changes(protocol, step) for step in steps)
    script.proxied = recording.conversation.leg == "client"
    script.encrypted = _encrypted(recording)
    for step in steps:
        step.before_tls = step.exchange.began < tls_since
    return script


def _answer(protocol: str, exchange: Exchange, *, whole: bool) -> Answer:
    reader = AnswerReader(protocol, exchange.verb)
    for turn in exchange.turns:
        if turn.side is Side.SERVER:
            for chunk in turn.body.chunks():
                reader.feed(chunk)
    if not whole:
        reader.hole()
    if not exchange.status:
        reader.answer.status = ""
    return reader.answer


def _sends_body(exchange: Exchange) -> bool:
    """Is there more of the client in this exchange than a line?"""
    command = exchange.command
    return command is not None and (command.verb in ("DATA", "BDAT") or b"}" in command.line[-4:])


# -- logins ---------------------------------------------------------------------------------


def _is_login(protocol: str, step: Step) -> bool:
    if protocol == "pop3" and step.verb == "AUTH":
        return not step.why and bool(step.command.args)
    return not step.why and step.verb in ("PASS", "APOP", "AUTH", "LOGIN", "AUTHENTICATE")


def _logins(protocol: str, steps: list[Step]) -> list[Step]:
    """The steps of the one login that is made anew; the other attempts are left out.

    One attempt is enough, and a wrong password said again may lock somebody out.
    """
    tries = [index for index, step in enumerate(steps) if _is_login(protocol, step)]
    if not tries:
        return []
    good = [index for index in tries if steps[index].captured.status in ("OK", "235")]
    chosen = good[0] if good else tries[-1]
    users = [index for index, step in enumerate(steps) if step.verb == "USER" and protocol == "pop3"]
    kept = [index for index in users if index < chosen][-1:] if steps[chosen].verb == "PASS" else []
    for index in {*tries, *users} - {chosen, *kept}:
        steps[index].why = "one login is made, and this was another attempt"
    return [steps[index] for index in (*kept, chosen)]


def _named(steps: list[Step]) -> str:
    """The user whom the login's own octets name, where the capture has them in clear."""
    for step in steps:
        if step.do is not Do.LOGIN:
            continue
        name = _name_in(step)
        if name and "*" not in name:
            return name
    return ""


def _name_in(step: Step) -> str:
    command = step.command
    match step.verb:
        case "USER":
            return command.args.decode("utf-8", "backslashreplace")
        case "APOP":
            return command.args.partition(b" ")[0].decode("utf-8", "backslashreplace")
        case "LOGIN":
            try:  # the password may be "****", which is none of the grammar
                return Scanner(command.args).astring().decode("utf-8", "backslashreplace")
            except BadArguments:
                return ""
        case "AUTH" | "AUTHENTICATE":
            mechanism, _, initial = command.args.partition(b" ")
            sasl = SaslExchange(mechanism_name(mechanism))
            for line in filter(None, [initial, *_responses(step)]):
                sasl.client(line)
            return sasl.user
    return ""


def _responses(step: Step) -> Iterator[bytes]:
    for turn in step.exchange.turns[1:]:
        if turn.side is Side.CLIENT:
            yield turn.body.read()


# -- what is left out, and what follows from it -----------------------------------------------


def _harmless(protocol: str, steps: list[Step]) -> None:
    """Leave out what changes something, and open mailboxes for reading only."""
    examined = False
    for step in steps:
        if step.why or step.do is Do.LOGIN:
            continue
        step.why = destructive(protocol, step.command)
        step.instead = instead(protocol, step.verb)
        if step.verb in ("SELECT", "EXAMINE"):
            examined = step.verb == "SELECT"
        step.examined = examined


def _changes(protocol: str, step: Step) -> bool:
    """Had this command changed something on the captured server?"""
    done = step.captured.status == "OK" and not never_said(step.exchange.command)
    return done and bool(destructive(protocol, step.command))


def _mark_sequels(protocol: str, steps: list[Step]) -> None:
    changed = False
    numbers: set[bytes] = set()
    for step in steps:
        if step.do is Do.LEAVE_OUT:
            if protocol != "smtp" and _changes(protocol, step):
                changed = True
                numbers.add(step.command.args)
        elif step.verb == "RSET":
            changed = False
            numbers.clear()
        else:
            step.sequel = changed and (protocol == "imap" or _depends(step, numbers))


def _depends(step: Step, numbers: set[bytes]) -> bool:
    """POP3: does a DELE that was left out change what this is answered?"""
    number = step.command.args.partition(b" ")[0]
    return number in numbers if number else step.verb in _LISTS_MAILDROP


# -- order and time ----------------------------------------------------------------------------


def _order(steps: list[Step]) -> None:
    """Pipelining stays as it was captured: a step waits for those that had been answered."""
    last = -1
    for index, step in enumerate(steps):
        began = step.exchange.began
        while last + 1 < index and _over(steps[last + 1], began):
            last += 1
        step.after = last
        if last >= 0:
            before = steps[last].exchange
            step.pause = min(max(began - (before.ended or before.began), 0.0), _LONGEST_PAUSE)


def _over(step: Step, time: float) -> bool:
    """Had it been answered then? Where the capture has no reply, it is taken for granted that it came."""
    return not step.captured.status or step.exchange.ended <= time


def _encrypted(recording: Recording) -> bool:
    """Was this leg encrypted, as our proxy tells? Of others' captures only what was in clear can be read."""
    leg = recording.conversation.leg
    return any(
        remark.word == "starttls" or (remark.word == "tls" and remark.fields.get("side", leg) == leg)
        for remark in recording.remarks
    )

"""Runs the dialogues that guards hold with the server; see :mod:`mailproxy.session.guard`.

One at a time: the session reads no further command of the client until it is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from mailproxy.proto.dialect import Dialect, Slot
from mailproxy.proto.imap import Imap
from mailproxy.proto.imap_commands import split
from mailproxy.proto.imap_verbs import VERBS as IMAP_VERBS
from mailproxy.proto.pop3_verbs import VERBS as POP3_VERBS
from mailproxy.proto.tokens import Command, Reply, Side, WireError
from mailproxy.session.guard import Answer, Ask, Dialogue, Do, Opening, Outcome

OWN = "own"
"""The verdict, in the log, of a command that the proxy itself has sent."""


class Asked:
    """A command of ours that is open, and what has come for it."""

    __slots__ = ("ask", "octets", "pieces", "place", "slot")

    def __init__(self, ask: Ask, slot: Slot, place: int) -> None:
        """``place`` is that of its answer, among those that are asked together."""
        self.ask = ask
        self.slot = slot
        self.place = place
        self.pieces: list[bytes] = []
        self.octets = 0

    def collect(self, data: bytes) -> None:
        """Octets of its answer.

        Raises:
            WireError: there are more of them than the guard is ready for.
        """
        if self.ask.sink is not None:
            self.ask.sink(data)
            return
        self.octets += len(data)
        if self.octets > self.ask.limit:
            raise WireError(Side.SERVER, "an answer that is too large for its guard")
        self.pieces.append(data)

    def answer(self, reply: Reply) -> Answer:
        """All that was said, now that the final reply is there."""
        line = reply.data
        if reply.tag:
            line = line.partition(b" ")[2]
        else:
            line, _, rest = line.partition(b"\n")  # CAPA's list comes with its status
            line += b"\n"
            if rest:
                self.collect(rest)
        return Answer(reply.status, line, b"".join(self.pieces))


class Dialogues:
    """The dialogue that is under way, if there is one.

    ``job`` is work for another thread: whoever does it calls :meth:`worked`.
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_dialect",
        "_done",
        "_error",
        "_generator",
        "_missing",
        "_number",
        "_results",
        "_send",
        "_several",
        "_working",
        "job",
        "slot",
        "subject",
    )

    def __init__(self, dialect: Dialect, send: Callable[[Slot], None], clock: Callable[[], float]) -> None:
        """``send`` books a slot, and sends its command to the server."""
        self._dialect = dialect
        self._send = send
        self._clock = clock
        self._generator: Dialogue | Opening | None = None
        self._done: Callable[[Outcome | None], None] | None = None
        self._asked: deque[Asked] = deque()
        self._results: list[Any] = []  # of what was asked together
        self._missing = 0  # of these
        self._several = False
        self._working = 0  # the place of the job among them
        self._error: Exception | None = None  # of the job
        self._number = 0
        self.job: Callable[[], Any] | None = None
        self.slot: Slot | None = None  # of the client's command that it is about

    @property
    def active(self) -> bool:
        return self._generator is not None

    @property
    def working(self) -> bool:
        """Is there work to be done, and nothing that the server still owes?"""
        return self.job is not None and not self._asked

    def start(
        self,
        generator: Dialogue | Opening,
        done: Callable[[Outcome | None], None],
        slot: Slot | None = None,
    ) -> None:
        """Run it; ``done`` gets the outcome when it has returned."""
        self._generator, self._done, self.slot = generator, done, slot
        self._advance(None)

    def stop(self) -> None:
        """It gets no answer any more."""
        generator, self._generator, self._done = self._generator, None, None
        self._asked.clear()
        self.job = self._error = None
        if generator is not None:
            generator.close()

    def worked(self, value: Any, error: Exception | None) -> None:
        """The job is done, or has failed. Harmless when the dialogue was stopped meanwhile."""
        self.job = None
        if self._generator is not None:
            self._error = error
            self._arrived(self._working, value)

    def claims(self, reply: Reply) -> Asked | None:
        """Which of our commands an untagged response is for; None: it is the client's."""
        for asked in self._asked:
            if asked.ask.mine(reply.data):
                return asked
        return None

    def asked(self, slot: Slot) -> Asked:
        """The command of ours that this slot is of."""
        return next(asked for asked in self._asked if asked.slot is slot)

    def answered(self, asked: Asked, reply: Reply) -> None:
        """Its final reply, and all that belongs to it, is here."""
        self._asked.remove(asked)
        self._arrived(asked.place, asked.answer(reply))

    def _arrived(self, place: int, value: Any) -> None:
        self._results[place] = value
        self._missing -= 1
        if self._missing:
            return
        error, self._error = self._error, None
        self._advance(tuple(self._results) if self._several else value, error)

    def _advance(self, value: Any, error: Exception | None = None) -> None:
        generator, done = self._generator, self._done
        assert generator is not None, "a dialogue is under way"
        assert done is not None, "somebody waits for its outcome"
        try:
            step = generator.send(value) if error is None else generator.throw(error)
        except StopIteration as stop:
            self._generator = self._done = None
            self.slot = None
            done(stop.value)
            return
        self._several = isinstance(step, tuple)
        steps = step if isinstance(step, tuple) else (step,)
        self._results = [None] * len(steps)
        self._missing = len(steps)
        for place, one in enumerate(steps):
            if isinstance(one, Do):
                assert self.job is None, "one job at a time"
                self.job, self._working = one.call, place
                continue
            slot = Slot(self._command(one.line), self._clock(), OWN)
            slot.own = True
            self._asked.append(Asked(one, slot, place))
            self._send(slot)

    def _command(self, line: bytes) -> Command:
        if isinstance(self._dialect, Imap):
            self._number += 1
            tag = b"P%d" % self._number
            line = tag + b" " + line
            _, name, args = split(line)
            return Command(name, line + b"\r\n", args, IMAP_VERBS.get(name), tag)
        word, _, args = line.partition(b" ")
        name = word.decode("ascii")
        return Command(name, line + b"\r\n", args, POP3_VERBS.get(name))

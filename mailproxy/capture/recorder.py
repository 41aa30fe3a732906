"""Records one session: both legs' octets without their secrets, and what the session says of itself.

What the proxy says about an octet comes as an event while that octet is on its way, so a
remark waits for the next packet of its leg: a verdict then stands on the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol

from mailproxy.capture.comments import write
from mailproxy.capture.deferred import Deferral
from mailproxy.capture.leg import Leg, Sink
from mailproxy.events import (
    Anomaly,
    CaptureWanted,
    CommandDone,
    Event,
    Failure,
    LegSecured,
    LoggedIn,
    LoginFailed,
    SessionEnded,
    SessionStarted,
    WouldHave,
)
from mailproxy.proto.tokens import Side

_OWN = "own"  # the verdict of a command that the proxy itself has sent
Address = tuple[str, int]


class Opener(Protocol):
    """Makes a connection in a capture file; see :class:`mailproxy.capture.writer.CaptureWriter`."""

    def connection(self, session: str, protocol: str, leg: Any, client: Address, server: Address) -> Sink: ...


@dataclass(frozen=True, slots=True)
class What:
    """What is recorded. ``message_octets``: so many of each message, None for all.

    ``server_octets``: no more than so many on the server's leg. A message passes unchanged, so that
    they are those of the client's leg once more.
    ``secrets``: passwords too, because the operator asked for them.
    """

    message_octets: int | None = None
    server_octets: int | None = None
    secrets: bool = False


class Waits(Enum):
    """How long a rule may want a session that is not recorded from the start."""

    NEVER = 0  # it is recorded anyway
    LOGIN = 1  # all rules about it are about logins
    END = 2


P = ParamSpec("P")


def _harmless(method: Callable[Concatenate[Recorder, P], None]) -> Callable[Concatenate[Recorder, P], None]:
    """Whatever it raises: a flaw in recording must not stop the mail."""

    @wraps(method)
    def harmless(recorder: Recorder, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(recorder, *args, **kwargs)
        except Exception as error:
            recorder.give_up(error)

    return harmless


class Recorder:
    """See :class:`mailproxy.session.recorded.Recorder`.

    ``upstream`` is its name in the configuration. ``waits``: nothing is written until a rule wants the
    session; what was said before is kept till then, or till the login (``Waits.LOGIN``).
    """

    def __init__(
        self,
        session: str,
        protocol: str,
        opener: Opener,
        what: What,
        *,
        upstream: str = "",
        waits: Waits = Waits.NEVER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._protocol = protocol
        self._opener = opener
        self._what = what
        self._now = now
        self._waits = waits
        self._deferral = Deferral() if waits is not Waits.NEVER else None
        self._started: dict[str, Any] = {"upstream": upstream}
        self._legs: list[Leg | None] = [None, None]
        self._early: list[str] = []  # what was said before there was a leg to say it on
        self._begun = False

    # -- what is on the wires -------------------------------------------------------------

    @_harmless
    def client_leg(self, client: Address, listener: Address) -> None:
        self._open(Side.CLIENT, "client", client, listener)

    @_harmless
    def server_leg(self, own: Address, server: Address) -> None:
        self._open(Side.SERVER, "server", own, server)

    def _open(self, side: Side, name: str, client: Address, server: Address) -> None:
        def make() -> Sink:
            return self._opener.connection(self._session, self._protocol, name, client, server)

        deferral = self._deferral
        sink: Sink = make() if deferral is None else deferral.connection(make)
        limits = [self._what.message_octets, self._what.server_octets if side is Side.SERVER else None]
        octets = min((limit for limit in limits if limit is not None), default=None)
        leg = Leg(self._protocol, sink, octets, self._what.secrets)
        self._legs[side] = leg
        about = write("session", id=self._session, leg=name, protocol=self._protocol, **self._started)
        sink.open(self._now(), [about])
        for remark in self._early:
            leg.remark(remark)
        self._early, self._begun = [], True

    def arrived(self, side: Side, data: bytes, cut: bool = False) -> None:
        self._said(side, side, (data,), cut)

    def left(self, side: Side, pieces: Sequence[bytes], cut: bool = False) -> None:
        self._said(side, side.other, pieces, cut)

    def _said(self, wire: Side, by: Side, pieces: Sequence[bytes], cut: bool) -> None:
        leg = self._legs[wire]
        if leg is None:
            return
        try:  # not by the decorator: a bulk transfer would feel it
            leg.said(by, pieces, self._now(), cut)
        except Exception as error:  # see _harmless
            self.give_up(error)

    # -- what is said about it ------------------------------------------------------------

    @_harmless
    def event(self, event: Event) -> None:
        match event:
            case SessionStarted():
                self._started.update(listener=event.listener, server=event.upstream, client=event.client)
            case LegSecured():
                self._remark(event.side, write("tls", **asdict(event)))
            case LoggedIn():
                self._remark("client", write("login", **asdict(event)))
                if self._waits is Waits.LOGIN and self._deferral is not None:
                    self._forget()
            case LoginFailed():
                self._remark("client", write("login_failed", **asdict(event)))
            case CommandDone():
                self._remark("server" if event.verdict == _OWN else "client", _verdict(event))
            case WouldHave():
                self._remark("client", write("would_have", **asdict(event)))
            case Anomaly():
                self._remark(event.side, write("anomaly", name=event.name, detail=event.detail))
            case Failure():
                self._remark(
                    "client",
                    write("failure", fault=event.fault.value, what=event.what, detail=event.detail),
                )
            case CaptureWanted():
                self._remark("client", write("capture", rule=event.rule))
                self._go()
            case SessionEnded():
                self._remark("client", write("end", **_ended(event)))

    def _remark(self, leg: str, remark: str) -> None:
        found = self._legs[Side.SERVER] if leg == "server" else None
        found = found or self._legs[Side.CLIENT]
        if found is not None:
            found.remark(remark)
        elif not self._begun:
            self._early.append(remark)

    def _go(self) -> None:
        """From here on it is written, and what was kept first."""
        deferral, self._deferral = self._deferral, None
        if deferral is not None:
            deferral.release()

    @_harmless
    def end(self) -> None:
        now = self._now()
        for side in Side:
            leg, self._legs[side] = self._legs[side], None
            if leg is not None:
                leg.close(now)
        self._forget()

    def _forget(self) -> None:
        """What nobody wanted by now, nobody wants."""
        self._legs = [None, None]
        self._begun, self._deferral = True, None

    def give_up(self, error: Exception) -> None:
        """Nothing more of this session is recorded; its connections say why. Never raises."""
        legs, self._legs = self._legs, [None, None]
        self._begun, self._deferral = True, None
        for leg in legs:
            with suppress(Exception):  # it may be the very one that failed
                if leg is not None:
                    leg.abandon(self._now(), f"mailproxy could not go on: {type(error).__name__}")


def _verdict(done: CommandDone) -> str:
    return write(
        "verdict",
        verb=done.verb,
        text=done.text,
        verdict=done.verdict,
        status=done.status,
        rule=done.rule,
        why=done.why,
    )


def _ended(event: SessionEnded) -> dict[str, Any]:
    return {
        "user": event.user,
        "seconds": round(event.seconds, 6),
        "commands": event.commands,
        "reason": event.reason,
        "verdicts": event.verdicts,
    }

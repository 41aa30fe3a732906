"""One client connection from its first octet to its summary."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import trio

from mailproxy.events import Event, Failure, Fault, LegSecured, SessionEnded, SessionStarted
from mailproxy.net.lane import Lane
from mailproxy.net.relay import Relay
from mailproxy.net.upstream import Server, UpstreamError
from mailproxy.proto.tokens import Phase, Side
from mailproxy.session.guard import GuardMaker, no_guards
from mailproxy.session.options import Options
from mailproxy.session.recorded import RecordedSession, Recorder
from mailproxy.session.session import Session
from mailproxy.session.verdict import Facts, Judge
from mailproxy.tls.client_hello import LARGEST_PEEK, refusal
from mailproxy.tls.explain import explain_client
from mailproxy.tls.transport import Transport, TransportClosed

_FAREWELL_SECONDS = 5.0
_GRACE_SECONDS = 30.0  # of silence, for the answers to what a client sent before it closed its half
_OCTETS_PER_SECOND = 50  # of a message that is on its way: fewer only hold the session open
_NO_GREETING = "the mail server does not greet"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a client may take; the idle time respects the protocol's minimum."""

    handshake: float
    greeting: float  # the server's, once the connection to it stands
    login: float
    command: float
    idle: float


@dataclass(frozen=True, slots=True)
class Route:
    """What every connection of a listener shares.

    ``context`` and ``judge`` are asked anew for each connection, so that a reload reaches new ones.
    """

    protocol: str
    listener: str
    upstream: str
    implicit: bool
    options: Options
    deadlines: Deadlines
    server: Server
    context: Callable[[], ssl.SSLContext]
    judge: Callable[[], Judge]
    lane: Lane
    guards: GuardMaker = no_guards
    threads: trio.CapacityLimiter | None = None  # for what guards have to do


class Connection:
    """Serves one client; the sweeper looks at it from time to time."""

    __slots__ = (
        "_emit",
        "_open_since",
        "_recorder",
        "_relayed",
        "_route",
        "_started",
        "_transport",
        "client",
        "relay",
        "session",
    )

    def __init__(
        self,
        route: Route,
        transport: Transport,
        client: tuple[str, int],
        emit: Callable[[Event], None],
        recorder: Recorder | None = None,
    ):
        """``recorder`` hears of each event before ``emit`` does."""
        self._route = route
        self._transport = transport
        self._recorder = recorder
        self._emit = emit if recorder is None else _both(recorder.event, emit)
        self._started = time.monotonic()
        self._relayed = 0.0  # since when we wait for the greeting
        self._open_since: tuple[int, float, int] | None = (
            None  # an unfinished command, since when, at which octet
        )
        self.client = client
        self.relay: Relay | None = None
        facts = Facts(
            route.protocol,
            listener=route.listener,
            upstream=route.upstream,
            client_ip=client[0],
            tls=False,
        )
        kind = Session if recorder is None else RecordedSession
        self.session = kind(
            route.protocol, route.options, facts, route.judge(), self._emit, guards=route.guards
        )
        if recorder is not None and isinstance(self.session, RecordedSession):
            self.session.recorder = recorder

    async def serve(self) -> None:
        """Never raises, but for cancellation: what goes wrong is an event."""
        route, emit = self._route, self._emit
        emit(SessionStarted(route.protocol, route.listener, _shown(self.client), str(route.server)))
        self._record(Side.CLIENT, self._transport)
        server: Transport | None = None
        try:
            if route.implicit:
                if not await self._secure(self._transport):
                    self.session.reason = "no TLS with the client"
                    return
                self.session.upgraded(self._transport.version)
            server = await self._connect()
            if server is not None:
                self._relayed = time.monotonic()
                self.relay = Relay(
                    self.session, self._transport, server, self._secure, route.lane, route.threads
                )
                await self.relay.run()
                route.server.remember(server)
        except TransportClosed:
            self.session.reason = self.session.reason or "the connection broke"
        finally:
            self._transport.close()
            if server is not None:
                server.close()
            self._summary(server)
            if self._recorder is not None:
                self._recorder.end()

    def _record(self, side: Side, transport: Transport) -> None:
        """A leg stands."""
        if self._recorder is None:
            return
        try:
            own, peer = transport.ends
        except OSError:  # it is gone already, and nothing will be said on it
            own = peer = ("127.0.0.1", 0)
        if side is Side.CLIENT:
            self._recorder.client_leg(self.client, own)
        else:
            self._recorder.server_leg(own, peer)

    async def _secure(self, transport: Transport) -> bool:
        """TLS with the client; what it asks for is looked at before OpenSSL sees it."""
        route = self._route
        with trio.move_on_after(route.deadlines.handshake):
            try:
                if not await self._admits(transport):
                    return False
                await transport.handshake(route.context())
            except (ssl.SSLError, OSError, TransportClosed) as error:
                cause = error if isinstance(error, OSError) else OSError("the connection broke")
                self._emit(Failure(Fault.TLS, "no TLS with the client", explain_client(cause)))
                return False
            self._emit(LegSecured("client", transport.version, transport.cipher))
            return True
        self._emit(Failure(Fault.CLIENT, "the client did not finish the TLS handshake in time"))
        return False

    async def _admits(self, transport: Transport) -> bool:
        """Look at the ClientHello, which stays where it is, until it is whole."""
        seen = 0
        while True:
            await transport.more_than(seen)
            hello = transport.peek(LARGEST_PEEK) or b""
            answer = refusal(hello, self._route.protocol)
            if answer:
                self._emit(Failure(Fault.TLS, "the client asks for another protocol than this port's (ALPN)"))
                transport.read()  # octets left unread would turn the close into a reset, and lose the alert
                await transport.send(answer)
                return False
            if answer is not None or len(hello) <= seen:
                return True
            seen = len(hello)

    async def _connect(self) -> Transport | None:
        session = self.session
        try:
            server, greeting = await self._route.server.connect()
        except UpstreamError as error:
            self._emit(Failure(error.fault, "no session with the mail server", error.what))
            session.end("The mail server is not available now, try again later", "no upstream")
            with trio.move_on_after(_FAREWELL_SECONDS):
                for data in session.take(Side.CLIENT):
                    await self._transport.send(data)
            return None
        self._record(Side.SERVER, server)
        if server.tls is not None:
            self._emit(LegSecured("server", server.version, server.cipher))
        if greeting:
            session.receive(Side.SERVER, greeting)
        return server

    def overdue(self, now: float) -> str:
        """Which deadline has passed, in words; empty while none has. ``now`` is monotonic seconds."""
        relay, session, deadlines = self.relay, self.session, self._route.deadlines
        if relay is None:
            return ""  # handshake and connect have deadlines of their own
        phase = session.dialect.phase
        if phase is Phase.GREETING and not session.blind:
            return _NO_GREETING if now - self._relayed > deadlines.greeting else ""
        grace = relay.half_closed and not relay.working
        if now - relay.active > (_GRACE_SECONDS if grace else deadlines.idle):
            return "idle for too long"
        needs_login = self._route.protocol != "smtp" and phase is Phase.AUTHORIZATION and not session.blind
        if needs_login and now - self._started > deadlines.login:
            return "no login in time"
        return self._unended(now)

    def _unended(self, now: float) -> str:
        """A command that was begun must end in time; a message may take longer, if it goes on coming."""
        session, limit = self.session, self._route.deadlines.command
        octets = session.octets[Side.CLIENT]
        if not session.unfinished or (self.relay is not None and self.relay.waits_for_server):
            self._open_since = None
        elif self._open_since is None or self._open_since[0] != session.commands:
            self._open_since = session.commands, now, octets
        elif now - self._open_since[1] > limit:
            if not session.dialect.engaged or octets - self._open_since[2] < limit * _OCTETS_PER_SECOND:
                return "a command that does not end"
            self._open_since = session.commands, now, octets
        return ""

    def enforce(self, now: float) -> None:
        """End it if a deadline has passed."""
        overdue = self.overdue(now)
        if overdue == _NO_GREETING:
            within = f"{self._route.server} sent none within {self._route.deadlines.greeting:g} seconds"
            self._emit(Failure(Fault.SERVER, overdue, within))
            self.stop("The mail server is not available now, try again later", overdue)
        elif overdue:
            self.stop(f"Closing: {overdue}", overdue)

    def stop(self, text: str, reason: str) -> None:
        """End it from outside; before there is a relay its own deadlines do."""
        if self.relay is not None:
            self.relay.stop(text, reason)

    def _summary(self, server: Transport | None) -> None:
        session = self.session
        session.unanswered()
        self._emit(
            SessionEnded(
                protocol=self._route.protocol,
                client=_shown(self.client),
                user=session.dialect.user,
                seconds=time.monotonic() - self._started,
                commands=session.commands,
                octets_in=session.octets[Side.CLIENT],
                octets_out=session.octets[Side.SERVER],
                tls_client=self._transport.version,
                tls_server=server.version if server else "",
                verdicts=dict(session.verdicts),
                reason=session.reason,
            )
        )


def _both(first: Callable[[Event], None], second: Callable[[Event], None]) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        first(event)
        second(event)

    return emit


def _shown(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

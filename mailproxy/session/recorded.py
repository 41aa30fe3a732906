"""A session of which every octet is recorded, on both legs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailproxy.events import Event
from mailproxy.proto.tokens import Side
from mailproxy.session.session import Session

Address = tuple[str, int]


class Recorder(Protocol):
    """Hears of all that one session receives, sends and says. It never raises and never waits."""

    def client_leg(self, client: Address, listener: Address) -> None:
        """A client has connected."""
        ...

    def server_leg(self, own: Address, server: Address) -> None:
        """We have connected to the server; what was said there before TLS is not part of the session."""
        ...

    def arrived(self, side: Side, data: bytes) -> None:
        """Octets that ``side`` has sent to us."""
        ...

    def left(self, side: Side, pieces: Sequence[bytes]) -> None:
        """Octets that we send to ``side``."""
        ...

    def event(self, event: Event) -> None:
        """What the session tells the log, too."""
        ...

    def end(self) -> None:
        """Both legs are closed."""
        ...


class RecordedSession(Session):
    """A session with a ``recorder``, which is set before the first octet."""

    __slots__ = ("recorder",)

    recorder: Recorder

    def receive(self, side: Side, data: bytes) -> None:
        # What is said of a reply is known only once it was read; of a command, before it is answered.
        if side is Side.CLIENT:
            self.recorder.arrived(side, data)
        super().receive(side, data)
        if side is Side.SERVER:
            self.recorder.arrived(side, data)

    def take(self, side: Side) -> Sequence[bytes]:
        pieces = super().take(side)
        if pieces:
            self.recorder.left(side, pieces)
        return pieces

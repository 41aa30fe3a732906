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

    def arrived(self, side: Side, data: bytes, cut: bool = False) -> None:
        """Octets that ``side`` has sent to us.

        ``cut``: if they belong to a body, it ends where they end, or not in them.
        """
        ...

    def left(self, side: Side, pieces: Sequence[bytes], cut: bool = False) -> None:
        """Octets that we send to ``side``. ``cut``: a body among them ends where a piece ends."""
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
        # What is said of a reply is known only once it was read; a command stands before what is said of it.
        if side is Side.CLIENT and not self.dialect.in_body(side):
            self.recorder.arrived(side, data)
            super().receive(side, data)
            return
        super().receive(side, data)
        out = self.out[side.other]
        # One that went blind hands on what it has not read.
        self.recorder.arrived(side, data, bool(out) and out[-1] is data and not self.blind)

    def take(self, side: Side) -> Sequence[bytes]:
        pieces = super().take(side)
        if pieces:
            self.recorder.left(side, pieces, not self.blind)
        return pieces
